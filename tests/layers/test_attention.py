"""Attention against loops over queries and keys; causality, padding and state."""

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.layers import attention
from t2tlite.layers.attention import AttentionBlock, SelfAttention

from ..models import tiny
from . import reference

SOURCE_MASK = np.array([[True] * 4 + [False] * 3, [True] * 7])


def built(layer):
    layer.build((None, None, 8))
    return tiny.randomise(layer)


@pytest.fixture(params=[True, False], ids=["attention", "without_attention"])
def block(request):
    return built(AttentionBlock(8, 2, request.param))


@pytest.mark.parametrize("heads", [1, 2, 8])
def test_dot_product_attention_is_the_formula(heads):
    queries, keys, values = tiny.noise(2, 3, 8), tiny.noise(2, 7, 8, seed=1), tiny.noise(2, 7, 8, seed=2)
    y, w = attention.dot_product_attention(
        *(attention.split_heads(x, heads) for x in (queries, keys, values)),
        SOURCE_MASK[:, None, None],
        return_weights=True,
    )
    for row in range(2):
        q, k, v = (x[row].numpy() for x in (queries, keys, values))
        tiny.close(y[row], reference.attention(q, k, v, heads, lambda _, key, row=row: SOURCE_MASK[row, key]))
    tiny.close(tf.reduce_sum(w, -1), np.ones((2, heads, 3)))
    assert (w.numpy()[0, :, :, 4:] == 0).all()


def test_logits_are_float32_although_all_else_is_not():
    """257 and 256 are one number in bfloat16; times 4 ** -0.5 they give weights of 0.62 and 0.38."""
    queries = tf.ones([1, 1, 1, 4], tf.bfloat16)  # [batch, heads or rows, queries or heads, depth]
    keys = tf.constant([[[[64.0, 64, 64, 65], [64, 64, 64, 64]]]], tf.bfloat16)
    values = tf.constant([[[[1.0], [0]]]], tf.bfloat16)
    y = attention.attention_step(queries, keys, values)
    assert y.dtype == tf.bfloat16
    tiny.close(tf.cast(y, tf.float32), [[[[1 / (1 + np.exp(-0.5))]]]], 0.01)
    _, w = attention.dot_product_attention(queries, keys - 64, values, None, return_weights=True)
    assert w.dtype == tf.float32
    tiny.close(w, [[[[1 / (1 + np.exp(-0.5)), 1 / (1 + np.exp(0.5))]]]], 1e-6)


def test_the_softmax_of_great_logits_does_not_overflow():
    x = np.array([[900.0, 901, -900], [-900, -900, -901]], np.float32)
    expected = np.array([reference.softmax(row) for row in np.float64(x)])
    tiny.close(attention.softmax(tf.constant(x), 1), expected, 1e-6)
    tiny.close(attention.softmax(tf.constant(x.T), 0), expected.T, 1e-6)


@pytest.mark.parametrize("heads", [1, 4])
def test_self_attention_is_the_formula(heads):
    layer = built(SelfAttention(8, heads))
    x, w = tiny.noise(2, 6, 8), reference.weights(layer)
    tiny.close(layer(x), [reference.self_attention(row, w, heads) for row in x.numpy()])


def test_self_attention_goes_on_where_it_stopped():
    layer = built(SelfAttention(8, 2))
    x = tiny.noise(2, 6, 8)
    state, parts = layer.initial_state(2, 10), []  # longer than what is decoded
    for start, end in ((0, 1), (1, 4), (4, 5), (5, 6)):
        part, state = layer(x[:, start:end], state=state)
        parts.append(part)
    tiny.close(tf.concat(parts, axis=1), layer(x))
    assert state[0].position == 6 and not state[0].entries[6:].numpy().any()


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="`hidden` must be a multiple of `heads`. Received: 8, 3"):
        SelfAttention(8, 3)


@pytest.mark.parametrize("mask", [None, SOURCE_MASK])
def test_a_block_is_the_formula(block, mask):
    x, source, w = tiny.noise(2, 6, 8), tiny.noise(2, 7, 8, seed=1), reference.weights(block)
    expected = []
    for row in range(2):
        of_row = (x[row].numpy(), source[row].numpy(), w)
        valid = None if mask is None else mask[row]
        if block.attention:
            expected.append(reference.attention_block(*of_row, 2, valid))
        else:
            expected.append(reference.attention_block_without_attention(*of_row, valid))
    tiny.close(block(x, block.memory(source, mask)), expected)


@pytest.mark.parametrize("position", [0, 3, 9])
def test_a_block_sees_no_later_target(block, position):
    x = tiny.noise(1, 12, 8)
    memory = block.memory(tiny.noise(1, 7, 8, seed=1))
    before, after = (block(y, memory) for y in (x, tf.concat([x[:, :position], -x[:, position:]], axis=1)))
    tiny.close(after[:, :position], before[:, :position], 1e-6)
    assert not tiny.same(after[:, position], before[:, position])


def test_a_block_does_not_see_padding_of_the_source(block):
    x, source = tiny.noise(2, 6, 8), tiny.noise(2, 7, 8, seed=1)
    longer = tf.concat([source, 9 * tiny.noise(2, 5, 8)], axis=1)
    wide = np.pad(SOURCE_MASK, [[0, 0], [0, 5]])
    tiny.close(block(x, block.memory(longer, wide)), block(x, block.memory(source, SOURCE_MASK)))


@pytest.fixture(params=[0, 10**6], ids=["by_matmul", "by_products"])
def attention_path(request, monkeypatch):
    """How a block with state attends to the source: with many products, or with few."""
    monkeypatch.setattr(attention, "_FEW", request.param)


@pytest.mark.parametrize("chunk", [1, 4])
def test_a_block_goes_on_where_it_stopped(block, attention_path, chunk):
    x = tiny.noise(2, 13, 8)
    memory = block.memory(tiny.noise(2, 7, 8, seed=1), SOURCE_MASK)
    state, parts = block.initial_state(2, 13), []
    for start in range(0, 13, chunk):
        part, state = block(x[:, start : start + chunk], memory, state=state)
        parts.append(part)
    tiny.close(tf.concat(parts, axis=1), block(x, memory))


def test_rows_one_after_the_other_share_a_source(block, attention_path):
    """As sequences of a search do, of which each input has several."""
    x, source = tiny.noise(6, 5, 8), tiny.noise(2, 7, 8, seed=1)
    repeated = block.memory(tf.repeat(source, 3, axis=0), np.repeat(SOURCE_MASK, 3, axis=0))
    memory, state, parts = block.memory(source, SOURCE_MASK), block.initial_state(6, 5), []
    for start, end in ((0, 1), (1, 2), (2, 5)):
        part, state = block(x[:, start:end], memory, state=state)
        parts.append(part)
    tiny.close(tf.concat(parts, axis=1), block(x, repeated))


def test_without_attention_there_are_no_weights_of_attention():
    with_it, without = (reference.weights(built(AttentionBlock(8, 2, a))) for a in (True, False))
    assert set(with_it) - set(without) == {"self_attention", "keys"}
