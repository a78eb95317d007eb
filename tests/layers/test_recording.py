"""Recording: what layers see is what NumPy computes of their weights, and looking changes nothing."""

import threading

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.layers import recording
from t2tlite.layers.attention import AttentionBlock
from t2tlite.layers.experts import MixtureOfExperts, NoExperts

from ..models import tiny
from . import reference

HIDDEN, HEADS, OUTPUTS, INPUTS = 16, 2, 7, 9
VALID = np.array([[True] * INPUTS, [True] * 5 + [False] * 4, [True] + [False] * 8])


@pytest.fixture(scope="module")
def block():
    new_layer = AttentionBlock(HIDDEN, HEADS, name="block")
    new_layer.build((None, None, HIDDEN))
    return tiny.randomise(new_layer)


@pytest.fixture(scope="module")
def mixture():
    new_layer = MixtureOfExperts(HIDDEN, 8, 6, 2, name="mixture")
    new_layer.build((None, None, HIDDEN))
    return tiny.randomise(new_layer)


def example(seed=0):
    return tiny.noise(3, OUTPUTS, HIDDEN, seed=seed), tiny.noise(3, INPUTS, HIDDEN, seed=seed + 1)


def attend(block, seed=0):
    x, source = example(seed)
    return block(x, block.memory(source, tf.constant(VALID)))


def weights_of(queries, keys, allowed):
    """`[heads, queries, keys]` float64: each head's softmax over what a query may look at, else 0."""
    depth = HIDDEN // HEADS
    weights = np.zeros((HEADS, len(queries), len(keys)))
    for h, q in np.ndindex(HEADS, len(queries)):
        part = slice(h * depth, (h + 1) * depth)
        visible = [k for k in range(len(keys)) if allowed(q, k)]
        weights[h, q, visible] = reference.softmax(keys[visible][:, part] @ queries[q, part] / np.sqrt(depth))
    return weights


def test_weights_are_those_of_numpy(block):
    with recording.recorder() as records:
        attend(block)
    assert list(records) == [("self_attention", "block/self_attention"), ("attention", "block")]
    (x, source), w = example(), reference.weights(block)
    for i, valid in enumerate(VALID):
        t = np.float64(x[i]) + reference.timing(OUTPUTS, HIDDEN)
        t = reference.conv_step(t, w["step1"], causal=True)
        t = reference.conv_step(t, w["step2"], dilation=4, causal=True)
        queries, keys, _ = np.split(t @ w["self_attention"]["project"]["kernel"], 3, axis=1)
        self_weights = weights_of(queries, keys, lambda q, k: k <= q)
        tiny.close(records["self_attention", "block/self_attention"][i], self_weights)
        s = t + reference.self_attention(t, w["self_attention"], HEADS)
        to_source = weights_of(s, np.float64(source[i]) @ w["keys"]["kernel"], lambda q, k, v=valid: v[k])
        tiny.close(records["attention", "block"][i], to_source)


def test_rows_sum_to_one_and_padding_gets_nothing(block):
    with recording.recorder() as records:
        attend(block)
    weights = records["attention", "block"].numpy()  # [batch, heads, outputs, inputs]
    np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-6)
    assert (weights[np.broadcast_to(~VALID[:, None, None], weights.shape)] == 0).all()
    self_weights = records["self_attention", "block/self_attention"].numpy()
    assert (self_weights[..., np.triu(np.ones((OUTPUTS, OUTPUTS), bool), 1)] == 0).all()


def test_the_experts_are_the_top_k_of_the_gate(mixture):
    x, mask = tiny.noise(2, 10, HIDDEN), np.arange(10) < np.array([[10], [6]])
    with recording.recorder() as records:
        mixture(x, padding_mask=tf.constant(mask))
    [(name, (experts, gates, count))] = records.items()
    assert name == ("experts", "mixture") and count == 6
    clean = np.float64(x).reshape(20, HIDDEN) @ reference.weights(mixture)["gate"]
    for token, valid in enumerate(mask.reshape(-1)):
        best = np.argsort(-clean[token])[:2]
        assert list(experts[token]) == list(best)
        expected = reference.softmax(clean[token][best]) if valid else np.zeros(2)
        np.testing.assert_allclose(gates[token], expected, atol=1e-5)


def test_looking_changes_no_output(block, mixture):
    x = tiny.noise(2, 10, HIDDEN)
    for call in (lambda: attend(block), lambda: mixture(x)[0]):
        plain = call().numpy()
        with recording.recorder() as records:
            watched = call().numpy()
        assert records and (plain == watched).all()
        assert (call().numpy() == plain).all()


def test_one_position_at_a_time_sees_what_the_whole_sequence_does(block):
    x, source = example()
    memory, state = block.memory(source, tf.constant(VALID)), block.initial_state(3, OUTPUTS)
    with recording.recorder() as whole:
        block(x, memory)
    for i in range(OUTPUTS):
        with recording.recorder() as one:
            _, state = block(x[:, i : i + 1], memory, state=state)
        for name, weights in one.items():
            width = whole[name].shape[-1]
            tiny.close(weights[:, :, 0, :width], whole[name][:, :, i], 1e-3)


def test_what_records_nothing():
    with recording.recorder() as records:
        NoExperts()(tiny.noise(1, 3, HIDDEN))
        without = AttentionBlock(HIDDEN, HEADS, attention=False)
        without.build((None, None, HIDDEN))
        without(tiny.noise(1, 3, HIDDEN), without.memory(tiny.noise(1, 4, HIDDEN)))
    assert records == {}


def test_nobody_looks():
    recording.record("attention", "somewhere", 1)
    with recording.recorder() as records:
        pass
    recording.record("attention", "somewhere", 2)
    assert records == {}


def test_the_innermost_gets_it_and_the_last_call_counts():
    with recording.recorder() as outer:
        recording.record("attention", "a", 1)
        with recording.recorder() as inner:
            recording.record("attention", "a", 2)
        with pytest.raises(ValueError), recording.recorder():
            raise ValueError
        recording.record("attention", "b", 3)
        recording.record("attention", "b", 4)
    assert outer == {("attention", "a"): 1, ("attention", "b"): 4}
    assert inner == {("attention", "a"): 2}


def test_nothing_is_recorded_of_a_function_that_is_traced(block):
    traced = tf.function(lambda: attend(block))
    with recording.recorder() as records:
        first, again = traced().numpy(), traced().numpy()
    assert records == {} and (first == again).all()
    assert (traced().numpy() == first).all()  # what was traced while somebody looked serves everybody


def test_threads_do_not_see_one_another(block):
    alone, together = {}, {}
    barrier = threading.Barrier(4)

    def look(seed, actual, wait):
        wait()
        with recording.recorder() as records:
            wait()
            attend(block, seed)
            wait()
        actual[seed] = {name: weights.numpy() for name, weights in records.items()}

    for seed in range(3):
        look(seed, alone, lambda: None)
    threads = [threading.Thread(target=look, args=(seed, together, barrier.wait)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(3):  # this thread calls in between without looking
        barrier.wait()
        attend(block, seed=7)
    for thread in threads:
        thread.join()
    for seed in range(3):
        assert together[seed].keys() == alone[seed].keys()
        assert all((together[seed][name] == alone[seed][name]).all() for name in alone[seed])
