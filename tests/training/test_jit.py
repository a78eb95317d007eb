"""What XLA compiles of an update."""

import pytest
import tensorflow as tf

from t2tlite.training import alike, step
from t2tlite.training.optimizers import make_optimizer
from t2tlite.training.strategy import Replicas

from ..models import tiny


@pytest.mark.parametrize(
    ("variant", "name"), [("whole", "translation"), ("whole", "pictures"), ("transformer", "translation")]
)
def test_no_function_is_called_in_what_is_compiled(variant, name, monkeypatch):
    calls = []
    by_xla = step._by_xla

    def recorded(function):
        compiled = by_xla(function)

        def call(*args):
            calls.append((compiled, args))
            return function(*args)

        return call

    monkeypatch.setattr(step, "_by_xla", recorded)
    hparams = tiny.VARIANTS[variant]
    model = tiny.model([name], hparams)
    optimizer = make_optimizer(hparams, model.trainable_variables)
    features = tiny.batch(name)
    specs = {side: tf.TensorSpec(x.shape, x.dtype) for side, x in features.items()}
    [family] = alike.families(model, tiny.objectives(model), {name: specs})
    gradients_of = step._make_gradients(model, optimizer, family, Replicas(), jit=True)
    gradients_of(
        features,
        tf.constant(0),
        tf.constant([1, 2]),
        tf.constant(0),
        tf.ones([]),
        tf.zeros([3, 0]),
        tf.ones([]),
        tf.ones([]),
    )
    [(compiled, args)] = calls
    operations = compiled.get_concrete_function(*args).graph.get_operations()
    # Of a function that gives a shape to a gradient XLA makes all inputs constants.
    assert not [each.name for each in operations if "PartitionedCall" in each.type]
