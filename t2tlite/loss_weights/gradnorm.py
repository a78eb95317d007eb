"""Loss weights by GradNorm (Chen, Badrinarayanan, Lee and Rabinovich 2018)."""

import tensorflow as tf

from t2tlite import registry
from t2tlite.hyperparameter import NOT_NEGATIVE, Hyperparameter
from t2tlite.loss_weights.weighting import LossWeighting, State
from t2tlite.shared_hparams import LOSS_WEIGHTING_RATE


@registry.register_loss_weighting("gradnorm")
class GradNorm(LossWeighting):
    """Weights that let all problems learn at one rate (GradNorm, Chen et al. 2018, arXiv 1711.02257).

    G is the norm of a problem's weighted gradient, and r its loss as a share of its first one, divided by the
    mean of these shares. G should be mean(G) r^`gradnorm_alpha`: a problem that lags behind gets larger
    gradients. Weights sum to the number of problems.

    The paper computes all G at each update. Here an update trains one problem: its weight moves, by a factor
    of exp(+-`loss_weighting_rate`) towards its target, and the others have the G and the loss of their last
    update. The step is of one size, as the paper's optimizer nearly makes it. G is the norm of the whole
    gradient, clipped, since problems have no last layer in common.

    Measured on two problems, it was better on the one and worse on the other, and their mean was no better:
    docs/sharing.md.
    """

    HPARAMS = (
        LOSS_WEIGHTING_RATE,
        Hyperparameter(
            "gradnorm_alpha",
            float,
            "how strongly a problem that learns more slowly is pulled back; 0: gradients of one size",
            NOT_NEGATIVE,
            default=1.5,
        ),
    )
    STATE = ("log_weight", "first_loss", "last_loss", "last_norm")

    def weights(self, state: State) -> tf.Tensor:
        return len(self.problems) * tf.nn.softmax(state["log_weight"])

    def updated(self, state: State, problem: tf.Tensor, loss: tf.Tensor, norm: tf.Tensor) -> State:
        this = problem > 0
        first = tf.where(this & (state["first_loss"] == 0), loss, state["first_loss"])
        last = tf.where(this, loss, state["last_loss"])
        norms = tf.where(this, norm, state["last_norm"])
        size = self.weights(state) * norms
        target = _mean(size, first) * self._rates(first, last) ** self.hparams.gradnorm_alpha
        step = self.hparams.loss_weighting_rate * tf.sign(target - size)
        log_weight = state["log_weight"] + problem * step
        log_weight -= tf.reduce_mean(log_weight)
        return {"log_weight": log_weight, "first_loss": first, "last_loss": last, "last_norm": norms}

    @staticmethod
    def _rates(first: tf.Tensor, last: tf.Tensor) -> tf.Tensor:
        """The relative inverse training rates r, `[problems]`; at least 0, where a loss fell below 0."""
        left = tf.maximum(tf.math.divide_no_nan(last, first), 0.0)
        return tf.math.divide_no_nan(left, _mean(left, first))


def _mean(values: tf.Tensor, first: tf.Tensor) -> tf.Tensor:
    """Over the problems that have had an update."""
    return tf.math.divide_no_nan(tf.reduce_sum(values), tf.math.count_nonzero(first, dtype=tf.float32))
