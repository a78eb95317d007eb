"""The timing signal of "One Model To Learn Them All", section 2.1.2."""

import numpy as np
import tensorflow as tf


def timing_signal(length: int | tf.Tensor, depth: int, start: int | tf.Tensor = 0) -> tf.Tensor:
    """Sine and cosine of each position at `depth / 2` frequencies, interleaved.

    `timing(t, [2d, 2d + 1]) = [sin(t Delta(2d)) || cos(t Delta(2d))]`, `Delta(2d) = 1e4 ** (-2d / depth)`.

    Args:
      length: number of positions, an int or an int32 scalar.
      depth: number of channels, even.
      start: the first position, for decoding step by step.

    Returns:
      float32 `[length, depth]`.
    """
    delta = 1e4 ** (-np.arange(0, depth, 2, dtype=np.float64) / depth)
    position = tf.cast(tf.range(length) + start, tf.float32)
    angle = position[:, None] * delta.astype(np.float32)  # [length, depth / 2]
    return tf.reshape(tf.stack([tf.sin(angle), tf.cos(angle)], axis=-1), [-1, depth])
