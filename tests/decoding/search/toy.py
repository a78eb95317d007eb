"""A tiny decoder whose every distribution is known, and decoding it by enumeration and by plain loops."""

import functools
import itertools

import numpy as np
import tensorflow as tf

from t2tlite.decoding.search.beam_search import beam_search
from t2tlite.decoding.search.constraints import Rules
from t2tlite.decoding.search.outputs import Outputs
from t2tlite.ids import EOS

_STATES = 97


class Toy:
    """Stands in for an `Incremental`: what comes next depends on the input and on all that came before.

    Args:
      length, size: most entries of an output; entries of the vocabulary, padding and end among them.
      end: added to the logit of the end.
    """

    def __init__(self, length, size, end=0.0, seed=0):
        self.length = length
        self.size = size
        logits = 1.5 * np.random.default_rng(seed).normal(size=(_STATES, size))
        logits[:, EOS] += end
        self.logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))

    def start(self, features, copies=1, moves=False):
        number = tf.repeat(features, copies)
        return (), number % _STATES, tf.zeros_like(number)

    def step(self, x, memory, state, going):
        state = (state + x) % _STATES
        return tf.gather(tf.constant(self.logs, tf.float32), state), state * 31

    def embed(self, ids):
        return ids

    def select(self, state, parents):
        return tf.nest.map_structure(lambda part: tf.gather(part, parents), state)

    def next(self, number, prefix):
        """float64 log-probabilities `[size]` behind a prefix."""
        state = number % _STATES
        for entry in prefix:
            state = (state * 31 + entry) % _STATES
        return self.logs[state]


def penalty(length, alpha):
    return ((5 + length) / 6) ** alpha


def enumerated(toy, number, alpha, min_length=0):
    """All outputs as (score, log-probability, entries), best first: what ends, or else what doesn't."""
    entries = range(2, toy.size)
    ended, unfinished = [], []
    for count in range(toy.length + 1):
        for prefix in itertools.product(entries, repeat=count):
            total = sum(toy.next(number, prefix[:i])[entry] for i, entry in enumerate(prefix))
            if count == toy.length:
                unfinished.append((total / penalty(count, alpha), total, prefix))
            elif count >= min_length:
                total += toy.next(number, prefix)[EOS]
                ended.append((total / penalty(count + 1, alpha), total, (*prefix, EOS)))
    return sorted(ended or unfinished, reverse=True)


def beam_searched(toy, number, beam_size, alpha, min_length=0, allowed=lambda prefix, entry: True):
    """The same search by plain loops, to the greatest length."""
    live, ended = [(0.0, ())], []
    for position in range(toy.length):
        candidates = []
        for total, prefix in live:
            logs = toy.next(number, prefix)
            if position >= min_length:
                finished = total + logs[EOS]
                ended.append((finished / penalty(position + 1, alpha), finished, (*prefix, EOS)))
            entries = [entry for entry in range(2, toy.size) if allowed(prefix, entry)]
            candidates += [(total + logs[entry], (*prefix, entry)) for entry in entries]
        live = sorted(candidates, reverse=True)[:beam_size]
    unfinished = [(total / penalty(toy.length, alpha), total, prefix) for total, prefix in live]
    return sorted(ended or unfinished, reverse=True)[:beam_size]


@functools.cache
def compiled(toy, beam_size, every, early_stop):
    def body(numbers, alpha, min_length):
        rules = Rules(toy.length, min_length)
        return beam_search(toy, numbers, rules, beam_size, alpha, every, early_stop)

    scalar = tf.TensorSpec([], tf.float32), tf.TensorSpec([], tf.int32)
    return tf.function(body, input_signature=[tf.TensorSpec([None], tf.int32), *scalar], autograph=False)


def searched(toy, numbers, beam_size, alpha, min_length=0, every=True, early_stop=True):
    """`search` of a toy, as `Outputs` of arrays."""
    function = compiled(toy, beam_size, every, early_stop)
    outputs = function(np.array(numbers, np.int32), np.float32(alpha), np.int32(min_length))
    return Outputs(*(x.numpy() for x in outputs))


def rows(outputs, number):
    """The outputs of one input as `enumerated` gives them."""
    outputs_of_row = zip(*(part[number] for part in outputs), strict=True)
    return [(s, p, tuple(int(i) for i in ids if i)) for ids, p, s in outputs_of_row if s > -np.inf]


def assert_same(actual, expected):
    assert [ids for _, _, ids in actual] == [ids for _, _, ids in expected]
    np.testing.assert_allclose([x[:2] for x in actual], [x[:2] for x in expected], rtol=1e-5)
