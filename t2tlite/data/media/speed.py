"""Sounds played faster or slower, as training varies them."""

import tensorflow as tf


def drawn(seeds: tf.Tensor, change: float) -> tf.Tensor:
    """1 - change, 1 or 1 + change, each as likely, float32 `[rows]`; Ko et al. (2015) have 0.9, 1 and 1.1.

    Args:
      seeds: int64 `[rows, 2]`.
      change: below 1.
    """
    which = tf.map_fn(
        lambda seed: tf.random.stateless_uniform([], seed, -1, 2, tf.int32),
        seeds,
        fn_output_signature=tf.int32,
    )
    return 1 + change * tf.cast(which, tf.float32)


def changed(samples: tf.Tensor, lengths: tf.Tensor, speeds: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Sounds at other speeds, and so in other pitches; between samples lines are drawn.

    One that would be longer than the padding of its batch is slowed only as far as that goes.

    Args:
      samples: float32 `[rows, longest]`, 0 behind the end of each.
      lengths: int32 `[rows]`.
      speeds: float32 `[rows]`.

    Returns:
      samples `[rows, longest]`, 0 behind the end of each, and int32 lengths `[rows]`, 1 or more.
    """
    longest = tf.shape(samples)[1]
    asked = tf.cast(tf.round(tf.cast(lengths, tf.float32) / speeds), tf.int32)
    new = tf.clip_by_value(asked, 1, longest)
    ratio = tf.cast(lengths, tf.float64) / tf.cast(new, tf.float64)
    place = tf.cast(tf.range(longest), tf.float64) * ratio[:, None]  # [rows, longest]; float32 is too coarse
    before = tf.minimum(tf.cast(place, tf.int32), longest - 1)
    after = tf.minimum(before + 1, longest - 1)
    share = tf.cast(place - tf.cast(before, tf.float64), samples.dtype)
    line = (1 - share) * tf.gather(samples, before, batch_dims=1) + share * tf.gather(
        samples, after, batch_dims=1
    )
    return tf.where(tf.sequence_mask(new, longest), line, 0.0), new
