"""Switch and dense layers by definition; the balancing loss; the gate's gradient."""

import math

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.layers.dense_feed_forward import DenseFeedForward
from t2tlite.layers.switch import Switch, SwitchBalance

from ..models import tiny
from . import reference

N, TOKENS = 6, 20
MASK = np.arange(10) < np.array([[10], [4]])  # [2, 10]


def layer(dtype="float32", seed=0, **kwargs):
    new_layer = Switch(8, 5, N, dtype=dtype, **kwargs)
    new_layer.build((None, None, 8))
    return tiny.randomise(new_layer, seed)


def by_definition(switch, x, mask, capacity=None):
    """Output `[tokens, d]`, dropped choices and the loss over alpha, position by position."""
    w, flat, valid = reference.weights(switch), np.reshape(np.float64(x), (-1, 8)), mask.ravel()
    gates, counts, means = np.zeros((len(flat), N)), np.zeros(N), np.zeros(N)
    for t in np.flatnonzero(valid):
        p = reference.softmax(flat[t] @ w["gate"])
        best = max(range(N), key=lambda i: p[i])  # noqa: B023
        gates[t, best] = p[best]
        counts[best] += 1 / valid.sum()
        means += p / valid.sum()
    y, dropped = reference.experts(flat, w, gates, capacity)
    return y, dropped, N * sum(f * p for f, p in zip(counts, means, strict=True))


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("factor", [0.5, 6.0])
def test_a_switch_is_the_definition(factor, training):
    switch, x = layer(capacity=factor, load_weight=0.5), tiny.noise(2, 10, 8)
    y, statistics = switch(x, padding_mask=MASK, training=training)
    capacity = math.ceil(TOKENS / N * factor) if training else None
    expected, dropped, loss = by_definition(switch, x, MASK, capacity)
    tiny.close(tf.reshape(y, [-1, 8]), expected)
    tiny.close(statistics["loss"], 0.5 * loss)
    assert statistics["dropped"] == dropped and (dropped > 0) == (training and factor == 0.5)
    assert tf.reduce_sum(statistics["choices"]) == MASK.sum()


def test_an_even_load_has_the_least_loss_and_nothing_routed_has_none():
    def loss(tokens, probability):
        parts = (tf.constant(x, tf.float32) for x in (tokens, probability, 0.1, 1.0))
        return float(SwitchBalance(*parts).loss())

    assert loss([2, 2, 2, 2], [2, 2, 2, 2]) == pytest.approx(0.1)
    assert loss([8, 0, 0, 0], [5, 1, 1, 1]) == pytest.approx(0.1 * 4 * 5 / 8)
    assert loss([0, 0, 0, 0], [0, 0, 0, 0]) == 0


def test_the_balance_of_a_batch_is_the_sum_of_those_of_its_parts():
    switch, x = layer(), tiny.noise(4, 5, 8)
    whole, *parts = (switch(part)[1]["balance"] for part in (x, x[:1], x[1:]))
    together = tf.nest.map_structure(lambda *values: sum(values), *parts)
    tiny.close(together.loss(), whole.loss())


def test_gradients_are_finite_differences():
    """Through the chosen expert's probability the gate learns from the output; it computes in float32."""
    switch = layer("float64")
    x, weight = (tf.cast(tiny.noise(2, 10, 8, seed=s), tf.float64) for s in (1, 2))

    def loss():
        y, statistics = switch(x)
        return tf.reduce_sum(weight * y) + tf.cast(100 * statistics["loss"], tf.float64)

    tiny.assert_gradients(loss, [switch.in_kernel, switch.out_kernel])
    tiny.assert_gradients(loss, [switch.gate_kernel], step=1e-4, tolerance=1e-2)
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(weight * switch(x)[0])
    assert np.abs(tape.gradient(value, switch.gate_kernel.value)).max() > 0.01


def test_a_fresh_switch_uses_all_experts():
    switch = Switch(64, 5, N)
    switch.build((None, None, 64))
    load = switch(tiny.noise(1, 3000, 64))[1]["load"].numpy()
    assert load.min() > 0.3 * 3000 / N and switch.experts_per_token == 1


def test_a_dense_layer_is_as_large_as_the_experts_that_work_at_a_position():
    dense = DenseFeedForward.from_hparams(tiny.HPARAMS)
    dense.build((None, None, 16))
    x, w = tiny.noise(2, 10, 16), reference.weights(tiny.randomise(dense))
    y, statistics = dense(x)
    assert w["in"].shape == (16, tiny.HPARAMS.moe_k * tiny.HPARAMS.filter_size)
    tiny.close(y, reference.relu(np.float64(x) @ w["in"]) @ w["out"])
    assert statistics == {}
