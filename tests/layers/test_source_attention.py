"""Attention to a source against the formulas of Vaswani et al. and Luong et al.; rows that share a source."""

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.layers.source_attention import LuongAttention, SourceAttention

from ..models import tiny
from . import reference

MASK = np.arange(7) < np.array([[4], [7]])


@pytest.fixture(params=["heads", "luong"])
def layer(request):
    new_layer = SourceAttention(8, 2) if request.param == "heads" else LuongAttention(8)
    new_layer.build((None, None, 8))
    return tiny.randomise(new_layer)


def formula(layer, x, source, valid):
    w, visible = reference.weights(layer), lambda q, k: valid[k]
    if isinstance(layer, SourceAttention):
        parts = (x @ w["queries"]["kernel"], source @ w["keys"]["kernel"], source @ w["values"]["kernel"])
        return reference.attention(*parts, 2, visible) @ w["output"]["kernel"]
    context = reference.attention(x, source @ w["keys"]["kernel"], source, 1, visible)
    return np.tanh(np.concatenate([context, x], axis=1) @ w["combine"]["kernel"])


def test_attention_is_the_formula(layer):
    x, source = tiny.noise(2, 3, 8), tiny.noise(2, 7, 8, seed=1)
    y = layer(x, layer.memory(source, MASK))
    for row, valid in enumerate(MASK):
        tiny.close(y[row], formula(layer, x[row].numpy(), source[row].numpy(), valid))


@pytest.mark.parametrize("few", [True, False])
def test_rows_of_a_decoding_share_a_source(layer, few, monkeypatch):
    from t2tlite.layers import attention

    monkeypatch.setattr(attention, "_FEW", 10**9 if few else 0)
    x, source = tiny.noise(6, 3, 8), tiny.noise(2, 7, 8, seed=1)
    memory = layer.memory(source, MASK)
    each = tf.nest.map_structure(lambda part: tf.repeat(part, 3, axis=0), memory)
    tiny.close(layer(x, memory, stepwise=True), layer(x, each), 1e-5)


def test_without_a_mask_everything_is_seen(layer):
    x, source = tiny.noise(2, 3, 8), tiny.noise(2, 7, 8, seed=1)
    whole = layer(x, layer.memory(source, np.full((2, 7), True)))
    tiny.close(layer(x, layer.memory(source)), whole, 1e-6)


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="`hidden` must be a multiple of `heads`. Received: 8, 3"):
        SourceAttention(8, 3)
