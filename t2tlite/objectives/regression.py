"""Regression: a vector is predicted by its squared error."""

import tensorflow as tf

from t2tlite import registry
from t2tlite.model import Output
from t2tlite.objective import Objective
from t2tlite.types import Batch


@registry.register_objective
class Regression(Objective):
    """The mean of the squared differences of a vector's numbers."""

    HPARAMS = ()
    FIGURES = {"loss": False}  # the mean squared error

    def count(self, features: Batch) -> tf.Tensor:
        """How many vectors there are."""
        return tf.cast(tf.shape(features["targets"])[0], tf.float32)

    def loss(self, output: Output, features: Batch) -> tf.Tensor:
        """See `Objective.loss`; float32 targets and what the model gives, `[batch, size]`."""
        return tf.reduce_sum(tf.reduce_mean(tf.square(output.logits - features["targets"]), axis=-1))
