"""Variables that don't train: they and their moments stay bit for bit, the others' gradients are the same."""

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.errors import UserError
from t2tlite.training import alike, paths, step
from t2tlite.training.optimizers import make_optimizer
from t2tlite.training.strategy import Replicas

from ..models import tiny
from . import updates

NAMES = ("translation", "pictures")
HPARAMS = tiny.HPARAMS.replace(num_encoder_layers=1, num_decoder_layers=1, clip_grad_norm=0.0)
BATCHES = {name: tiny.batch(name) for name in NAMES}
SPECS = {name: updates.specs(features) for name, features in BATCHES.items()}
PATTERNS = ("encoder", "image/*/norm", "command_*")
pytestmark = pytest.mark.usefixtures("eagerly")


def frozen_of(model, patterns=PATTERNS):
    return paths.frozen(patterns, [variable.path for variable in model.trainable_variables])


def update(model, optimizer, frozen, micro_steps=1, times=1, names=NAMES):
    """Updates on a batch of each problem in turn, or on all of them together."""
    aims = tiny.objectives(model)
    if micro_steps > 1:
        accumulator = step.Accumulator(
            model, optimizer, aims, 0, SPECS, micro_steps, Replicas(), False, frozen
        )
        batches = [(name, BATCHES[name]) for name in names]
        return [figures for number in range(times) for figures in accumulator.update(batches, number)]
    steps = step.make_train_steps(model, optimizer, aims, 0, SPECS, Replicas(), False, frozen)
    return [steps[name](BATCHES[name], tf.constant(number)) for number in range(times) for name in names]


@pytest.mark.parametrize(
    ("optimizer", "micro_steps"), [("adamw", 1), ("adamw", 2), ("adafactor", 1), ("lamb", 1)]
)
def test_they_and_their_moments_stay_bit_for_bit(optimizer, micro_steps):
    """With weight decay, and averages of the weights, which are those of the weights."""
    model = tiny.model(NAMES, HPARAMS)
    hparams = HPARAMS.replace(
        optimizer=optimizer, weight_decay=0.1, ema_decay=0.9, learning_rate=0.1, learning_rate_warmup_steps=1
    )
    new_optimizer = make_optimizer(hparams, model.trainable_variables)
    frozen = frozen_of(model)
    before = updates.values(model)
    state = {variable.path: variable.numpy() for variable in new_optimizer.variables}
    update(model, new_optimizer, frozen, micro_steps, times=2)
    after = updates.values(model)
    for path, value in before.items():
        assert np.array_equal(value, after[path]) == (path in frozen), path
    flat = {path.replace("/", "_") for path in frozen}
    for variable in new_optimizer.variables:
        stem = variable.path.partition("/")[2]
        name = next((name for name in flat if stem.startswith(name + "_")), None)
        if name and not stem.endswith("_average"):
            np.testing.assert_array_equal(variable, state[variable.path], err_msg=variable.path)
    for variable, average in new_optimizer.averages():
        if variable.path in frozen:
            np.testing.assert_array_equal(average, before[variable.path])


@pytest.mark.parametrize("micro_steps", [1, 2])
def test_the_gradients_of_the_others_are_the_same_and_the_norm_is_theirs(micro_steps):
    results = {}
    for patterns in ((), PATTERNS):
        model, recorder = tiny.model(NAMES, HPARAMS), updates.Recorder()
        figures = update(model, recorder, frozen_of(model, patterns), micro_steps, names=NAMES[:micro_steps])
        results[patterns] = recorder.gradients, float(figures[0]["gradient_norm"])
    whole, part = results[()][0], results[PATTERNS][0]
    frozen = frozen_of(model)
    assert whole.keys() - part.keys() == whole.keys() & frozen and part
    for path, gradient in part.items():
        tiny.close(gradient, whole[path], 1e-6)
    assert results[PATTERNS][1] == pytest.approx(updates.norm(part.values()), rel=1e-5)
    assert results[()][1] > results[PATTERNS][1]


def test_one_command_of_problems_alike_may_be_frozen():
    problems = {
        name: tiny.a_problem(name, *(tiny.PROBLEMS["translation"].features().values()), command=f"to_{name}")
        for name in ("german", "french")
    }
    model = tiny.registry.get("model", HPARAMS.model)(
        HPARAMS, tiny.multimodel.wire(problems.values(), HPARAMS, tiny.VOCABULARY, {})
    )
    model.build(None)
    tiny.randomise(model)
    aims = tiny.objective.all_of(problems, HPARAMS)
    specs = {name: SPECS["translation"] for name in problems}
    assert len(alike.families(model, aims, specs)) == 1
    frozen = frozen_of(model, ["command_to_german"])
    families = alike.families(model, aims, specs, frozen)
    assert [(family.problems, family.fixed) for family in families] == [
        (("german",), (True,)),
        (("french",), (False,)),
    ]
    optimizer = make_optimizer(HPARAMS.replace(learning_rate=0.1), model.trainable_variables)
    steps = step.make_train_steps(model, optimizer, aims, 0, specs, frozen=frozen)
    before = updates.values(model)
    for name in problems:
        steps[name](BATCHES["translation"], tf.constant(0))
    moved = {
        paths.within(p) for p, value in updates.values(model).items() if not np.array_equal(value, before[p])
    }
    assert "command_to_french" in moved and "command_to_german" not in moved


@pytest.mark.parametrize("micro_steps", [1, 2])
def test_a_problem_that_would_train_nothing_is_refused(micro_steps):
    model = tiny.model(NAMES, HPARAMS)
    frozen = frozen_of(model, ["*", "-language_*"])
    names = ["pictures"] * micro_steps
    with pytest.raises(UserError, match="all that a problem would train is frozen; freeze less, or leave"):
        update(model, updates.Recorder(), frozen, micro_steps, names=names)
    update(model, updates.Recorder(), frozen, names=["translation"])
