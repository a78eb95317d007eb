"""What holds for every objective that t2tlite registers: walks `table.OBJECTIVES`."""

import inspect

import numpy as np
import pytest
import tensorflow as tf

from t2tlite import declarations, registry
from t2tlite.model import Output
from t2tlite.objective import Objective

from ..models import tiny
from . import table

every_objective = pytest.mark.parametrize("name", table.OBJECTIVES)
ROWS = 4


def make_case(name):
    """The objective, and a batch as it reads it: an output and features."""
    problem, logits, features = table.OBJECTIVES[name]
    cls = registry.get("objective", name)
    optional = {"teacher": lambda batch, **kwargs: Output(tf.one_hot(batch["targets"] + 1, 3))}
    parameters = inspect.signature(cls.__init__).parameters
    more = {key: value for key, value in optional.items() if key in parameters}
    return cls(tiny.HPARAMS, problem, **more), logits(ROWS), features(ROWS)


def figures(aim, sums):
    return aim.figures({key: np.asarray(value) for key, value in sums.items()})


def test_every_registered_objective_has_a_row():
    assert set(table.OBJECTIVES) == table.registered("objective")


@every_objective
def test_its_figures_are_declared_and_finite(name):
    aim, logits, features = make_case(name)
    values = figures(aim, aim.sums(Output(logits), features))
    assert set(aim.FIGURES) <= set(values) and all(map(np.isfinite, values.values()))
    assert isinstance(aim, Objective) and aim.name == name
    tiny.close(values["loss"], aim.loss(Output(logits), features) / aim.count(features), 1e-5)


@every_objective
def test_loss_and_count_are_float32_scalars_with_a_gradient(name):
    aim, logits, features = make_case(name)
    assert aim.count(features).dtype == tf.float32 and not aim.count(features).shape.rank
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = aim.loss(Output(logits), features)
    assert loss.dtype == tf.float32 and not loss.shape.rank
    for gradient in tf.nest.flatten(tape.gradient(loss, logits)):
        assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0


@every_objective
def test_sums_add_up_over_the_rows_of_a_batch(name):
    """But for what compares rows with each other."""
    aim, logits, features = make_case(name)
    whole = aim.sums(Output(logits), features)
    parts = [
        aim.sums(*tf.nest.map_structure(lambda x, part=part: x[part], (Output(logits), features)))
        for part in (slice(0, 1), slice(1, ROWS))
    ]
    for key, value in whole.items():
        if value.shape.rank:
            np.testing.assert_array_equal(tf.concat([part[key] for part in parts], axis=0), value)
        elif not aim.across_replicas or key in ("count", "sequences"):
            tiny.close(value, parts[0][key] + parts[1][key], 1e-5)
    assert whole["sequences"] == ROWS
    tiny.close(whole["loss"], aim.loss(Output(logits), features))
    tiny.close(whole["count"], aim.count(features))


@every_objective
def test_problems_of_the_same_computation_share_what_is_compiled(name):
    aim, _, _ = make_case(name)
    assert hash(aim.computation()) == hash(make_case(name)[0].computation())
    for one in declarations.of(declarations.Part("objective", name)):
        assert hasattr(tiny.HPARAMS, one.name)
