"""Likelihood: every target, a subword or a class, is predicted as well as can be."""

from collections.abc import Mapping

import tensorflow as tf

from t2tlite import registry
from t2tlite.ids import PAD
from t2tlite.losses import cross_entropy
from t2tlite.model import Output
from t2tlite.objective import Objective
from t2tlite.shared_hparams import LABEL_SMOOTHING
from t2tlite.types import Batch

_BEST = 5


@registry.register_objective
class Likelihood(Objective):
    """Cross-entropy of the subwords of a text, each given the right ones before it, padding left out.

    With `label_smoothing` s the target distribution has 1 - s on the right entry and s spread over all
    (Szegedy et al. 2016, arXiv 1512.00567, section 7).
    """

    HPARAMS = (LABEL_SMOOTHING,)
    FIGURES = {
        "log_perplexity": False,  # nats per target, without label smoothing
        "loss": False,  # per target, as in training: with it
        "accuracy": True,  # shares in [0, 1] of targets
        "accuracy_top5": True,
        "sequence_accuracy": True,  # and of examples whose targets are all right
    }

    def weights(self, targets: tf.Tensor) -> tf.Tensor:
        """float32, of the shape of the targets: 1, and 0 for padding."""
        return tf.cast(targets != PAD, tf.float32)

    def losses(self, logits: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        """The loss of each target, float32; what has no weight may have any."""
        return cross_entropy(logits, targets, self.hparams.label_smoothing)

    def nats(self, logits: tf.Tensor, targets: tf.Tensor) -> tf.Tensor | None:
        """The cross-entropy of each target without smoothing; None where that says nothing of the model."""
        return cross_entropy(logits, targets)

    def count(self, features: Batch) -> tf.Tensor:
        """How many targets there are."""
        return tf.reduce_sum(self.weights(features["targets"]))

    def loss(self, output: Output, features: Batch) -> tf.Tensor:
        """See `Objective.loss`; int32 targets `[...]`, float32 logits `[..., size]`."""
        logits, targets = output.logits, features["targets"]
        return tf.reduce_sum(self.losses(logits, targets) * self.weights(targets))

    def sums(self, output: Output, features: Batch) -> dict[str, tf.Tensor]:
        """See `Objective.sums`. A sequence is right if the largest logit is so at every position."""
        logits, targets = output.logits, features["targets"]
        weights = self.weights(targets)
        right = tf.cast(tf.argmax(logits, axis=-1, output_type=targets.dtype) == targets, tf.float32)
        rows = tf.reshape(logits, [-1, tf.shape(logits)[-1]])
        near = tf.reshape(tf.math.in_top_k(tf.reshape(targets, [-1]), rows, _BEST), tf.shape(targets))
        each = tf.reshape(tf.where(weights > 0, right, 1.0), [tf.shape(targets)[0], -1])
        nats = self.nats(logits, targets)
        return {
            **super().sums(output, features),
            **({} if nats is None else {"nats": tf.reduce_sum(nats * weights)}),
            "correct": tf.reduce_sum(right * weights),
            "correct_top5": tf.reduce_sum(tf.where(near, weights, 0.0)),
            "correct_sequences": tf.reduce_sum(tf.reduce_min(each, axis=1)),
        }

    def figures(self, sums: Mapping[str, float]) -> dict[str, float]:
        """See `FIGURES`, and targets and sequences, the numbers of them."""
        nats = {"log_perplexity": sums["nats"] / sums["count"]} if "nats" in sums else {}
        return {
            "loss": sums["loss"] / sums["count"],
            **nats,
            "accuracy": sums["correct"] / sums["count"],
            "accuracy_top5": sums["correct_top5"] / sums["count"],
            "sequence_accuracy": sums["correct_sequences"] / sums["sequences"],
            "targets": sums["count"],
            "sequences": sums["sequences"],
        }


@registry.register_objective
class Classification(Likelihood):
    """Cross-entropy of a class, smoothed as by `likelihood`; an example is a sequence of one."""

    def weights(self, targets: tf.Tensor) -> tf.Tensor:
        """float32 `[batch]`, 1 for every class."""
        return tf.ones_like(targets, tf.float32)
