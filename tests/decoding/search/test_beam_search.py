"""Beam search against enumeration of all outputs, and against the same search by plain loops."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.decoding.search.beam_search import beam_search
from t2tlite.decoding.search.constraints import Constraint, Rules
from t2tlite.decoding.search.outputs import Outputs, length_penalty
from t2tlite.ids import EOS

from . import toy
from .toy import Toy, assert_same, beam_searched, enumerated, rows, searched

ALPHAS = (-1.0, 0.0, 0.6, 1.0, 3.0)
NUMBERS = range(6)


@pytest.fixture(scope="module")
def small():
    """Of 3 entries besides the end, and at most 4 positions: 40 outputs end, 81 don't."""
    return Toy(4, 5)


@pytest.fixture(scope="module")
def long():
    return Toy(12, 7, end=1.0, seed=1)


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("min_length", [0, 2])
def test_with_full_width_it_finds_all_outputs_in_their_order(small, alpha, min_length):
    outputs = searched(small, NUMBERS, 81, alpha, min_length)
    for number in NUMBERS:
        expected = enumerated(small, number, alpha, min_length)
        assert len(expected) == 40 - (4 if min_length else 0)
        assert_same(rows(outputs, number), expected)


@pytest.mark.parametrize("beam_size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("alpha", ALPHAS)
def test_every_beam_and_alpha_is_the_plain_search(long, beam_size, alpha):
    outputs = searched(long, NUMBERS, beam_size, alpha)
    for number in NUMBERS:
        assert_same(rows(outputs, number), beam_searched(long, number, beam_size, alpha))


def test_a_beam_misses_what_only_full_width_finds(small):
    """Or else the tests above would show nothing."""
    best = [enumerated(small, number, 0.6)[0][2] for number in NUMBERS]
    narrow = searched(small, NUMBERS, 2, 0.6, min_length=3)
    wide = searched(small, NUMBERS, 81, 0.6, min_length=3)
    assert [rows(narrow, n)[0][2] for n in NUMBERS] != [rows(wide, n)[0][2] for n in NUMBERS]
    assert len(set(best)) > 1


@functools.cache
def with_end(end):
    """The same one for every alpha, so that it is compiled once."""
    return Toy(12, 7, end=end, seed=2)


@pytest.mark.parametrize("end", [-2.0, 0.0, 2.0])
@pytest.mark.parametrize("alpha", ALPHAS)
def test_stopping_early_changes_nothing(end, alpha):
    toy = with_end(end)
    whole = searched(toy, NUMBERS, 3, alpha, early_stop=False)
    stopped = searched(toy, NUMBERS, 3, alpha)
    best = searched(toy, NUMBERS, 3, alpha, every=False)
    assert best.ids.shape[1] == 1 and best.ids.shape[2] <= stopped.ids.shape[2]
    for number in NUMBERS:
        expected = rows(whole, number)
        assert rows(stopped, number) == expected
        assert rows(best, number) == expected[:1]


def test_it_stops_early_where_nothing_better_can_come():
    """With alpha 0, once the worst kept output is likelier than all that is live."""
    toy = Toy(40, 7, end=3.0)
    outputs = searched(toy, NUMBERS, 2, 0.0)
    assert searched(toy, NUMBERS, 2, 0.0, early_stop=False).ids.shape[2] == 40
    assert outputs.ids.shape[2] < 12
    assert searched(toy, NUMBERS, 2, 0.0, every=False).ids.shape[2] < outputs.ids.shape[2]


def between(lengths):
    """A toy whose input 0 says nothing with e^-1, or else, with e^-0.8, entries 2 that soon end.

    With alpha -1 an output of length n scores its log-probability times (5 + n) / 6: nothing has -1, and what
    is live after the first entry -0.8 * 7 / 6 = -0.93 if it ends at once, but -0.8 * 8 / 6 = -1.07 later.
    """
    toy = Toy(lengths, 4)
    toy.logs[0] = np.log([0.05, np.exp(-1), np.exp(-0.8), 0.95 - np.exp(-1) - np.exp(-0.8)])
    toy.logs[2] = np.log([1e-6, 1 - 3e-6, 1e-6, 1e-6])
    return toy


@pytest.mark.parametrize("length", [2, 3, 9])
def test_what_may_end_at_the_next_position_is_waited_for(length):
    toy = between(length)
    expected = enumerated(toy, 0, -1.0)[0]
    assert expected[2] == (2, EOS) and expected[0] == pytest.approx(-0.8 * 7 / 6, abs=1e-4)
    assert_same(rows(searched(toy, [0], 2, -1.0, every=False), 0), [expected])


class TwoOutputs(Constraint):
    """Entry 2, or the entries 3 and 2. The state is how many entries must still come; 9 at first."""

    def initial(self, rows, conditions, length):
        return tf.fill([rows], 9)

    def allowed(self, state, remaining):
        either, end, two = ([[entry in may for entry in range(4)]] for may in ((2, 3), (EOS,), (2,)))
        return tf.where(state[:, None] == 9, either, tf.where(state[:, None] == 0, end, two))

    def advance(self, state, ids):
        return tf.where(state == 9, tf.where(ids == 2, 0, 1), state - 1)


@pytest.mark.parametrize("early_stop", [False, True])
def test_a_least_length_that_gives_way_does_not_stop_it(early_stop):
    """Where the constraint ends outputs before the least length, that says nothing of what may still come.

    With alpha -1 entry 2 scores -1 * 7 / 6 = -1.17 when it has ended. What is live has -0.8, for an output of
    three -0.8 * 8 / 6 = -1.07, but for one of the least length -0.8 * 12 / 6 = -1.6.
    """
    toy = Toy(9, 4)
    toy.logs[0] = np.log([0.1, 0.9 - np.exp(-1) - np.exp(-0.8), np.exp(-1), np.exp(-0.8)])
    toy.logs[2] = toy.logs[(3 * 31 + 2) % 97] = np.log([1e-6, 1 - 3e-6, 1e-6, 1e-6])
    toy.logs[3] = np.log([1e-6, 1e-6, 1 - 3e-6, 1e-6])
    rules = Rules(9, tf.constant(6), TwoOutputs())
    outputs = beam_search(toy, tf.constant([0]), rules, 2, tf.constant(-1.0), False, early_stop)
    [(score, _, ids)] = rows(Outputs(*(x.numpy() for x in outputs)), 0)
    assert ids == (3, 2, EOS) and score == pytest.approx(-0.8 * 8 / 6, abs=1e-4)


class NoMultiple(Constraint):
    """The sum of an output's entries is never a multiple of 5. The state is that sum."""

    def initial(self, rows, conditions, length):
        return tf.zeros([rows], tf.int32)

    def allowed(self, state, remaining):
        entries = tf.range(7)
        return (entries == EOS) | ((state[:, None] + entries) % 5 != 0)

    def advance(self, state, ids):
        return state + ids


@pytest.mark.parametrize("beam_size", [1, 2, 5])
def test_what_a_constraint_knows_goes_along_with_the_beginnings(long, beam_size):
    """Outputs change their rows at most positions."""
    rules = Rules(long.length, tf.constant(3), NoMultiple())
    search_all = tf.function(
        lambda numbers: beam_search(long, numbers, rules, beam_size, tf.constant(0.6), True)
    )
    outputs = Outputs(*(x.numpy() for x in search_all(tf.range(6))))
    free = 0
    for number in NUMBERS:
        expected = beam_searched(
            long, number, beam_size, 0.6, 3, lambda prefix, entry: (sum(prefix) + entry) % 5
        )
        assert_same(rows(outputs, number), expected)
        free += expected != beam_searched(long, number, beam_size, 0.6, 3)
    assert free > 1, "the constraint must matter"


class Routed(Toy):
    """A toy that gives nonsense to rows that are not to be routed, as a model without its experts would."""

    def step(self, x, memory, state, going):
        logs, state = super().step(x, memory, state, going)
        return tf.where(going[:, None], logs, -np.log(self.size)), state


def test_all_that_is_live_is_routed():
    toy = Routed(12, 7, end=1.0, seed=1)
    outputs = searched(toy, NUMBERS, 3, 0.6)
    for number in NUMBERS:
        assert_same(rows(outputs, number), beam_searched(toy, number, 3, 0.6))


def test_long_outputs_win_with_a_great_alpha():
    """A bound that took the penalty of the present length would stop before."""
    toy = Toy(12, 4, end=1.0, seed=3)
    lengths = {
        alpha: np.mean([len(rows(searched(toy, [n], 4, alpha, every=False), 0)[0][2]) for n in range(5)])
        for alpha in (-1.0, 0.0, 3.0)
    }
    assert lengths[-1.0] <= lengths[0.0] < lengths[3.0]


@pytest.mark.parametrize("min_length", [0, 5, 11, 12])
def test_no_output_is_shorter_than_min_length(long, min_length):
    outputs = searched(long, NUMBERS, 4, 0.6, min_length)
    for number in NUMBERS:
        for _, _, ids in rows(outputs, number):
            assert len(ids) >= min(min_length + 1, 12)
            assert (ids[-1] == EOS) == (min_length < 12), "nothing ends where all positions are asked for"
        assert_same(rows(outputs, number), beam_searched(long, number, 4, 0.6, min_length))


def test_neither_the_others_nor_their_order_matter(long):
    together = searched(long, NUMBERS, 4, 0.6)
    turned = searched(long, NUMBERS[::-1], 4, 0.6)
    for number in NUMBERS:
        alone = rows(searched(long, [number], 4, 0.6), 0)
        assert alone == rows(together, number) == rows(turned, 5 - number)


def test_a_vocabulary_narrower_than_the_beam():
    toy = Toy(5, 3)
    for number in range(3):
        outputs = searched(toy, [number], 8, 0.6)
        assert_same(rows(outputs, 0), enumerated(toy, number, 0.6))
        assert len(rows(outputs, 0)) == 5, "there are no more outputs"


def test_length_penalty():
    expected = [toy.penalty(length, 0.6) for length in (1, 7, 13)]
    np.testing.assert_allclose(length_penalty(np.array([1, 7, 13]), 0.6), expected, rtol=1e-6)
    assert expected[:2] == [1, 2**0.6]
