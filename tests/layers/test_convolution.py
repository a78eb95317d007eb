"""Convolution step, block and residual convolution: formulas, padding, causality, state, dropout."""

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.layers import xla
from t2tlite.layers.convolution import ConvBlock, ConvRes, ConvStep, ConvStep2D, max_pool

from ..models import tiny
from . import reference

VALID = np.array([[True] * 7 + [False] * 4, [True] * 11])


def built(layer, *shape):
    layer.build(shape)
    return tiny.randomise(layer)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("mask", [None, VALID])
def test_a_step_is_the_formula(causal, mask):
    layer = built(ConvStep(5, 3, 2, causal), None, None, 4)
    x, w = tiny.noise(2, 11, 4), reference.weights(layer)
    rows = [None, None] if mask is None else mask
    expected = [reference.conv_step(row, w, 2, causal, m) for row, m in zip(x.numpy(), rows, strict=True)]
    tiny.close(layer(x, padding_mask=mask), expected)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("mask", [None, VALID])
@pytest.mark.parametrize("length", [11, 40])
def test_a_block_is_the_formula(causal, mask, length):
    if mask is not None:
        mask = np.pad(mask, [[0, 0], [0, length - 11]])
    layer = built(ConvBlock(4, causal=causal), None, None, 4)
    x, w = tiny.noise(2, length, 4), reference.weights(layer)
    rows = [None, None] if mask is None else mask
    expected = [reference.conv_block(row, w, causal, m) for row, m in zip(x.numpy(), rows, strict=True)]
    tiny.close(layer(x, padding_mask=mask), expected)


@pytest.mark.parametrize("position", [0, 4, 17])
def test_a_causal_block_sees_nothing_later(position):
    layer = built(ConvBlock(4, causal=True), None, None, 4)
    x = tiny.noise(1, 20, 4)
    before, after = layer(x), layer(tf.concat([x[:, :position], -x[:, position:]], axis=1))
    tiny.close(after[:, :position], before[:, :position], 1e-6)
    assert not tiny.same(after[:, position], before[:, position])


def test_a_centred_block_sees_both_sides():
    layer = built(ConvBlock(4), None, None, 4)
    x = tf.Variable(tiny.noise(1, 20, 4))
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(layer(x)[0, 10] * tiny.noise(4))
    touched = np.abs(tape.gradient(y, x)[0]).sum(-1)
    assert touched[:10].all() and touched[10:].all()


@pytest.mark.parametrize("chunk", [1, 4])
def test_a_block_goes_on_where_it_stopped(chunk):
    layer = built(ConvBlock(4, causal=True), None, None, 4)
    x = tiny.noise(2, 21, 4)
    state, parts = layer.initial_state(2, 21), []
    for start in range(0, 21, chunk):
        part, state = layer(x[:, start : start + chunk], state=state)
        parts.append(part)
    tiny.close(tf.concat(parts, axis=1), layer(x))


def test_a_block_does_not_see_padding():
    layer = built(ConvBlock(4), None, None, 4)
    x = tiny.noise(2, 11, 4)
    longer = tf.concat([x, 9 * tiny.noise(2, 8, 4)], axis=1)
    y = layer(longer, padding_mask=np.pad(VALID, [[0, 0], [0, 8]]))
    tiny.close(y[:, :11][VALID], layer(x, padding_mask=VALID)[VALID])


def test_a_block_drops_at_its_rate_in_training_only():
    layer = built(ConvBlock(16, dropout=0.4), None, None, 16)
    x = tiny.noise(8, 50, 16)
    y, dropped = layer(x, training=False), layer(x, training=True)
    nonzero = dropped != 0
    assert abs(np.mean(nonzero) - 0.6) < 0.03  # 6400 draws: five standard deviations
    tiny.close(dropped[nonzero], y[nonzero] / 0.6)


@pytest.mark.parametrize("mask", [None, VALID])
@pytest.mark.parametrize("strides", [(1, 1), (2, 2)])
def test_a_step_over_two_dimensions_is_the_formula(mask, strides):
    layer = built(ConvStep2D(5, (3, 3), strides), None, None, None, 3)
    x, w = tiny.noise(2, 11, 4, 3), reference.weights(layer)
    rows = [None, None] if mask is None else mask
    expected = [
        reference.conv_step_2d(image, w, strides, m) for image, m in zip(x.numpy(), rows, strict=True)
    ]
    tiny.close(layer(x, padding_mask=mask), expected)


@pytest.mark.parametrize("window", [(3, 3), (3, 1)])
@pytest.mark.parametrize("strides", [(2, 2), (2, 1), (1, 1)])
@pytest.mark.parametrize("mask", [None, VALID])
def test_a_residual_convolution_is_the_formula(window, strides, mask):
    layer = built(ConvRes(5, window, strides), None, None, None, 3)
    x, w = tiny.noise(2, 11, 4, 3), reference.weights(layer)
    y, after = layer(x, padding_mask=mask)
    for row in range(2):
        valid = np.ones(11, bool) if mask is None else mask[row]
        expected = reference.conv_res(x[row].numpy(), w, window, strides, valid)
        here = valid[:: strides[0]]
        assert mask is None or (after[row].numpy() == here).all()
        tiny.close(y[row][here], expected[here])


def test_pooling_takes_the_greatest_although_all_are_negative():
    x = -1 - tf.abs(tiny.noise(2, 11, 5, 3))
    for mask in (None, VALID):
        y = max_pool(x, (3, 3), (2, 2), mask)
        for row in range(2):
            expected = reference.max_pool(x[row].numpy(), (3, 3), (2, 2), None if mask is None else mask[row])
            there = np.isfinite(expected)
            tiny.close(y[row][there], expected[there])


@pytest.mark.parametrize("strides", [(2, 2), (2, 1)])
def test_pooling_in_what_xla_compiles_is_the_same(strides):
    """Of equal values the first has the gradient; there are many in bfloat16."""
    x, dy = tf.round(2 * tiny.noise(2, 11, 6, 3)), tiny.noise(2, 6, -(-6 // strides[1]), 3, seed=1)

    def pooled(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = max_pool(x, (3, 3), strides, VALID)
        return y, tape.gradient(y, x, dy)

    with xla.scope():
        taps = pooled(x)
    for result, expected in zip(taps, pooled(x), strict=True):
        tiny.close(result, expected, 1e-6)
    with xla.scope():
        unknown = tf.function(pooled, input_signature=[tf.TensorSpec([None, None, None, 3])])(x)
        operations = tf.function(pooled).get_concrete_function(x).graph.get_operations()
    for result, expected in zip(unknown, taps, strict=True):
        tiny.close(result, expected, 1e-6)
    assert not [op.type for op in operations if "Pool" in op.type]


def test_strides_keep_a_size_of_ceil():
    layer = built(ConvRes(5), None, None, None, 3)
    for size, expected in ((1, 1), (2, 1), (7, 4), (8, 4)):
        assert layer(tiny.noise(1, size, size, 3))[0].shape == (1, expected, expected, 5)


@pytest.mark.parametrize("causal", [False, True])
def test_a_fresh_block_is_the_identity_and_can_learn(causal):
    layer = ConvBlock(4, causal=causal)
    layer.build((None, None, 4))
    x = tiny.noise(2, 11, 4)
    with tf.GradientTape() as tape:
        y = layer(x)
        value = tf.reduce_sum(y * tiny.noise(2, 11, 4, seed=1))
    tiny.close(y, x, 1e-6)
    # So is each of its pairs, by the scale of the second step.
    assert [np.unique(step.norm.gamma).tolist() for step in layer.steps] == [[1], [0], [1], [0]]
    assert np.any(tape.gradient(value, layer.step4.norm.gamma.value))
