"""Padding masks, applied explicitly: True where a position holds data."""

import tensorflow as tf


def apply_mask(x: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    """Zeroes the padded positions of `x` `[batch, length, ...]`; `mask` is bool `[batch, length]` or None."""
    if mask is None:
        return x
    shape = tf.concat([tf.shape(mask), tf.ones([len(x.shape) - 2], tf.int32)], axis=0)
    return x * tf.cast(tf.reshape(mask, shape), x.dtype)


def masked_mean(x: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    """Mean of `x` `[batch, length, channels]` over its unpadded positions: `[batch, channels]`."""
    if mask is None:
        return tf.reduce_mean(x, axis=1)
    weight = tf.cast(mask, x.dtype)[:, :, None]
    return tf.reduce_sum(x * weight, axis=1) / tf.maximum(tf.reduce_sum(weight, axis=1), 1)
