"""Outputs: what every way of decoding gives, and how outputs of different lengths are compared."""

from typing import NamedTuple

import tensorflow as tf


class Outputs(NamedTuple):
    """Outputs for a batch of inputs, several for each, best first.

    Attributes:
      ids: int32 `[batch, outputs, length]`: the end token, then 0. An output that reached the greatest
        length has no end token.
      log_probability: float32 `[batch, outputs]`, the sum over the entries of each output, its end token
        included.
      score: float32 `[batch, outputs]`, by which they are ranked; -inf where there is no output.
    """

    ids: tf.Tensor
    log_probability: tf.Tensor
    score: tf.Tensor


def length_penalty(length: tf.Tensor | int, alpha: tf.Tensor) -> tf.Tensor:
    """`((5 + length) / 6) ** alpha` of Wu et al. 2016 (arXiv 1609.08144), eq. 14; float32.

    Args:
      length: entries of an output, its end token included.
      alpha: float32 scalar.
    """
    return ((5.0 + tf.cast(length, tf.float32)) / 6.0) ** alpha
