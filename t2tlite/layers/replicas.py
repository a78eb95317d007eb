"""Sums and rows of all replicas of a step, for what is of the whole batch and not of a replica's part.

Code compiled by XLA can't talk to other replicas, so these have to be called outside of it.
"""

import itertools
import math
from collections.abc import Iterable, Iterator
from typing import TypeVar

import tensorflow as tf

Nest = TypeVar("Nest")

BUCKET = 64 * 2**20  # bytes


def total(values: Nest) -> Nest:
    """The sums of small float32 tensors over all replicas, and through them the gradient.

    All of them together are one exchange, since each costs the wait for the slowest replica.

    Args:
      values: a tensor or a nest of them.

    Returns:
      The same structure; `values` itself where there is one replica.
    """
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return values
    parts = tf.nest.flatten(values)
    return tf.nest.pack_sequence_as(values, _exchanged(context, parts))


def gathered(tensors: Iterable[tf.Tensor], most: int) -> tuple[list[tf.Tensor], tf.Tensor]:
    """The rows that all replicas have, those of a replica together, and through them the gradient.

    The gradient that reaches a row is the sum of those that all replicas have of it. What is exchanged has
    one shape, whatever the batch: an exchange between workers has to keep that of its first time.

    Args:
      tensors: several float32 tensors `[rows, ...]`, of the same number of rows; replicas may have different
        ones.
      most: rows that the largest batch has, on all replicas together.

    Returns:
      A list of tensors `[rows of the whole batch, ...]`; and int32 `[rows]`, where this replica's rows are in
      them.
    """
    tensors = list(tensors)
    rows = tf.shape(tensors[0])[0]
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return tensors, tf.range(rows)
    place = tf.one_hot(context.replica_id_in_sync_group, context.num_replicas_in_sync)
    counts = total(place * tf.cast(rows, tf.float32))  # [replicas]
    before = tf.reduce_sum(place * tf.cumsum(counts, exclusive=True))
    places = tf.cast(before, tf.int32) + tf.range(rows)
    whole = tf.cast(tf.reduce_sum(counts), tf.int32)
    room = most + context.num_replicas_in_sync  # replicas may each have one more than their share
    with tf.control_dependencies([tf.debugging.assert_less_equal(whole, room)]):
        spread = [tf.scatter_nd(places[:, None], one, [room, *one.shape[1:]]) for one in tensors]
    return [one[:whole] for one in total(spread)], places


def assign(variable: tf.Variable, value: tf.Tensor) -> None:
    """Gives a variable a value, which is the same on every replica."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        variable.assign(value)
        return

    def across(strategy: tf.distribute.Strategy, value: tf.Tensor) -> None:
        strategy.extended.update(variable, lambda local, new: local.assign(new), args=(value,))

    context.merge_call(across, args=(value,))


def total_in_buckets(tensors: list[tf.Tensor], most: int = BUCKET) -> list[tf.Tensor]:
    """The sums of large tensors, such as gradients, over all replicas.

    Neighbors are sent together, since what waits for others is then paid for once, but at most `most` bytes,
    since what is sent together is copied first. A larger tensor is sent alone and not copied.

    Args:
      tensors: of one dtype and of known shapes.
      most: bytes of a bucket.

    Returns:
      Tensors of the same order and shapes; `tensors` itself where there is one replica.
    """
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return tensors
    sums: list[tf.Tensor] = []
    rest = iter(tensors)
    for count in buckets((tensor.dtype.size * math.prod(tensor.shape) for tensor in tensors), most):
        parts = list(itertools.islice(rest, count))
        with tf.control_dependencies(sums[-1:]):  # the copies of one bucket at a time
            sums += _exchanged(context, parts)
    return sums


def buckets(sizes: Iterable[int], most: int) -> Iterator[int]:
    """How many neighbors go together, so that each sum of sizes is at most `most`; larger ones go alone."""
    count = total = 0
    for size in sizes:
        if count and total + size > most:
            yield count
            count = total = 0
        count, total = count + 1, total + size
    if count:
        yield count


def _exchanged(context: tf.distribute.ReplicaContext, parts: list[tf.Tensor]) -> list[tf.Tensor]:
    """The sums of tensors of one dtype, sent as one tensor."""
    if len(parts) == 1:
        return [context.all_reduce(tf.distribute.ReduceOp.SUM, parts[0])]
    flat = tf.concat([tf.reshape(part, [-1]) for part in parts], axis=0)
    sums = tf.split(context.all_reduce(tf.distribute.ReduceOp.SUM, flat), [tf.size(part) for part in parts])
    shaped = [tf.reshape(each, tf.shape(part)) for each, part in zip(sums, parts, strict=True)]
    return [tf.ensure_shape(each, part.shape) for each, part in zip(shaped, parts, strict=True)]


def number() -> int:
    """How many replicas a step runs on."""
    return tf.distribute.get_strategy().num_replicas_in_sync
