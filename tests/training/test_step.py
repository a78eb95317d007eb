"""One update, against NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.training.optimizers import make_optimizer
from t2tlite.training.step import make_train_steps

from ..models import tiny
from .updates import Recorder, specs

NAMES = ("translation", "pictures")
CERTAIN = tiny.HPARAMS.replace(dropout=0.0, moe="none")  # training computes what evaluation does
pytestmark = pytest.mark.usefixtures("eagerly")


def step_of(model, name, optimizer=None, seed=0):
    """A function of a step: its statistics."""
    features = tiny.batch(name)
    aims = tiny.objectives(model)
    compiled = make_train_steps(model, optimizer or Recorder(), aims, seed, {name: specs(features)})[name]

    def run(step):
        figures = compiled(features, tf.constant(step))
        return {k: float(v) for k, v in figures.items() if not v.shape.rank}

    return run


def values(variables):
    return {variable.path: np.copy(variable.numpy()) for variable in variables}


def changed(before, variables):
    return {variable.path for variable in variables if not np.array_equal(before[variable.path], variable)}


def cross_entropy(logits, targets):
    """Nats of each target."""
    logits = logits.astype(np.float64)
    logits -= logits.max(axis=-1, keepdims=True)
    logs = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    return -np.take_along_axis(logs, targets[..., None], axis=-1)[..., 0]


def test_an_update_leaves_alone_what_its_problem_does_not_use():
    model = tiny.model(NAMES)
    hparams = tiny.HPARAMS.replace(learning_rate=0.1, learning_rate_warmup_steps=1)
    optimizer = make_optimizer(hparams, model.trainable_variables)
    step_of(model, "pictures", optimizer)(0)  # so that there is momentum to be left alone
    weights, state = values(model.variables), values(optimizer.variables)
    assert any(np.any(value) for path, value in state.items() if "image" in path and "momentum" in path)
    step_of(model, "translation", optimizer)(1)
    moved = changed(weights, model.variables)
    parts = {path.split("/")[1] for path in moved}
    assert parts == {"language_01234567", "encoder", "mixer", "decoder", "command_to_german"}
    moved_state = changed(state, optimizer.variables) - {"adam/iteration"}
    assert len(moved_state) >= 2 * len(moved)
    assert not any("image" in path or "categorical" in path for path in moved_state)
    assert int(optimizer.iterations) == 2


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_clipped_by_their_norm_over_all_variables(name):
    recorded = {}
    for clip_grad_norm in (0.5, 1e9):
        recorder = Recorder()
        model = tiny.model(NAMES, CERTAIN.replace(clip_grad_norm=clip_grad_norm))
        norm = step_of(model, name, recorder)(0)["gradient_norm"]
        recorded[clip_grad_norm] = recorder.gradients
        whole = np.sqrt(sum(np.sum(g.astype(np.float64) ** 2) for g in recorder.gradients.values()))
        np.testing.assert_allclose(whole, min(norm, clip_grad_norm), rtol=1e-5)
    assert norm > 0.5
    assert recorded[0.5].keys() == recorded[1e9].keys()
    for path, gradient in recorded[1e9].items():
        np.testing.assert_allclose(recorded[0.5][path], gradient * 0.5 / norm, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_the_loss_is_the_cross_entropy_of_a_target(name):
    model = tiny.model(NAMES, CERTAIN)
    features = tiny.batch(name)
    targets = features["targets"].numpy()
    nats = cross_entropy(model(features, problem=name).logits.numpy(), targets)
    counted = targets != 0 if name == "translation" else np.ones_like(targets, bool)
    statistics = step_of(model, name)(0)
    np.testing.assert_allclose(statistics["loss"], nats[counted].mean(), rtol=1e-5)
    assert statistics["targets"] == counted.sum()


@pytest.mark.parametrize("moe", ["none", "dense"])
def test_a_model_without_experts_has_no_figures_of_them(moe):
    """Zeros would say that experts are balanced and none is full."""
    with_experts = step_of(tiny.model(NAMES), "translation")(0)
    without = step_of(tiny.model(NAMES, tiny.HPARAMS.replace(moe=moe)), "translation")(0)
    of_experts = {"expert_loss", "dropped", "dropped_share"}
    assert with_experts.keys() - without.keys() == of_experts and without.keys() < with_experts.keys()


def test_the_losses_of_the_experts_count():
    """Their gradients are part of the update, and their loss is told apart."""
    gradients = []
    for weight in (0.0, 5.0):
        recorder = Recorder()
        weights = {"moe_importance_loss_coef": weight, "moe_load_loss_coef": weight}
        hparams = tiny.HPARAMS.replace(**weights, dropout=0.0, clip_grad_norm=1e9)
        statistics = step_of(tiny.model(NAMES, hparams), "translation", recorder)(0)
        gradients.append(recorder.gradients)
        assert (statistics["expert_loss"] > 0) == (weight > 0)
    assert any(not np.allclose(gradients[0][path], gradients[1][path]) for path in gradients[0])


def test_what_is_random_derives_from_seed_problem_and_step():
    model = tiny.shared_model()
    run = step_of(model, "translation")
    first = run(7)["loss"]
    assert run(7)["loss"] == first != run(8)["loss"]
    assert step_of(model, "translation", seed=1)(7)["loss"] != first
