"""SpecAugment: bands of a spectrogram that training doesn't show."""

import tensorflow as tf

from t2tlite.layers import randomness

MASKS = 2  # along each axis, as in the paper's policy LD


def spec_augment(x: tf.Tensor, frames: tf.Tensor, time: float, frequency: float) -> tf.Tensor:
    """Masks two stretches of time and two bands of frequency of each spectrogram (Park et al. 2019).

    Without their time warping, which they find to matter least (arXiv 1904.08779, section 5). A mask is as
    wide as a uniform draw between nothing and its share, and lies anywhere. What is masked is 0, silence.

    Args:
      x: `[batch, time, bins]`.
      frames: int32 `[batch]`, how many of them are the sound; masks over time lie within.
      time: largest share of a sound's frames that one mask covers; 0: no such masks.
      frequency: largest share of the bins that one mask covers; 0: no such masks.
    """
    batch, length, bins = tf.unstack(tf.shape(x))
    if time:
        x = tf.where(_masked(batch, length, frames, time)[:, :, None], tf.zeros([], x.dtype), x)
    if frequency:
        x = tf.where(_masked(batch, bins, bins[None], frequency)[:, None], tf.zeros([], x.dtype), x)
    return x


def _masked(batch: tf.Tensor, length: tf.Tensor, extent: tf.Tensor, most: float) -> tf.Tensor:
    """Which places are masked, bool `[batch, length]`, of the first `extent` (int32, `[batch]` or `[1]`)."""
    drawn = randomness.uniform(tf.stack([batch, MASKS, 2]))
    whole = tf.cast(extent, tf.float32)[:, None]  # [batch, 1]
    width = tf.round(drawn[:, :, 0] * most * whole)  # [batch, masks]
    start = tf.floor(drawn[:, :, 1] * (whole - width + 1))
    place = tf.range(length, dtype=tf.float32)[:, None]
    inside = (place >= start[:, None]) & (place < (start + width)[:, None])  # [batch, length, masks]
    return tf.reduce_any(inside, axis=2)
