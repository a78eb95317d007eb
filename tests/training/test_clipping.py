"""Clipping, scaled losses and updates that are not finite, seen in the weights."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2tlite import registry

from ..models import tiny
from . import updates

HPARAMS = tiny.HPARAMS.replace(dropout=0.0, moe="none", num_encoder_layers=0)
NAME = "topics"
pytestmark = pytest.mark.usefixtures("eagerly")


def optimizer_of(model, scaled=False):
    """Gradient descent with the learning rate 1: a weight changes by its gradient."""
    new_optimizer = keras.optimizers.SGD(1.0)
    if scaled:
        new_optimizer = keras.optimizers.LossScaleOptimizer(new_optimizer, initial_scale=2.0**10)
    new_optimizer.build(model.trainable_variables)
    return new_optimizer


def batches(number):
    return [(NAME, tiny.batch(NAME, seed=seed)) for seed in range(number)]


def moved(clip_grad_norm, number=1, scaled=False):
    """How far each weight moves in an update of so many micro-steps, and the norm that is told."""
    model = tiny.model((NAME,), HPARAMS.replace(clip_grad_norm=clip_grad_norm))
    before, optimizer = updates.values(model), optimizer_of(model, scaled)
    figures = updates.update(model, optimizer, batches(number))
    after = updates.values(model)
    return {path: before[path] - after[path] for path in before}, figures[0]["gradient_norm"]


@pytest.fixture(scope="module", params=[1, 2])
def number(request):
    return request.param


@pytest.fixture(scope="module")
def plain(number, eager):
    """Gradients, and their norm, of what nothing clips."""
    with eager():
        change, _ = moved(1e9, number)
    return change, float(updates.norm(change.values()))


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("share", [0.25, 4.0, 0.0])
def test_an_update_is_the_gradient_clipped(plain, number, share, scaled):
    """A loss scale changes neither the norm that is told nor where clipping begins; 0 is no clipping."""
    gradients, whole = plain
    change, figures = moved(share * whole, number, scaled)
    assert figures == pytest.approx(whole, rel=1e-4)
    factor = 0.25 if share == 0.25 else 1.0
    assert whole > 0.1
    for path, gradient in gradients.items():
        np.testing.assert_allclose(change[path], factor * gradient, rtol=1e-3, atol=1e-5 * whole)


def changed(loss_of=lambda x: x, slope=1.0):
    """A function of a loss, and of the gradient that comes to it."""

    @tf.custom_gradient
    def other(x):
        return loss_of(x), lambda dy: dy * slope

    return other


steep = changed(slope=math.inf)
large = changed(slope=1e25)  # finite gradients, with squares that are not
endless = changed(lambda x: x + math.inf)  # finite gradients


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize(
    ("spoil", "clip_grad_norm"), [(steep, 1.0), (large, 1.0), (large, 0.0), (endless, 1.0)]
)
def test_what_is_not_finite_is_not_applied(number, spoil, clip_grad_norm, scaled, monkeypatch):
    objective = registry.get("objective", "classification")
    loss = objective.loss
    monkeypatch.setattr(objective, "loss", lambda self, *args: spoil(loss(self, *args)))
    moved_by, figures = moved(clip_grad_norm, number, scaled)
    assert not any(np.any(change) for change in moved_by.values())
    assert math.isfinite(figures) == (spoil is endless)
