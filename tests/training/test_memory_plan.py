"""The plan of memory: what it says is what variables take, and it makes none."""

import math

import keras
import numpy as np
import pytest

from t2tlite import registry
from t2tlite.errors import UserError
from t2tlite.run import Run
from t2tlite.training import memory, memory_plan
from t2tlite.training.memory_plan import GB, needs
from t2tlite.training.optimizers import make_optimizer
from t2tlite.training.strategy import Replicas

from ..models import tiny

HPARAMS = tiny.HPARAMS.replace(moe_num_experts=6)


def variables(hparams=HPARAMS):
    return tiny.model(("translation",), hparams).trainable_variables


@pytest.mark.parametrize(
    "changes",
    [{}, {"ema_decay": 0.9}, {"optimizer": "adafactor"}, {"optimizer": "lamb"}],
    ids=lambda changes: ",".join(changes) or "adam",
)
def test_one_replica_takes_what_its_variables_take(changes):
    hparams = HPARAMS.replace(**changes)
    weights = variables(hparams)
    optimizer = make_optimizer(hparams, weights)
    parts = needs(weights, hparams, "none", 1)
    size = 4 * sum(math.prod(variable.shape) for variable in weights)
    assert sum(need.weights for need in parts.values()) == size
    assert sum(need.gradients for need in parts.values()) == size
    moments = 4 * sum(math.prod(v.shape) for v in optimizer.variables if len(v.shape))
    assert sum(need.moments for need in parts.values()) == moments
    assert 4 * sum(need.parameters for need in parts.values()) == size


def test_experts_are_divided_by_the_replicas():
    weights = variables()
    one, three = (needs(weights, HPARAMS, "experts", number) for number in (1, 3))
    assert three["experts"].bytes * 3 == one["experts"].bytes
    assert three["the rest"].moments == one["the rest"].moments
    assert three["the rest"].gradients == 2 * one["the rest"].gradients  # and their sums
    # Of six experts on four replicas, each has room for two.
    assert needs(weights, HPARAMS, "experts", 4)["experts"].bytes * 3 == one["experts"].bytes


def test_moments_are_divided_by_the_replicas():
    kernel = keras.Variable(np.zeros((128, 64), np.float32))
    need = needs([kernel], HPARAMS, "optimizer", 4)["the rest"]
    assert need.moments == 4 * 2 * 128 * 64 / 4
    assert need.weights == 4 * 128 * 64 * 5 / 4  # and what is updated of them


@pytest.fixture
def run(sample_data, tmp_path):
    problem = registry.get_problem("wmt_ende")
    return Run(
        output_dir=tmp_path,
        hparams=HPARAMS,
        problems={"wmt_ende": problem},
        labels={},
        vocabulary=tiny.VOCABULARY,
        data_dir=str(sample_data),
        source="sample",
        seed=0,
    )


def test_to_plan_changes_no_initial_value_and_makes_no_variable(run):
    """Nor does Keras make them later, at the end of a scope of its own."""
    keras.utils.set_random_seed(3)
    expected = run.make_model().variables
    keras.utils.set_random_seed(3)
    planned = memory_plan.shapes(run)
    with keras.StatelessScope():
        pass
    assert all(variable._value is None for variable in planned)
    for variable, other in zip(run.make_model().variables, expected, strict=True):
        np.testing.assert_array_equal(variable, other)


def test_what_does_not_fit_is_refused_before_it_is_made(run, monkeypatch):
    whole = memory_plan.total(needs(memory_plan.shapes(run), run.hparams, "none", 1))
    monkeypatch.setattr(memory, "free", lambda: float(whole))
    assert "the rest" in memory_plan.check(run, Replicas())
    monkeypatch.setattr(memory, "free", lambda: whole - 1.0)
    with pytest.raises(UserError, match=r"need 0\.00 GB on each of 1 replica.* use --hparams=") as refused:
        memory_plan.check(run, Replicas())
    assert "\n" not in str(refused.value)


def test_on_paper(run):
    text = memory_plan.on_paper(run, "experts", 3, GB)
    assert "memory on each of 3 replicas (--shard=experts)" in text
    assert text.splitlines()[-1].startswith("of 1.00 GB on each 1.00 GB are left")
    with pytest.raises(UserError, match="are free"):
        memory_plan.on_paper(run, "experts", 3, 1000.0)
