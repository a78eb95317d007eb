"""Separable convolutions against loops over positions, their state, reach and gradients."""

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.layers import xla
from t2tlite.layers.separable import SeparableConv1D, SeparableConv2D

from ..models import tiny
from . import reference


def built(layer, *shape):
    layer.build(shape)
    return tiny.randomise(layer)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("taps", "dilation"), [(1, 1), (3, 1), (5, 4), (15, 1), (15, 8)])
@pytest.mark.parametrize("length", [1, 2, 9, 40])
def test_one_dimension_is_the_formula(causal, taps, dilation, length):
    layer = built(SeparableConv1D(5, taps, dilation, causal), None, None, 3)
    x = tiny.noise(2, length, 3)
    expected = [reference.separable_1d(row, reference.weights(layer), dilation, causal) for row in x.numpy()]
    tiny.close(layer(x), expected)
    with xla.scope():  # another way
        tiny.close(layer(x), expected)


@pytest.mark.parametrize(
    ("kernel", "strides"),
    [
        ((3, 3), (1, 1)),
        ((3, 3), (2, 2)),
        ((1, 1), (2, 2)),
        ((1, 1), (2, 1)),
        ((3, 1), (1, 1)),
        ((5, 3), (1, 1)),
    ],
)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (5, 6), (8, 3)])
def test_two_dimensions_are_the_formula(kernel, strides, size):
    layer = built(SeparableConv2D(5, kernel, strides), None, None, None, 3)
    x = tiny.noise(2, *size, 3)
    expected = [reference.separable_2d(image, reference.weights(layer), strides) for image in x.numpy()]
    tiny.close(layer(x), expected)
    with xla.scope():  # another way
        tiny.close(layer(x), expected)


@pytest.mark.parametrize(
    "layer",
    [
        SeparableConv1D(5, 15, 8, causal=True),
        SeparableConv1D(5, 3),
        SeparableConv2D(5, (3, 3), (2, 2)),
    ],
    ids=["causal", "centred", "strided"],
)
def test_what_xla_compiles_has_the_same_gradients(layer):
    two = isinstance(layer, SeparableConv2D)
    built(layer, *[None] * (3 if two else 2), 3)
    x = tiny.noise(2, 9, *([6] if two else []), 3)

    def train(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(layer(x) ** 2)
        return tape.gradient(loss, [x, *(variable.value for variable in layer.trainable_variables)])

    def within(x):
        with xla.scope():
            return train(x)

    for one, other in zip(tf.function(within, jit_compile=True)(x), train(x), strict=True):
        tiny.close(one, other)


@pytest.mark.parametrize("rows", [0, 1, 3])
@pytest.mark.parametrize(("taps", "dilation", "length"), [(3, 1, 7), (15, 1, 4), (5, 4, 9), (15, 8, 21)])
@pytest.mark.parametrize("causal", [False, True])
def test_the_ways_of_a_cpu_and_of_a_gpu_agree(rows, taps, dilation, length, causal, monkeypatch):
    """A replica may have no row of a batch. The way of a GPU is TensorFlow's own gradient."""
    layer = built(SeparableConv1D(5, taps, dilation, causal), None, None, 3)
    x, weight = tiny.noise(rows, length, 3), tiny.noise(rows, length, 5, seed=1)

    def gradients():
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(weight * layer(x))
        return tape.gradient(loss, [x, *(variable.value for variable in layer.trainable_variables)])

    ours = gradients()
    if not rows:
        assert not any(np.any(gradient) for gradient in ours)
        return
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["one"])
    for one, other in zip(ours, gradients(), strict=True):
        tiny.close(one, other)


@pytest.mark.parametrize(("taps", "dilation"), [(1, 1), (3, 1), (5, 4), (15, 8)])
@pytest.mark.parametrize("length", [1, 2, 11])
@pytest.mark.parametrize("chunk", [1, 3])
def test_the_state_goes_on_where_the_sequence_stopped(taps, dilation, length, chunk):
    layer = built(SeparableConv1D(5, taps, dilation, causal=True), None, None, 3)
    x = tiny.noise(2, length, 3)
    state, parts = layer.initial_state(2, length), []
    for start in range(0, length, chunk):
        part, state = layer(x[:, start : start + chunk], state=state)
        parts.append(part)
    tiny.close(tf.concat(parts, axis=1), layer(x))


def test_the_state_is_no_longer_than_the_taps_reach():
    layer = built(SeparableConv1D(5, 15, 8, causal=True), None, None, 3)
    assert layer.initial_state(2, 1000).entries.shape == (14 * 8 + 1, 2, 3)
    assert layer.initial_state(2, 20).entries.shape == (16 + 1, 2, 3)
    assert layer.initial_state(2, 1).entries.shape == (1, 2, 3)


@pytest.mark.parametrize("dilation", [1, 3])
def test_causal_and_centred_reach(dilation):
    """The gradient of one output tells which inputs it reads."""
    x = tf.Variable(tiny.noise(1, 12, 3))
    for causal, reads in ((True, {5, 5 - dilation}), (False, {5, 5 - dilation, 5 + dilation})):
        layer = built(SeparableConv1D(5, 3, dilation, causal), None, None, 3)
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(layer(x)[0, 5])
        touched = np.flatnonzero(np.abs(tape.gradient(y, x)[0]).sum(-1))
        assert set(touched) == reads | ({5 - 2 * dilation} & set(range(12)) if causal else set())


@pytest.mark.parametrize("length", [3, 30])
@pytest.mark.parametrize("causal", [False, True])
def test_gradients_are_finite_differences(length, causal):
    layer = built(SeparableConv1D(4, 15, 8, causal, dtype="float64"), None, None, 3)
    x = tf.cast(tiny.noise(2, length, 3), tf.float64)
    weight = tf.cast(tiny.noise(2, length, 4, seed=1), tf.float64)

    def loss():
        return tf.reduce_sum(weight * tf.tanh(layer(x)))

    tiny.assert_gradients(loss, layer.trainable_variables)


def test_taps_out_of_reach_get_a_zero_gradient():
    layer = built(SeparableConv1D(4, 15, 8, causal=True), None, None, 3)
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(tf.square(layer(tiny.noise(1, 20, 3))))
    gradient = np.abs(tape.gradient(y, layer.depthwise_kernel.value)).sum(-1)
    assert (gradient[:12] == 0).all() and (gradient[12:] > 0).all()  # 20 positions reach back 2 dilations


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SeparableConv1D(4, 4), "kernel_size.*odd.*Received: 4"),
        (lambda: SeparableConv2D(4, (3, 3), (2, 1)), r"strides.*equal.*Received: \(2, 1\)"),
    ],
)
def test_impossible_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("causal", [False, True])
def test_a_fresh_depthwise_kernel_is_almost_the_identity(causal):
    layer = SeparableConv1D(5, 3, causal=causal)
    layer.build((None, None, 400))
    kernel = layer.depthwise_kernel.numpy()
    identity = np.eye(3)[2 if causal else 1][:, None]
    noise = kernel - identity
    assert 0.5 < np.std(noise) / (0.3 / 3**0.5) < 1.5
    assert abs(np.mean(noise)) < 0.05
    flat = SeparableConv2D(5, (3, 5))
    flat.build((None, None, None, 400))
    assert np.argmax(flat.depthwise_kernel.numpy().mean(-1)) == 7  # the middle of 15


@pytest.mark.parametrize("channels", [1, 2, 400])
def test_a_fresh_pointwise_kernel_is_centred_and_not_nothing(channels):
    layer = SeparableConv1D(50, 3)
    layer.build((None, None, channels))
    kernel = layer.pointwise_kernel.numpy()
    if channels > 1:
        np.testing.assert_allclose(kernel.mean(axis=0), 0, atol=1e-6)
    assert 0.5 < np.std(kernel) / (2 / channels) ** 0.5 < 1.5
    assert not layer.bias.numpy().any()
