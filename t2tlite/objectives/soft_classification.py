"""Soft classification: a distribution over classes is predicted, such as that of several answers."""

from collections.abc import Mapping

import tensorflow as tf

from t2tlite import registry
from t2tlite.model import Output
from t2tlite.objective import Objective
from t2tlite.shared_hparams import LABEL_SMOOTHING
from t2tlite.types import Batch


@registry.register_objective
class SoftClassification(Objective):
    """Cross-entropy of a distribution, given as weights of classes; what has no weight at all is left out.

    `label_smoothing` s mixes it with the uniform distribution, of which it then has the share s.
    """

    HPARAMS = (LABEL_SMOOTHING,)
    FIGURES = {
        "log_perplexity": False,  # nats, without label smoothing
        "loss": False,  # as in training: with it
        "accuracy": True,  # share in [0, 1] whose largest logit is that of a heaviest class
    }

    def count(self, features: Batch) -> tf.Tensor:
        """How many examples have any weight."""
        return tf.reduce_sum(_has_weight(features["targets"]))

    def loss(self, output: Output, features: Batch) -> tf.Tensor:
        """See `Objective.loss`; float32 targets and logits `[batch, classes]`."""
        logits, targets = output.logits, features["targets"]
        smoothing = self.hparams.label_smoothing
        shares = (1 - smoothing) * _shares(targets) + smoothing / targets.shape[-1]
        return _sum(shares, logits, targets)

    def sums(self, output: Output, features: Batch) -> dict[str, tf.Tensor]:
        """See `Objective.sums`."""
        logits, targets = output.logits, features["targets"]
        chosen = tf.gather(targets, tf.argmax(logits, axis=-1), batch_dims=1)
        right = tf.cast(chosen == tf.reduce_max(targets, axis=-1), tf.float32)
        return {
            **super().sums(output, features),
            "nats": _sum(_shares(targets), logits, targets),
            "correct": tf.reduce_sum(right * _has_weight(targets)),
        }

    def figures(self, sums: Mapping[str, float]) -> dict[str, float]:
        """See `FIGURES`; and targets and sequences, the numbers of them."""
        return {
            "loss": sums["loss"] / sums["count"],
            "log_perplexity": sums["nats"] / sums["count"],
            "accuracy": sums["correct"] / sums["count"],
            "targets": sums["count"],
            "sequences": sums["sequences"],
        }


def _has_weight(targets: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.reduce_any(targets > 0, axis=-1), tf.float32)  # [batch]


def _shares(targets: tf.Tensor) -> tf.Tensor:
    total = tf.reduce_sum(targets, axis=-1, keepdims=True)
    return targets / tf.where(total > 0, total, 1.0)


def _sum(shares: tf.Tensor, logits: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    nats = tf.nn.softmax_cross_entropy_with_logits(shares, logits)  # [batch]
    return tf.reduce_sum(nats * _has_weight(targets))
