"""Soft targets and vectors as objectives, against NumPy in float64."""

import numpy as np
import pytest
import tensorflow as tf

from t2tlite import hparam, registry
from t2tlite.model import Output

HPARAMS = hparam.get("multimodel_tiny")
LOGITS = np.random.default_rng(0).normal(size=(5, 4))
WEIGHTS = np.array([[1, 0, 0, 0], [2, 1, 0, 1], [0, 0, 0, 0], [0.25, 0.25, 0.5, 0], [0, 3, 3, 0]])


def make_objective(name, **changes):
    return registry.get("objective", name)(HPARAMS.replace(**changes))


def batch(logits, targets):
    return Output(tf.constant(logits, tf.float32)), {"targets": tf.constant(targets, tf.float32)}


def nats(shares):
    logs = LOGITS - np.log(np.exp(LOGITS).sum(axis=1, keepdims=True))
    return -(shares * logs).sum(axis=1)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_loss_is_the_cross_entropy_of_the_shares(smoothing):
    """The third example has no weight, and counts for nothing."""
    aim = make_objective("soft_classification", label_smoothing=smoothing)
    shares = WEIGHTS / np.maximum(WEIGHTS.sum(axis=1, keepdims=True), 1e-9)
    counted = np.array([1, 1, 0, 1, 1])
    args = batch(LOGITS, WEIGHTS)
    expected = (nats((1 - smoothing) * shares + smoothing / 4) * counted).sum()
    np.testing.assert_allclose(aim.loss(*args), expected, rtol=1e-5)
    assert float(aim.count(args[1])) == 4
    figures = aim.figures({name: float(value) for name, value in aim.sums(*args).items()})
    np.testing.assert_allclose(figures["loss"], expected / 4, rtol=1e-5)
    np.testing.assert_allclose(figures["log_perplexity"], (nats(shares) * counted).sum() / 4, rtol=1e-5)
    right = WEIGHTS[np.arange(5), LOGITS.argmax(axis=1)] == WEIGHTS.max(axis=1)
    assert figures["accuracy"] == (right * counted).sum() / 4
    assert (figures["targets"], figures["sequences"]) == (4, 5)
    assert next(iter(aim.FIGURES)) in figures


def test_one_class_is_classified():
    """With all weight on one class it is `classification`."""
    classes = tf.constant([0, 3, 1, 2, 2])
    one_hot = tf.one_hot(classes, 4)
    of_one_hot, of_classes = (
        (Output(tf.constant(LOGITS, tf.float32)), {"targets": t}) for t in (one_hot, classes)
    )
    soft = make_objective("soft_classification", label_smoothing=0.1)
    hard = make_objective("classification", label_smoothing=0.1)
    np.testing.assert_allclose(soft.loss(*of_one_hot), hard.loss(*of_classes), rtol=1e-5)
    one, other = soft.figures(soft.sums(*of_one_hot)), hard.figures(hard.sums(*of_classes))
    for name in one:
        np.testing.assert_allclose(one[name], other[name], rtol=1e-5)


def test_regression():
    aim = make_objective("regression")
    targets = np.random.default_rng(1).normal(size=(5, 4))
    args = batch(LOGITS, targets)
    figures = aim.figures({name: float(value) for name, value in aim.sums(*args).items()})
    np.testing.assert_allclose(figures["loss"], ((LOGITS - targets) ** 2).mean(), rtol=1e-5)
    assert float(aim.count(args[1])) == 5
