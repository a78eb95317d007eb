"""Weights of losses: what an update makes of them, and what stays as it was."""

import numpy as np
import pytest
import tensorflow as tf

from t2tlite import registry
from t2tlite.checkpoints import checkpoint
from t2tlite.errors import UserError
from t2tlite.training.optimizers import begin_anew, make_optimizer
from t2tlite.training.step import make_train_steps
from t2tlite.training.weights import Weights

from ..models import tiny
from .updates import specs, values

PROBLEMS = ("translation", "topics")
BATCHES = {name: tiny.batch(name) for name in PROBLEMS}
CLIP = tiny.HPARAMS.clip_grad_norm


class Training:
    """Updates of a tiny model; gradients that were applied last, by the path of their variables."""

    def __init__(self, jit=False, **hparams):
        hparams = tiny.HPARAMS.replace(learning_rate=0.01, learning_rate_warmup_steps=1, **hparams)
        self.model = tiny.model(PROBLEMS, hparams)
        self.optimizer = make_optimizer(hparams, self.model.trainable_variables)
        self.weights = Weights.of(hparams, PROBLEMS, self.optimizer)
        spec = {name: specs(batch) for name, batch in BATCHES.items()}
        aims = tiny.objectives(self.model)
        self.steps = make_train_steps(
            self.model, self.optimizer, aims, 0, spec, jit=jit, weights=self.weights
        )

    def update(self, name, step):
        figures = self.steps[name](BATCHES[name], tf.constant(step))
        return {k: float(v) for k, v in figures.items() if not v.shape.rank}

    def state(self):
        return {v.path: v.numpy() for v in self.optimizer.variables if "loss_weights" in v.path}


def turns(training, number=4, start=0):
    return [training.update(PROBLEMS[step % 2], step) for step in range(start, start + number)]


def applied(training, monkeypatch, name):
    """The gradients of an update, as they are applied."""
    seen = {}

    def apply(gradients, variables):
        seen.update({v.path: g.numpy() for g, v in zip(gradients, variables, strict=True)})

    monkeypatch.setattr(training.optimizer, "apply", apply)
    figures = training.update(name, 0)
    return seen, figures


pytestmark = pytest.mark.usefixtures("eagerly")


def test_a_weight_multiplies_the_gradient_after_it_was_clipped(monkeypatch):
    plain, plain_figures = applied(Training(), monkeypatch, "translation")
    hparams = {"loss_weighting": "fixed", "loss_weights": "translation:4"}
    weighted, figures = applied(Training(**hparams), monkeypatch, "translation")
    assert plain_figures["gradient_norm"] > CLIP and figures.pop("loss_weight") == 4.0
    assert figures == plain_figures  # loss and norm are without the weight
    assert weighted.keys() == plain.keys()
    for path, gradient in plain.items():
        np.testing.assert_allclose(weighted[path], 4 * gradient, rtol=1e-6)
    other, _ = applied(Training(**hparams), monkeypatch, "topics")
    as_before, _ = applied(Training(), monkeypatch, "topics")
    assert all(np.array_equal(other[path], gradient) for path, gradient in as_before.items())


def test_weights_of_one_change_nothing():
    one, plain = Training(loss_weighting="fixed", loss_weights="topics:1"), Training()
    turns(one), turns(plain)
    expected = values(plain.model)
    assert all(np.array_equal(array, expected[path]) for path, array in values(one.model).items())


@pytest.mark.parametrize("name", ["uncertainty", "gradnorm"])
def test_what_is_learned_is_what_the_weighting_says(name):
    training = Training(loss_weighting=name)
    figures = turns(training, 6)
    kind = registry.get("loss_weighting", name)(training.model.hparams, PROBLEMS)
    state = {vector: tf.zeros([2]) for vector in kind.STATE}
    for step, figure in enumerate(figures):
        np.testing.assert_allclose(figure["loss_weight"], kind.weights(state)[step % 2], rtol=1e-5)
        norm = tf.constant(min(figure["gradient_norm"], CLIP))
        state = kind.updated(state, tf.one_hot(step % 2, 2), tf.constant(figure["loss"]), norm)
    for vector, value in state.items():
        np.testing.assert_allclose(training.state()[f"adam/loss_weights_{vector}"], value, rtol=1e-5)


@pytest.mark.parametrize("name", ["uncertainty", "gradnorm"])
def test_a_checkpoint_has_the_state(tmp_path, name):
    """A run that goes on makes the updates that it would have made, to the bit."""
    whole = Training(loss_weighting=name)
    turns(whole)
    checkpoint.save(tmp_path, 4, whole.model, whole.optimizer, {}, {}, keep=1)
    expected = turns(whole, start=4)
    resumed = Training(loss_weighting=name)
    checkpoint.restore(tmp_path / "step-00000004", resumed.model, resumed.optimizer, {})
    assert turns(resumed, start=4) == expected
    for path, array in whole.state().items():
        assert np.array_equal(resumed.state()[path], array) and array.any()
    begin_anew(resumed.optimizer)
    assert not any(array.any() for array in resumed.state().values())


def test_nothing_is_learned_of_an_update_that_is_not_finite():
    training = Training(loss_weighting="gradnorm")
    turns(training)
    before = training.state()
    place = tf.constant(0)
    training.weights.update(place, tf.constant(np.nan), tf.constant(1.0))
    training.weights.update(place, tf.constant(1.0), tf.constant(np.inf))
    assert all(np.array_equal(training.state()[path], array) for path, array in before.items())


def test_several_batches_an_update_are_refused():
    with pytest.raises(UserError, match="set --hparams=accumulate=1"):
        Training(loss_weighting="uncertainty", accumulate=2)


def test_without_a_weighting_there_is_no_state():
    training = Training()
    assert training.weights is None and not training.state()
    assert "loss_weight" not in training.update("topics", 0)


def test_a_users_own_weighting(registered_here_only):
    """In a few lines."""
    from t2tlite.loss_weights.weighting import LossWeighting

    with registered_here_only():

        @registry.register_loss_weighting("rising")
        class Rising(LossWeighting):
            """Each problem counts by the number of its updates."""

            STATE = ("updates",)

            def weights(self, state):
                return 1 + state["updates"]

            def updated(self, state, problem, loss, norm):
                return {"updates": state["updates"] + problem}

        training = Training(loss_weighting="rising")
        assert [figures["loss_weight"] for figures in turns(training)] == [1, 1, 2, 2]
