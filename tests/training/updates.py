"""Single updates of tiny models, and what they do to the weights."""

import numpy as np
import tensorflow as tf

from t2tlite.training.step import Accumulator, make_train_steps
from t2tlite.training.strategy import Replicas

from ..models import tiny


class Recorder:
    """An optimizer that only remembers the gradients, dense and by the paths of their variables."""

    def apply(self, gradients, variables):
        self.gradients = {
            v.path: tf.convert_to_tensor(g).numpy() for g, v in zip(gradients, variables, strict=True)
        }


def specs(features):
    return {name: tf.TensorSpec([None] * value.shape.rank, value.dtype) for name, value in features.items()}


def update(model, optimizer, batches, step=0, seed=0):
    """One update on pairs of a problem's name and a batch; with several of them an `Accumulator`'s.

    Returns:
      The statistics of each batch, with scalars as floats.
    """
    if len(batches) == 1:
        [(name, features)] = batches
        steps = make_train_steps(model, optimizer, tiny.objectives(model), seed, {name: specs(features)})
        figures = [steps[name](features, tf.constant(step))]
    else:
        spec = {name: specs(features) for name, features in batches}
        accumulator = Accumulator(
            model, optimizer, tiny.objectives(model), seed, spec, len(batches), Replicas()
        )
        figures = accumulator.update(batches, step)
    return [{k: float(v) for k, v in each.items() if not v.shape.rank} for each in figures]


def gradients(model, batches, step=0):
    """The gradients of an update, as `{path: array}`; the model's own norm for clipping must be large."""
    recorder = Recorder()
    update(model, recorder, batches, step)
    return recorder.gradients


def values(model):
    return {variable.path: np.copy(variable.numpy()) for variable in model.trainable_variables}


def norm(arrays):
    """Of all of them together."""
    return np.sqrt(sum(np.sum(np.float64(array) ** 2) for array in arrays))
