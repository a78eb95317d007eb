"""Losses that objectives are made of."""

import tensorflow as tf


def cross_entropy(logits, targets, smoothing: float = 0.0):
    """Cross-entropy in nats of float32 `[..., size]` against int32 `[...]`.

    With smoothing s the target distribution has 1 - s on the true entry and s spread evenly over all
    (Szegedy et al. 2016, "Rethinking the Inception Architecture for Computer Vision", section 7).
    """
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
    if smoothing:
        spread = -tf.reduce_mean(tf.nn.log_softmax(logits), axis=-1)
        loss = (1 - smoothing) * loss + smoothing * spread
    return loss
