"""What XLA compiles of an update."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2tlite.errors import UserError
from t2tlite.training import alike, applying, staged, step
from t2tlite.training.optimizers import make_optimizer
from t2tlite.training.strategy import Replicas

from ..models import tiny


@pytest.mark.parametrize(
    ("variant", "name"), [("whole", "translation"), ("whole", "pictures"), ("transformer", "translation")]
)
def test_no_function_is_called_in_what_is_compiled(variant, name, monkeypatch):
    calls = []
    by_xla = applying.by_xla

    def recorded(function):
        compiled = by_xla(function)

        def call(*args):
            calls.append((compiled, args))
            return function(*args)

        return call

    monkeypatch.setattr(step, "by_xla", recorded)
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


def _applied(jit: bool, which: int, loss: float, weight: float | None = None):
    """The weights and the optimizer's variables before and after, and what was compiled."""
    hparams = tiny.VARIANTS["transformer"]
    weights = [keras.Variable(tf.fill([3], float(i)), name=f"weight{i}") for i in range(3)]
    model = types.SimpleNamespace(hparams=hparams)
    optimizer = make_optimizer(hparams, weights)
    choices = [[weights[0], weights[1]], [weights[0], weights[2]]]
    apply = applying.make_apply(model, optimizer, choices, Replicas(), jit)
    variables = [*weights, *optimizer.variables]
    before = [variable.numpy() for variable in variables]
    weight = weight and tf.constant(weight)
    gradients = [tf.ones([3]), 2 * tf.ones([3])]
    norm = tf.function(apply)(gradients, tf.constant(which), tf.constant(loss), weight)
    return before, [variable.numpy() for variable in variables], float(norm)


@pytest.mark.parametrize(("which", "weight"), [(0, None), (1, None), (1, 3.0)])
def test_what_xla_applies_is_the_same(which, weight):
    before, expected, norm = _applied(False, which, 1.0, weight)
    _, after, norm_by_xla = _applied(True, which, 1.0, weight)
    assert norm_by_xla == pytest.approx(norm)
    for value, right in zip(after, expected, strict=True):
        tiny.close(value, right, 1e-6)
    moved = [not np.array_equal(*pair) for pair in zip(before[:3], after[:3], strict=True)]
    assert moved == [True, which == 0, which == 1]


def test_what_xla_applies_is_left_out_whole_if_the_loss_is_not_finite():
    before, after, _ = _applied(True, 0, float("nan"))
    for value, old in zip(after, before, strict=True):
        np.testing.assert_array_equal(value, old)


def test_sharded_experts_are_not_compiled():
    replicas = types.SimpleNamespace(shard="experts")
    assert not staged._compiles("auto", replicas)
    with pytest.raises(UserError, match="use --hparams=jit_compile=false"):
        staged._compiles("true", replicas)


def test_there_is_no_condition_in_what_xla_applies(monkeypatch):
    """To learn whether it is a constant, XLA interprets what it depends on: every gradient."""
    compiled = []
    by_xla = applying.by_xla
    monkeypatch.setattr(applying, "by_xla", lambda apply: compiled.append(by_xla(apply)) or compiled[-1])
    _applied(True, 0, 1.0)
    [graph, _] = [each.get_concrete_function([tf.ones([3])] * 2, tf.constant(1.0)).graph for each in compiled]
    kinds = {operation.type for operation in graph.get_operations()}
    assert "ResourceApplyAdam" in kinds
    assert not kinds & {"If", "StatelessIf", "Case", "StatelessCase", "While", "StatelessWhile"}
