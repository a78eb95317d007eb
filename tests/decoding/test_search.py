"""Beam search against enumeration of all outputs, and against the same search by plain loops."""

import numpy as np
import pytest

from t2tlite.decoding.outputs import EOS, length_penalty

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
    found = searched(small, NUMBERS, 81, alpha, min_length)
    for number in NUMBERS:
        expected = enumerated(small, number, alpha, min_length)
        assert len(expected) == 40 - (4 if min_length else 0)
        assert_same(rows(found, number), expected)


@pytest.mark.parametrize("beam_size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("alpha", ALPHAS)
def test_every_beam_and_alpha_is_the_plain_search(long, beam_size, alpha):
    found = searched(long, NUMBERS, beam_size, alpha)
    for number in NUMBERS:
        assert_same(rows(found, number), beam_searched(long, number, beam_size, alpha))


def test_a_beam_misses_what_only_full_width_finds(small):
    """Or else the tests above would show nothing."""
    best = [enumerated(small, number, 0.6)[0][2] for number in NUMBERS]
    narrow = searched(small, NUMBERS, 2, 0.6, min_length=3)
    wide = searched(small, NUMBERS, 81, 0.6, min_length=3)
    assert [rows(narrow, n)[0][2] for n in NUMBERS] != [rows(wide, n)[0][2] for n in NUMBERS]
    assert len(set(best)) > 1


@pytest.mark.parametrize("end", [-2.0, 0.0, 2.0])
@pytest.mark.parametrize("alpha", ALPHAS)
def test_stopping_early_changes_nothing(end, alpha):
    made = Toy(12, 7, end=end, seed=2)
    whole = searched(made, NUMBERS, 3, alpha, early_stop=False)
    stopped = searched(made, NUMBERS, 3, alpha)
    best = searched(made, NUMBERS, 3, alpha, every=False)
    assert best.ids.shape[1] == 1 and best.ids.shape[2] <= stopped.ids.shape[2]
    for number in NUMBERS:
        expected = rows(whole, number)
        assert rows(stopped, number) == expected
        assert rows(best, number) == expected[:1]


def test_it_stops_early_where_nothing_better_can_come():
    """With alpha 0, once the worst kept output is likelier than all that is live."""
    made = Toy(40, 7, end=3.0)
    found = searched(made, NUMBERS, 2, 0.0)
    assert searched(made, NUMBERS, 2, 0.0, early_stop=False).ids.shape[2] == 40
    assert found.ids.shape[2] < 12
    assert searched(made, NUMBERS, 2, 0.0, every=False).ids.shape[2] < found.ids.shape[2]


def test_long_outputs_win_with_a_great_alpha():
    """A bound that took the penalty of the present length would stop before."""
    made = Toy(12, 4, end=1.0, seed=3)
    lengths = {
        alpha: np.mean([len(rows(searched(made, [n], 4, alpha, every=False), 0)[0][2]) for n in range(5)])
        for alpha in (-1.0, 0.0, 3.0)
    }
    assert lengths[-1.0] <= lengths[0.0] < lengths[3.0]


@pytest.mark.parametrize("min_length", [0, 5, 11, 12])
def test_no_output_is_shorter_than_min_length(long, min_length):
    found = searched(long, NUMBERS, 4, 0.6, min_length)
    for number in NUMBERS:
        for _, _, ids in rows(found, number):
            assert len(ids) >= min(min_length + 1, 12)
            assert (ids[-1] == EOS) == (min_length < 12), "nothing ends where all positions are asked for"
        assert_same(rows(found, number), beam_searched(long, number, 4, 0.6, min_length))


def test_neither_the_others_nor_their_order_matter(long):
    together = searched(long, NUMBERS, 4, 0.6)
    turned = searched(long, NUMBERS[::-1], 4, 0.6)
    for number in NUMBERS:
        alone = rows(searched(long, [number], 4, 0.6), 0)
        assert alone == rows(together, number) == rows(turned, 5 - number)


def test_a_vocabulary_narrower_than_the_beam():
    made = Toy(5, 3)
    for number in range(3):
        found = searched(made, [number], 8, 0.6)
        assert_same(rows(found, 0), enumerated(made, number, 0.6))
        assert len(rows(found, 0)) == 5, "there are no more outputs"


def test_length_penalty():
    expected = [toy.penalty(length, 0.6) for length in (1, 7, 13)]
    np.testing.assert_allclose(length_penalty(np.array([1, 7, 13]), 0.6), expected, rtol=1e-6)
    assert expected[:2] == [1, 2**0.6]
