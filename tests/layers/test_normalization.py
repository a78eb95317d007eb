"""Layer normalization against Keras's, float64 NumPy and finite differences."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2tlite.layers.normalization import LayerNormalization


def randomised(cls, size, **kwargs):
    layer = cls(epsilon=1e-3, **kwargs)
    layer.build((None, size))
    generator = np.random.default_rng(0)
    for variable in layer.variables:
        variable.assign(generator.normal(size=variable.shape))
    return layer


def in_numpy(layer, x):
    x = x.astype(np.float64)
    centred = x - x.mean(axis=-1, keepdims=True)
    standard = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + layer.epsilon)
    return standard * layer.gamma.numpy() + layer.beta.numpy()


@pytest.mark.parametrize("shape", [(5, 7), (2, 3, 7), (2, 3, 4, 7)])
def test_values_and_gradients_are_kerass(shape):
    x = np.random.default_rng(1).normal(3.0, 2.0, shape).astype(np.float32)
    upstream = np.random.default_rng(2).normal(size=shape).astype(np.float32)
    results = []
    for cls in (LayerNormalization, keras.layers.LayerNormalization):
        layer = randomised(cls, 7)
        with tf.GradientTape() as tape:
            inputs = tf.constant(x)
            tape.watch(inputs)
            y = layer(inputs)
        gradients = tape.gradient(y, [inputs, layer.gamma.value, layer.beta.value], upstream)
        np.testing.assert_allclose(y, in_numpy(layer, x), rtol=1e-5, atol=1e-5)
        results.append([y, *gradients])
    for one, two in zip(*results, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-4)


def test_the_gradient_is_the_difference():
    layer = randomised(LayerNormalization, 5)
    x = np.random.default_rng(3).normal(size=(2, 5))
    weights = np.random.default_rng(4).normal(size=(2, 5))
    with tf.GradientTape() as tape:
        inputs = tf.constant(x, tf.float32)
        tape.watch(inputs)
        loss = tf.reduce_sum(layer(inputs) * tf.constant(weights, tf.float32))
    gradient = tape.gradient(loss, inputs).numpy()
    for place in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[place] = 1e-5
        high, low = (np.sum(in_numpy(layer, x + sign * step) * weights) for sign in (1, -1))
        assert gradient[place] == pytest.approx((high - low) / 2e-5, rel=1e-3, abs=1e-4)


def test_half_precision_is_computed_in_float32():
    layer = randomised(LayerNormalization, 64, dtype="mixed_bfloat16")
    x = tf.cast(1000.0 + tf.random.stateless_normal([3, 64], [0, 0]), tf.bfloat16)
    y = layer(x)
    assert y.dtype == tf.bfloat16
    np.testing.assert_allclose(y, in_numpy(layer, tf.cast(x, tf.float32).numpy()), rtol=2e-2, atol=2e-2)


def test_without_weights():
    layer = LayerNormalization(epsilon=1e-3, scale=False, center=False)
    plain = keras.layers.LayerNormalization(epsilon=1e-3, scale=False, center=False)
    x = tf.random.stateless_normal([2, 3, 5], [1, 2])
    np.testing.assert_allclose(layer(x), plain(x), rtol=1e-5, atol=1e-6)
    assert layer.variables == []


def test_its_variables_are_kerass():
    names = [
        [v.name for v in randomised(cls, 3).variables]
        for cls in (LayerNormalization, keras.layers.LayerNormalization)
    ]
    assert names[0] == names[1] == ["gamma", "beta"]
