"""Greedy decoding and sampling: an entry after the other, without going back."""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from t2tlite.decoding.search.constraints import Rules
from t2tlite.decoding.search.incremental import Incremental
from t2tlite.decoding.search.outputs import Outputs
from t2tlite.ids import EOS, PAD
from t2tlite.types import Batch


class Noise(NamedTuple):
    """What samples depend on besides the distribution.

    Attributes:
      seed: int32 `[2]`.
      rows: int32 `[batch]`, the inputs' numbers. What is drawn for an input is a function of the seed, of
        its number, of the sample's and of the position, so nothing else in the batch matters.
    """

    seed: tf.Tensor
    rows: tf.Tensor


class Truncation(NamedTuple):
    """Leaves the unlikely entries out of a distribution.

    Attributes:
      top_k: int32 scalar, how many stay; 0: all.
      top_p: float32 scalar: the likeliest stay that have this probability together (Holtzman et al. 2020,
        arXiv 1904.09751); 1: all.
    """

    top_k: tf.Tensor
    top_p: tf.Tensor


def greedy(incremental: Incremental, features: Batch, rules: Rules) -> Outputs:
    """The most likely entry at every position; one output for each input.

    To be called inside a `tf.function`. The log-probabilities are those of training, whatever the rules
    leave out.

    Args:
      incremental: the problem's model, and the greatest length.
      features: `{"inputs": ...}` as the problem's pipeline makes it.
    """
    return _decode(incremental, features, rules, 1, lambda position, logs: tf.argmax(logs, -1, tf.int32))


def sample(
    incremental: Incremental,
    features: Batch,
    rules: Rules,
    noise: Noise,
    samples: int,
    temperature: tf.Tensor,
    truncation: Truncation | None = None,
) -> Outputs:
    """Draws outputs; see `greedy`.

    Args:
      samples: how many for each input.
      temperature: float32 scalar above 0, by which log-probabilities are divided.
      truncation: of each distribution, after the temperature; None: none.

    Returns:
      The samples, likeliest first; the log-probabilities are the model's, without temperature.
    """
    uniform = _uniform(noise, samples, incremental.length)  # [length, rows]

    def choose(position: tf.Tensor, logs: tf.Tensor) -> tf.Tensor:
        logs = tf.nn.log_softmax(logs / temperature)
        if truncation:
            logs = tf.where(_truncation_mask(logs, truncation), logs, float("-inf"))
        return draw(logs, uniform[position])

    outputs = _decode(incremental, features, rules, samples, choose)
    order = tf.argsort(outputs.score, direction="DESCENDING", stable=True)
    return Outputs(*(tf.gather(x, order, batch_dims=1) for x in outputs))


def draw(log_probabilities: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
    """Entries int32 `[rows]` by inversion of the distribution function, in float64.

    Args:
      log_probabilities: float32 `[rows, size]`, up to a constant.
      uniform: float32 `[rows]` in [0, 1).
    """
    peak = tf.reduce_max(log_probabilities, axis=-1, keepdims=True)
    below = tf.cumsum(tf.exp(tf.cast(log_probabilities - peak, tf.float64)), axis=-1)
    reached = below > tf.cast(uniform, tf.float64)[:, None] * below[:, -1:]
    return tf.argmax(tf.cast(reached, tf.int8), axis=-1, output_type=tf.int32)  # the first


def _truncation_mask(logs: tf.Tensor, truncation: Truncation) -> tf.Tensor:
    """bool `[rows, size]`; of entries that are as likely as the last that stays all stay."""
    ranked = tf.sort(logs, direction="DESCENDING")
    size = tf.shape(logs)[-1]
    most = tf.where(truncation.top_k > 0, tf.minimum(truncation.top_k, size), size)
    before = tf.cumsum(tf.exp(ranked), axis=-1, exclusive=True)
    stay = (tf.range(size) < most) & ((before < truncation.top_p) | (truncation.top_p >= 1))
    count = tf.maximum(tf.reduce_sum(tf.cast(stay, tf.int32), axis=-1), 1)
    least = tf.gather(ranked, count - 1, batch_dims=1)
    return logs >= least[:, None]


def _uniform(noise: Noise, samples: int, length: int) -> tf.Tensor:
    """float32 `[length, batch * samples]` in [0, 1)."""
    fold_in = tf.random.experimental.stateless_fold_in

    def of_row(row: tf.Tensor) -> tf.Tensor:
        seed = fold_in(noise.seed, row)
        seeds = [fold_in(seed, number) for number in range(samples)]
        return tf.stack([tf.random.stateless_uniform([length], one, alg="philox") for one in seeds])

    drawn = tf.map_fn(of_row, noise.rows, fn_output_signature=tf.TensorSpec([samples, length], tf.float32))
    return tf.transpose(tf.reshape(drawn, [-1, length]))


def _decode(
    incremental: Incremental,
    features: Batch,
    rules: Rules,
    copies: int,
    choose: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
) -> Outputs:
    memory, state, x = incremental.start(features, copies)
    rows = tf.shape(x)[0]

    def unfinished(
        position: tf.Tensor,
        x: tf.Tensor,
        state: Any,
        obeyed: Any,
        going: tf.Tensor,
        ids: tf.Tensor,
        total: tf.Tensor,
    ) -> tf.Tensor:
        return tf.reduce_any(going)

    def extend(
        position: tf.Tensor,
        x: tf.Tensor,
        state: Any,
        obeyed: Any,
        going: tf.Tensor,
        ids: tf.Tensor,
        total: tf.Tensor,
    ) -> tuple[Any, ...]:
        log_probabilities, state = incremental.step(x, memory, state, going)  # [rows, size]
        chosen = choose(position, rules.apply(log_probabilities, position, obeyed))  # [rows]
        gained = tf.gather(log_probabilities, chosen, batch_dims=1)
        chosen = tf.where(going, chosen, PAD)
        total = total + tf.where(going, gained, 0.0)
        ids = tf.tensor_scatter_nd_update(ids, position[None, None], chosen[None])
        going = going & (chosen != EOS)
        obeyed = rules.advance(obeyed, chosen)
        return position + 1, incremental.embed(chosen), state, obeyed, going, ids, total

    count, _, _, _, _, ids, total = tf.while_loop(
        unfinished,
        extend,
        (
            tf.constant(0),
            x,
            state,
            rules.initial(rows, copies),
            tf.fill([rows], True),
            tf.fill([incremental.length, rows], PAD),
            tf.zeros([rows]),
        ),
        maximum_iterations=incremental.length,
    )
    ids = tf.reshape(tf.transpose(ids[:count]), [-1, copies, count])
    total = tf.reshape(total, [-1, copies])
    return Outputs(ids, total, total)
