"""Loss weights by homoscedastic uncertainty (Kendall, Gal and Cipolla 2018)."""

import tensorflow as tf

from t2tlite import registry
from t2tlite.loss_weights.weighting import LossWeighting, State
from t2tlite.shared_hparams import LOSS_WEIGHTING_RATE


@registry.register_loss_weighting
class Uncertainty(LossWeighting):
    """Weights 1 / sigma^2, learned with the model (Kendall, Gal and Cipolla 2018, arXiv 1705.07115).

    Each problem has s = log sigma^2, from 0, and what is lessened is exp(-s) loss + s / 2 (their eq. 10, of a
    cross-entropy). s goes down its gradient 1/2 - exp(-s) loss, clipped to [-1, 1], by
    `loss_weighting_rate`. It settles where exp(s) is twice the loss: a problem's weight is about the inverse
    of its recent loss.

    Measured on two problems, it was worse on one and hardly better on the other: docs/sharing.md.
    """

    HPARAMS = (LOSS_WEIGHTING_RATE,)
    STATE = ("log_variance",)

    def weights(self, state: State) -> tf.Tensor:
        return tf.exp(-state["log_variance"])

    def updated(self, state: State, problem: tf.Tensor, loss: tf.Tensor, norm: tf.Tensor) -> State:
        s = state["log_variance"]
        slope = tf.clip_by_value(0.5 - tf.exp(-s) * loss, -1.0, 1.0)
        return {"log_variance": s - self.hparams.loss_weighting_rate * problem * slope}
