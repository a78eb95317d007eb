"""Shares of experts, counted by hand."""

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.analysis import experts
from t2tlite.layers import recording
from t2tlite.layers.experts import MixtureOfExperts
from t2tlite.layers.switch import Switch

from ..models import tiny

LENGTHS = (5, 2)


def recorded(layer):
    """The layer's kernels and inputs as arrays, and what is counted of its call."""
    layer.build((None, None, 16))
    tiny.randomise(layer)
    x = tiny.noise(2, 5, 16)
    with recording.recorder() as recordings:
        layer(x, padding_mask=tf.sequence_mask(LENGTHS, 5))
    [(path, counted)] = experts.gates_by_expert(recordings).items()
    assert path == layer.path
    return layer.gate_kernel.numpy().astype(np.float64), x.numpy().astype(np.float64), counted


def test_gates_are_those_of_positions_without_padding():
    kernel, x, counted = recorded(MixtureOfExperts(16, 8, 4, 2, name="experts"))
    expected = np.zeros(4)
    for row, length in zip(x, LENGTHS, strict=True):
        for position in row[:length]:
            scores = position @ kernel
            chosen = np.argsort(-scores)[:2]
            expected[chosen] += np.exp(scores[chosen]) / np.exp(scores[chosen]).sum()
    np.testing.assert_allclose(counted, expected, rtol=1e-5)
    np.testing.assert_allclose(counted.sum(), sum(LENGTHS), rtol=1e-5)


def test_gates_of_a_switch_are_probabilities():
    kernel, x, counted = recorded(Switch(16, 8, 4, name="experts"))
    expected = np.zeros(4)
    for row, length in zip(x, LENGTHS, strict=True):
        for position in row[:length]:
            probability = np.exp(position @ kernel) / np.exp(position @ kernel).sum()
            expected[probability.argmax()] += probability.max()
    np.testing.assert_allclose(counted, expected, rtol=1e-5)


def test_shares_and_the_number_of_experts():
    assert experts.shares(np.array([1.0, 3.0, 0.0])).tolist() == [0.25, 0.75, 0.0]
    assert experts.shares(np.zeros([2, 3])).tolist() == [[0.0] * 3] * 2
    assert experts.effective_number(np.full(5, 0.2)) == pytest.approx(5)
    assert experts.effective_number(np.array([0.0, 1.0, 0.0])) == pytest.approx(1)
    assert experts.overlap(np.array([0.5, 0.5, 0]), np.array([0.25, 0.25, 0.5])) == 0.5


def test_overlaps():
    gates = {
        "even": np.array([[1.0, 1.0], [1.0, 1.0]]),
        "halves differ": np.array([[4.0, 0.0], [0.0, 4.0]]),  # as even as the first, all in all
        "one": np.array([[3.0, 0.0], [1.0, 0.0]]),
        "never there": np.zeros([2, 2]),
    }
    nan = np.nan
    expected = [[1, 1, 0.5, nan], [1, 0, 0.5, nan], [0.5, 0.5, 1, nan], [nan] * 4]
    np.testing.assert_array_equal(experts.overlaps(gates), expected)
    other = {**gates, "one": np.zeros([2, 2])}  # the mean is of the layers that both reach
    mean = experts.mean_overlaps({"first": gates, "second": other})
    np.testing.assert_array_equal(mean, expected)
    other["one"] = np.array([[0.0, 1.0], [0.0, 1.0]])
    np.testing.assert_array_equal(
        experts.mean_overlaps({"first": {**gates, "even": np.ones([2, 2]) * [1, 0]}, "second": other})[0],
        [1, 0.75, 0.75, nan],
    )
