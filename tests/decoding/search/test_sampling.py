"""Samples against the exact distribution; what they depend on; greedy decoding against plain loops."""

import collections

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.decoding.search.constraints import Rules
from t2tlite.decoding.search.outputs import Outputs
from t2tlite.decoding.search.sampling import Noise, Truncation, draw, greedy, sample
from t2tlite.ids import EOS

from .toy import Toy, enumerated, rows

MANY = 20000


@pytest.fixture(scope="module")
def small():
    return Toy(3, 5)


def sampled(toy, numbers, lines, seed=0, samples=1, temperature=1.0, top_k=0, top_p=1.0, min_length=0):
    """`sample` of a toy for inputs with these numbers on these lines, as `Outputs` of arrays."""
    truncation = Truncation(top_k, tf.constant(top_p)) if top_k or top_p < 1 else None

    @tf.function(autograph=False)
    def run(numbers, lines):
        rules = Rules(toy.length, min_length)
        noise = Noise(tf.constant([seed, 0]), lines)
        return sample(toy, numbers, rules, noise, samples, temperature, truncation)

    outputs = run(tf.constant(numbers, tf.int32), tf.constant(lines, tf.int32))
    return Outputs(*(x.numpy() for x in outputs))


def truncated(logs, temperature, top_k, top_p):
    """The distribution that is drawn from, by the definitions; float64."""
    tempered = np.exp((logs - logs.max()) / temperature)
    tempered[0] = 0  # padding
    p = tempered / tempered.sum()
    order = np.argsort(-p)
    candidates = order[: top_k or len(p)]
    before = np.cumsum(p[order]) - p[order]
    candidates = [i for place, i in enumerate(candidates) if before[place] < top_p]
    q = np.zeros_like(p)
    q[candidates] = p[candidates]
    return q / q.sum()


def exact(toy, number, temperature, top_k, top_p):
    """{output: probability}."""
    probabilities = {}

    def go_on(prefix, probability):
        if len(prefix) == toy.length or (prefix and prefix[-1] == EOS):
            probabilities[prefix] = probability
            return
        for entry, p in enumerate(truncated(toy.next(number, prefix), temperature, top_k, top_p)):
            if p:
                go_on((*prefix, entry), probability * p)

    go_on((), 1.0)
    return probabilities


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p"),
    [(1.0, 0, 1.0), (0.5, 0, 1.0), (2.0, 2, 1.0), (1.0, 0, 0.7), (1.5, 3, 0.8)],
)
def test_statistics(small, temperature, top_k, top_p):
    outputs = sampled(small, [4] * MANY, range(MANY), 0, 1, temperature, top_k, top_p)
    counts = collections.Counter(tuple(i for i in ids if i) for ids in outputs.ids[:, 0].tolist())
    expected = exact(small, 4, temperature, top_k, top_p)
    assert set(counts) <= set(expected), "something impossible was drawn"
    # Chi-squared, with mean and variance by the degrees of freedom.
    chi = sum((counts[ids] - MANY * p) ** 2 / (MANY * p) for ids, p in expected.items())
    freedom = len(expected) - 1
    assert freedom >= 3 and abs(chi - freedom) < 4 * (2 * freedom) ** 0.5


def test_the_log_probability_is_the_models_whatever_the_temperature(small):
    known = {ids: p for _, p, ids in enumerated(small, 4, 0.0)}
    outputs = sampled(small, [4] * 20, range(20), temperature=2.0, samples=3)
    ended = [(p, ids) for i in range(20) for _, p, ids in rows(outputs, i) if ids[-1] == EOS]
    assert len({ids for _, ids in ended}) > 3
    for p, ids in ended:
        assert p == pytest.approx(known[ids], rel=1e-5)


def test_samples_are_ranked(small):
    outputs = sampled(small, [1, 2], [0, 1], samples=6)
    assert (np.diff(outputs.score, axis=1) <= 0).all()
    np.testing.assert_array_equal(outputs.score, outputs.log_probability)


def test_a_sample_depends_on_seed_and_line_and_number_alone(small):
    numbers, lines = [3, 1, 4, 1, 5], [0, 7, 2, 9, 10**6]
    whole = sampled(small, numbers, lines, samples=4)
    turned = sampled(small, numbers[::-1], lines[::-1], samples=4)
    fewer = sampled(small, numbers, lines, samples=2)
    for i in range(5):
        alone = rows(sampled(small, numbers[i : i + 1], lines[i : i + 1], samples=4), 0)
        assert alone == rows(whole, i) == rows(turned, 4 - i)
        assert set(rows(fewer, i)) <= set(alone), "the first samples stay the same"
    assert rows(whole, 1) != rows(whole, 3), "the same input on two lines"
    assert rows(sampled(small, numbers, lines, seed=1, samples=4), 0) != rows(whole, 0)


def test_almost_no_temperature_is_greedy(small):
    outputs = sampled(small, range(9), range(9), temperature=1e-4)
    expected = greedy(small, tf.range(9), Rules(3, 0)).ids.numpy()
    np.testing.assert_array_equal(outputs.ids[:, :, : expected.shape[2]], expected)


def test_min_length(small):
    outputs = sampled(small, [4] * 500, range(500), min_length=2)
    assert {len(rows(outputs, i)[0][2]) for i in range(500)} == {3}


@pytest.mark.parametrize("u", [0.0, 0.5, 1 - 2**-24])
def test_draw_never_gives_what_has_no_probability(u):
    logs = tf.math.log(tf.constant([[0.0, 0.5, 0.0, 0.5, 0.0]]))
    assert draw(logs, tf.constant([u]))[0] in (1, 3)
    assert (draw(logs, tf.constant([u]))[0] == 3) == (u >= 0.5)


@pytest.mark.parametrize("min_length", [0, 2])
def test_greedy_takes_the_likeliest_at_every_position(min_length):
    toy = Toy(9, 6, end=0.5)
    outputs = Outputs(*(x.numpy() for x in greedy(toy, tf.range(20), Rules(9, min_length))))
    lengths = set()
    for number in range(20):
        prefix, total = (), 0.0
        while len(prefix) < 9 and EOS not in prefix:
            logs = toy.next(number, prefix).copy()
            logs[0] = -np.inf
            logs[EOS] = logs[EOS] if len(prefix) >= min_length else -np.inf
            prefix, total = (*prefix, int(np.argmax(logs))), total + logs.max()
        [(score, log_probability, ids)] = rows(outputs, number)
        assert ids == prefix and score == log_probability == pytest.approx(total, rel=1e-5)
        lengths.add(len(ids))
    assert len(lengths) > 3 and min(lengths) > min_length
