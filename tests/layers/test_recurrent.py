"""LSTM and GRU against their formulas and Keras's layers; padding, direction, state, gradients, XLA."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2tlite.layers.recurrent import GRU, LSTM, Bidirectional

from ..models import tiny
from . import reference

MASK = np.arange(7) < np.array([[4], [7]])  # [2, 7]
every_cell = pytest.mark.parametrize("cell", [LSTM, GRU])


def built(layer):
    layer.build((None, None, 5))
    return tiny.randomise(layer)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(x, w):
    h = c = np.zeros(len(w["recurrent_kernel"]))
    outputs = []
    for t in range(len(x)):
        i, f, g, o = np.split(x[t] @ w["kernel"] + h @ w["recurrent_kernel"] + w["bias"], 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return np.array(outputs)


def gru(x, w):
    h = np.zeros(len(w["recurrent_kernel"]))
    outputs = []
    for t in range(len(x)):
        z, r, candidate = np.split(x[t] @ w["kernel"] + w["bias"][0], 3)
        of_h = np.split(h @ w["recurrent_kernel"] + w["bias"][1], 3)
        z, r = sigmoid(z + of_h[0]), sigmoid(r + of_h[1])
        h = z * h + (1 - z) * np.tanh(candidate + r * of_h[2])
        outputs.append(h)
    return np.array(outputs)


@pytest.mark.parametrize(("cell", "formula"), [(LSTM, lstm), (GRU, gru)])
@pytest.mark.parametrize("backwards", [False, True])
def test_a_layer_is_the_formula_over_what_is_not_padding(cell, formula, backwards):
    layer, x = built(cell(6, backwards)), tiny.noise(2, 7, 5)
    y, w = layer(x, padding_mask=MASK), reference.weights(layer)
    for row, valid in enumerate(MASK):
        order = slice(None, None, -1 if backwards else 1)
        tiny.close(y[row][valid], formula(x[row].numpy()[valid][order], w)[order], 1e-5)


@pytest.mark.parametrize(("cell", "other"), [(LSTM, keras.layers.LSTM), (GRU, keras.layers.GRU)])
@pytest.mark.parametrize("backwards", [False, True])
def test_a_layer_is_that_of_keras(cell, other, backwards):
    layer, x = built(cell(6, backwards)), tiny.noise(2, 7, 5)
    theirs = other(6, return_sequences=True, go_backwards=backwards)
    theirs.build((None, None, 5))
    theirs.set_weights(layer.get_weights())
    expected = theirs(x, mask=tf.constant(MASK))
    tiny.close(layer(x, padding_mask=MASK)[1], expected[1][::-1] if backwards else expected[1], 1e-5)


@every_cell
def test_a_layer_begins_as_keras_does(cell):
    layer = cell(6)
    layer.build((None, None, 5))
    theirs = getattr(keras.layers, cell.__name__)(6)
    theirs.build((None, None, 5))
    assert [w.shape for w in layer.get_weights()] == [w.shape for w in theirs.get_weights()]
    tiny.close(layer.bias, theirs.cell.bias)
    u = layer.recurrent_kernel.numpy()
    tiny.close(u @ u.T, np.eye(6), 1e-5)


@every_cell
def test_padding_leaves_the_state_as_it_is(cell):
    layer, x = built(cell(6)), tiny.noise(2, 7, 5)
    _, state = layer(x, padding_mask=MASK, state=layer.initial_state(2))
    _, alone = layer(x[:1, :4], state=layer.initial_state(1))
    for padded, expected in zip(state, alone, strict=True):
        tiny.close(padded[:1], expected, 1e-6)


@every_cell
def test_a_layer_goes_on_where_it_stopped(cell):
    layer, x = built(cell(6)), tiny.noise(2, 7, 5)
    state, parts = layer.initial_state(2), []
    for start, end in ((0, 1), (1, 4), (4, 5), (5, 7)):
        part, state = layer(x[:, start:end], state=state)
        parts.append(part)
    tiny.close(tf.concat(parts, axis=1), layer(x), 1e-6)


@every_cell
def test_gradients_are_finite_differences(cell):
    """In a graph, too; the state is float32, so the differences are coarse."""
    layer, x, weight = built(cell(6)), tiny.noise(2, 7, 5), tiny.noise(2, 7, 6, seed=1)

    @tf.function(autograph=False)
    def loss():
        return tf.reduce_sum(weight * layer(x, padding_mask=MASK))

    tiny.assert_gradients(loss, layer.variables, step=1e-2, tolerance=1e-2)


@every_cell
def test_xla_compiles_the_layer_and_its_gradient(cell):
    layer, x = built(cell(6)), tiny.noise(2, 7, 5)

    def gradients(x):
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(layer(x, padding_mask=MASK) ** 2)
        return y, tape.gradient(y, [v.value for v in layer.variables])

    signature = [tf.TensorSpec([None, None, 5])]
    compiled = tf.function(gradients, input_signature=signature, autograph=False, jit_compile=True)
    for one, other in zip(*(tf.nest.flatten(f(x)) for f in (compiled, gradients)), strict=True):
        tiny.close(one, other, 1e-5)


def test_mixed_precision_keeps_the_state_in_float32():
    layer = built(LSTM(6, dtype="mixed_bfloat16"))
    y, state = layer(tf.cast(tiny.noise(2, 7, 5), tf.bfloat16), state=layer.initial_state(2))
    assert y.dtype == tf.bfloat16 and {part.dtype for part in state} == {tf.float32}


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_bidirectional_is_one_direction_beside_the_other(cell):
    both, x = built(Bidirectional(cell, 6)), tiny.noise(2, 7, 5)
    parts = [both.forwards(x, padding_mask=MASK), both.backwards(x, padding_mask=MASK)]
    tiny.close(both(x, padding_mask=MASK), tf.concat(parts, axis=-1), 1e-6)
    assert both.backwards.backwards and parts[0].shape == (2, 7, 3)
