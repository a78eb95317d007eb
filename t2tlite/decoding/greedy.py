"""Greedy decoding: the most likely entry at every position."""

from typing import NamedTuple

import tensorflow as tf

from t2tlite.decoding.incremental import Incremental

PAD, EOS = 0, 1


class Decoded(NamedTuple):
    """Output sequences.

    Attributes:
      ids: int32 `[batch, length]`; the end token, then 0. A sequence that reached the greatest length has
        no end token.
      log_probability: float32 `[batch]`, the sum over the entries of each sequence, its end token included.
    """

    ids: tf.Tensor
    log_probability: tf.Tensor


def greedy(incremental: Incremental, features) -> Decoded:
    """Decodes a batch greedily, until every sequence has ended or reached the greatest length.

    To be called inside a `tf.function`. Padding is never emitted, and is ranked last in the distribution
    only: the log-probabilities are those of training.

    Args:
      incremental: the problem's model, and the greatest length.
      features: `{"inputs": ...}` as the problem's pipeline makes it.
    """
    memory, state, x = incremental.start(features)
    batch = tf.shape(x)[0]
    positions = tf.range(incremental.length)

    def unfinished(position, x, state, going, ids, total):
        return tf.reduce_any(going)

    def extend(position, x, state, going, ids, total):
        log_probabilities, state = incremental.step(x, memory, state, going)  # [batch, size]
        chosen = PAD + 1 + tf.argmax(log_probabilities[:, PAD + 1 :], axis=-1, output_type=tf.int32)
        gained = tf.gather(log_probabilities, chosen, batch_dims=1)
        chosen = tf.where(going, chosen, PAD)
        total = total + tf.where(going, gained, 0.0)
        ids = tf.where(positions == position, chosen[:, None], ids)
        going = going & (chosen != EOS)
        return position + 1, incremental.embed(chosen), state, going, ids, total

    count, _, _, _, ids, total = tf.while_loop(
        unfinished,
        extend,
        (
            tf.constant(0),
            x,
            state,
            tf.fill([batch], True),
            tf.fill([batch, incremental.length], PAD),
            tf.zeros([batch]),
        ),
        maximum_iterations=incremental.length,
    )
    return Decoded(ids[:, :count], total)
