"""Losses that objectives are made of."""

import tensorflow as tf


def cross_entropy(logits: tf.Tensor, targets: tf.Tensor, smoothing: float = 0.0) -> tf.Tensor:
    """Cross-entropy in nats of float32 `[..., size]` against int32 `[...]`.

    With smoothing s the target distribution has 1 - s on the true entry and s spread evenly over all
    (Szegedy et al. 2016, "Rethinking the Inception Architecture for Computer Vision", section 7).
    """
    if not smoothing:
        return tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
    size = logits.shape[-1]
    spread = smoothing / size
    smoothed = tf.one_hot(targets, size, 1 - smoothing + spread, spread)
    return tf.nn.softmax_cross_entropy_with_logits(smoothed, logits)
