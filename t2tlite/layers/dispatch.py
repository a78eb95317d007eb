"""Dispatch: gives each choice a slot of its expert, and moves activations there and back by gathers."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

from t2tlite.layers import xla
from t2tlite.layers.once import once


class Plan(NamedTuple):
    """Where each chosen (token, expert) pair goes; the dispatch moves activations by gathers alone.

    Slots come in blocks of `capacity`, each the slots of one expert. First comes one block of each expert,
    empty or not (if `shared` is 1), then as many more as the experts need, in the order of the experts.

    Attributes:
      slot_of_choice: int32 `[tokens, k]`, in `[0, slots)`; `slots` where there is none.
      choice_of_slot: int32 `[slots]`, in `[0, tokens * k)`; `tokens * k` where the slot is empty.
      capacity: int32 scalar, slots of a block; more than the experts may fill where XLA compiles it.
      shared: 0 or 1.
      ends: int32 `[n]`, the number of further blocks of each expert and those before it; None where choices
        are dropped, and there are none.
      dropped: float32 scalar, choices that found their expert full.
      choices: float32 `[n]`, how often each expert was chosen, dropped choices included.
    """

    slot_of_choice: tf.Tensor
    choice_of_slot: tf.Tensor
    capacity: tf.Tensor
    shared: int
    ends: tf.Tensor | None
    dropped: tf.Tensor
    choices: tf.Tensor


def plan_dispatch(
    experts: tf.Tensor,
    mask: tf.Tensor,
    n: int,
    capacity: int | tf.Tensor,
    drops: bool,
    shared: int = 1,
) -> Plan:
    """Gives each choice a slot of its expert, first come, first served; padding gets none.

    The number of slots follows from the number of tokens, not from their choices, so XLA can compile it.
    Where nothing is dropped it is at most `(n + 1) * capacity + tokens * k`.

    Args:
      experts: int32 `[tokens, k]`; n for a choice that gets no slot, such as one of another replica's expert.
      mask: float32 `[tokens]`, 0 for padding.
      n: number of experts.
      capacity: slots of a block, at least 1.
      drops: whether an expert has only one block; otherwise it has as many as it needs.
      shared: see `Plan`; must be 1 where choices are dropped.
    """
    tokens, k = tf.shape(experts)[0], experts.shape[1]
    choices = tokens * k
    routed = tf.repeat(mask > 0, k)
    expert = tf.where(routed, tf.reshape(experts, [-1]), n)  # padding goes to a last expert that isn't there
    order = tf.argsort(expert, stable=True)
    count = tf.math.unsorted_segment_sum(tf.ones_like(expert), expert, n + 1)  # XLA has no bincount
    count = tf.ensure_shape(count, [n + 1])
    ranked = tf.gather(expert, order)
    first = tf.cumsum(count, exclusive=True)
    rank = tf.range(choices) - tf.gather(first, ranked)  # place of the choice among those of its expert
    kept = ranked < n
    if drops:
        kept &= rank < capacity
        if xla.is_traced_for():
            # A GPU pads what is no multiple of 8 before each product, in a copy.
            capacity = -(-capacity // 8) * 8
        slot, slots, ends = ranked * capacity + rank, n * capacity, None
    else:
        slot, slots, ends = _as_many_as_needed(count, ranked, rank, capacity, shared)
    chosen = tf.cast(count[:n], tf.float32)
    dropped = tf.reduce_sum(chosen) - tf.reduce_sum(tf.cast(kept, tf.float32))
    slot = tf.where(kept, slot, slots)
    slot_of_choice = tf.scatter_nd(order[:, None], slot, [choices])
    choice_of_slot = tf.tensor_scatter_nd_update(
        tf.fill([slots + 1], choices), slot[:, None], tf.where(kept, order, choices)
    )[:slots]
    return Plan(
        tf.reshape(slot_of_choice, [tokens, k]), choice_of_slot, capacity, shared, ends, dropped, chosen
    )


def _as_many_as_needed(
    count: tf.Tensor, ranked: tf.Tensor, rank: tf.Tensor, capacity: int | tf.Tensor, shared: int
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Slots where no choice is dropped.

    Args:
      count: int32 `[n + 1]`, choices of each expert, padding last.
      ranked, rank: int32 `[choices]`, each choice's expert and its place among the choices of that expert.
      capacity, shared: see `Plan`.

    Returns:
      slot of each choice int32 `[choices]`, any for padding; the number of slots; `Plan.ends`.
    """
    n = count.shape[0] - 1
    further = tf.maximum(-(-count // capacity) - shared, 0)  # blocks of each expert
    ends = tf.cumsum(further)
    start = (shared * n + ends - further) * capacity  # slot of the first choice in a further block
    behind = tf.gather(start, ranked) + rank - shared * capacity
    slot = tf.where(rank < shared * capacity, ranked * capacity + rank, behind)
    # A further block is full or the last of its expert. One at least, for a list must not be empty.
    choices = tf.size(rank)
    most = choices // capacity + (1 - shared) * tf.minimum(n, choices)
    return slot, (shared * n + tf.maximum(most, 1)) * capacity, ends[:n]


def _gather_or_zero(x: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
    """Rows of `x`, and zeros where the index is just past its end."""
    return tf.gather(tf.concat([x, tf.zeros([1, x.shape[-1]], x.dtype)], axis=0), index)


def dispatch(x: tf.Tensor, plan: Plan, training: bool = True) -> tf.Tensor:
    """Copies tokens to slots: `[tokens, channels]` -> `[slots, channels]`; the gradient is a gather, too."""
    k = plan.slot_of_choice.shape[1]
    if not training:
        return _gather_or_zero(x, plan.choice_of_slot // k)
    return _dispatched(x, plan.choice_of_slot // k, plan.slot_of_choice)


def undispatch(y: tf.Tensor, plan: Plan, training: bool = True) -> tf.Tensor:
    """Fetches each choice's result: `[slots, channels]` -> `[tokens, k, channels]`, zeros where dropped."""
    if not training:
        return _gather_or_zero(y, plan.slot_of_choice)
    return moved(y, plan.slot_of_choice, plan.choice_of_slot)


# TensorFlow never forgets a custom gradient, nor the graph it was made in: so that graph is a small one.
@once
def _dispatched(x: tf.Tensor, token_of_slot: tf.Tensor, slot_of_choice: tf.Tensor) -> tf.Tensor:
    @tf.custom_gradient
    def forward(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        def backward(dy: tf.Tensor) -> tf.Tensor:
            return tf.reduce_sum(_gather_or_zero(dy, slot_of_choice), axis=1)

        return _gather_or_zero(x, token_of_slot), backward

    return forward(x)


@once
def moved(x: tf.Tensor, to: tf.Tensor, back: tf.Tensor) -> tf.Tensor:
    """Rows in another order, zeros where an index is just past the end; the gradient is such a gather, too.

    Args:
      x: `[rows, channels]`.
      to: int32, any shape: which row comes there; each at most once.
      back: int32 `[rows]`: where in `to`, flattened, each row comes; past its end for one that comes nowhere.

    Returns:
      `[..., channels]`, of the shape of `to`.
    """

    @tf.custom_gradient
    def forward(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        def backward(dy: tf.Tensor) -> tf.Tensor:
            return _gather_or_zero(tf.reshape(dy, [-1, dy.shape[-1]]), back)

        return _gather_or_zero(x, to), backward

    return forward(x)


def apply_experts(
    slots: tf.Tensor, plan: Plan, n: int, kernels: Sequence[tf.Tensor], feed_forward: Callable[..., tf.Tensor]
) -> tf.Tensor:
    """Gives each block to its expert: `[slots, channels]` -> `[slots, channels]`.

    The shared blocks go through one batched product, the further ones through a loop, one after the other. So
    the hidden layer takes memory for the shared blocks and for one more, whatever the choices.

    Args:
      slots: zero where empty.
      n: number of experts.
      kernels: of all experts, each `[n, ...]`.
      feed_forward: a function of `[n, capacity, channels]` and `kernels`, or of `[capacity, channels]` and
        the kernels of one expert. It maps zeros to zeros.
    """
    block = [-1, plan.capacity, slots.shape[-1]]
    count = plan.shared * n
    parts = []
    if count:
        parts.append(feed_forward(tf.reshape(slots[: count * plan.capacity], block), *kernels))
    if plan.ends is None:
        return tf.reshape(parts[0], [-1, slots.shape[-1]])

    def apply_one(number: tf.Tensor, blocks: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
        expert = tf.reduce_sum(tf.cast(plan.ends <= number, tf.int32))
        y = feed_forward(blocks.read(number), *(kernel[expert] for kernel in kernels))  # no copy
        return number + 1, blocks.write(number, y)

    further = tf.reshape(slots[count * plan.capacity :], block)
    most = tf.shape(further)[0]
    # A list of blocks: TensorFlow copies a tensor whenever a loop writes to it.
    blocks = tf.TensorArray(slots.dtype, most, clear_after_read=False).unstack(further)
    _, blocks = tf.while_loop(
        lambda number, _: number < plan.ends[-1],
        apply_one,
        (tf.constant(0), blocks),
        maximum_iterations=most,  # for XLA, which must know what a gradient can need
    )
    return tf.reshape(tf.concat([*parts, blocks.stack()], axis=0), [-1, slots.shape[-1]])
