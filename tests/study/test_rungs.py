"""Rounds of successive halving."""

import pytest

from t2tlite.study.rungs import Rung, rungs


@pytest.mark.parametrize(
    ("trials", "steps", "factor", "expected"),
    [
        (16, 2700, 3, [(100, 16), (300, 6), (900, 2), (2700, 1)]),
        (9, 900, 3, [(100, 9), (300, 3), (900, 1)]),
        (4, 100, 2, [(25, 4), (50, 2), (100, 1)]),
        (16, 2700, 1, [(2700, 16)]),
        (1, 10, 3, [(10, 1)]),
        (100, 5, 3, [(1, 100), (5, 34)]),  # no round without an update
        (1000, 1000, 2, [(125, 1000), (250, 500), (500, 250), (1000, 125)]),
    ],
)
def test_rungs(trials, steps, factor, expected):
    assert rungs(trials, steps, factor) == tuple(Rung(*each) for each in expected)
