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
    made = AttentionBlock(HIDDEN, HEADS, name="block")
    made.build((None, None, HIDDEN))
    return tiny.randomise(made)


@pytest.fixture(scope="module")
def mixture():
    made = MixtureOfExperts(HIDDEN, 8, 6, 2, name="mixture")
    made.build((None, None, HIDDEN))
    return tiny.randomise(made)


def example(seed=0):
    return tiny.noise(3, OUTPUTS, HIDDEN, seed=seed), tiny.noise(3, INPUTS, HIDDEN, seed=seed + 1)


def attend(block, seed=0):
    x, source = example(seed)
    return block(x, block.memory(source, tf.constant(VALID)))


def weights_of(queries, keys, allowed):
    """`[heads, queries, keys]` float64: each head's softmax over what a query may look at, else 0."""
    depth = HIDDEN // HEADS
    found = np.zeros((HEADS, len(queries), len(keys)))
    for h, q in np.ndindex(HEADS, len(queries)):
        part = slice(h * depth, (h + 1) * depth)
        seen = [k for k in range(len(keys)) if allowed(q, k)]
        found[h, q, seen] = reference.softmax(keys[seen][:, part] @ queries[q, part] / np.sqrt(depth))
    return found


def test_weights_are_those_of_numpy(block):
    with recording.recorder() as seen:
        attend(block)
    assert list(seen) == [("self_attention", "block/self_attention"), ("attention", "block")]
    (x, source), w = example(), reference.weights(block)
    for i, valid in enumerate(VALID):
        t = np.float64(x[i]) + reference.timing(OUTPUTS, HIDDEN)
        t = reference.conv_step(t, w["step1"], causal=True)
        t = reference.conv_step(t, w["step2"], dilation=4, causal=True)
        queries, keys, _ = np.split(t @ w["self_attention"]["project"]["kernel"], 3, axis=1)
        own = weights_of(queries, keys, lambda q, k: k <= q)
        tiny.close(seen["self_attention", "block/self_attention"][i], own)
        s = t + reference.self_attention(t, w["self_attention"], HEADS)
        to_source = weights_of(s, np.float64(source[i]) @ w["keys"]["kernel"], lambda q, k, v=valid: v[k])
        tiny.close(seen["attention", "block"][i], to_source)


def test_rows_sum_to_one_and_padding_gets_nothing(block):
    with recording.recorder() as seen:
        attend(block)
    weights = seen["attention", "block"].numpy()  # [batch, heads, outputs, inputs]
    np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-6)
    assert (weights[np.broadcast_to(~VALID[:, None, None], weights.shape)] == 0).all()
    own = seen["self_attention", "block/self_attention"].numpy()
    assert (own[..., np.triu(np.ones((OUTPUTS, OUTPUTS), bool), 1)] == 0).all()


def test_the_experts_are_the_top_k_of_the_gate(mixture):
    x, mask = tiny.noise(2, 10, HIDDEN), np.arange(10) < np.array([[10], [6]])
    with recording.recorder() as seen:
        mixture(x, padding_mask=tf.constant(mask))
    [(name, (experts, gates, count))] = seen.items()
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
        with recording.recorder() as seen:
            watched = call().numpy()
        assert seen and (plain == watched).all()
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
    with recording.recorder() as seen:
        NoExperts()(tiny.noise(1, 3, HIDDEN))
        without = AttentionBlock(HIDDEN, HEADS, attention=False)
        without.build((None, None, HIDDEN))
        without(tiny.noise(1, 3, HIDDEN), without.memory(tiny.noise(1, 4, HIDDEN)))
    assert seen == {}


def test_nobody_looks():
    recording.record("attention", "somewhere", 1)
    with recording.recorder() as seen:
        pass
    recording.record("attention", "somewhere", 2)
    assert seen == {}


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
    with recording.recorder() as seen:
        first, again = traced().numpy(), traced().numpy()
    assert seen == {} and (first == again).all()
    assert (traced().numpy() == first).all()  # what was traced while somebody looked serves everybody


def test_threads_do_not_see_one_another(block):
    alone, together = {}, {}
    barrier = threading.Barrier(4)

    def look(seed, found, wait):
        wait()
        with recording.recorder() as seen:
            wait()
            attend(block, seed)
            wait()
        found[seed] = {name: weights.numpy() for name, weights in seen.items()}

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
