"""Statistics against printed tables, NumPy and SciPy."""

import math

import numpy as np
import pytest

from t2tlite.study import statistics

# Two-sided 5% and 1% points of Student's t, as printed in textbooks.
TABLE = {1: (12.706, 63.657), 2: (4.303, 9.925), 3: (3.182, 5.841), 4: (2.776, 4.604), 10: (2.228, 3.169)}


@pytest.mark.parametrize("freedom", TABLE)
def test_points_of_the_t_distribution(freedom):
    five, one = TABLE[freedom]
    assert statistics.t_quantile(0.05, freedom) == pytest.approx(five, abs=6e-4)
    assert statistics.t_quantile(0.01, freedom) == pytest.approx(one, abs=6e-4)
    assert statistics.t_tails(-five, freedom) == pytest.approx(0.05, abs=1e-4)


@pytest.mark.parametrize("t", [0.0, 0.01, 0.3, 1.0, 2.5, 7.0, 40.0])
def test_tails_where_they_have_a_closed_form(t):
    assert statistics.t_tails(t, 1) == pytest.approx(1 - 2 * math.atan(t) / math.pi, rel=1e-9, abs=1e-12)
    assert statistics.t_tails(t, 2) == pytest.approx(1 - t / math.sqrt(2 + t * t), rel=1e-6, abs=1e-12)
    assert statistics.t_tails(t, 4) == statistics.t_tails(-t, 4)


@pytest.mark.parametrize("size", [2, 3, 5, 20])
def test_a_paired_test(size):
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(size)
    first = rng.normal(1.0, 0.3, size)
    second = first + rng.normal(0.1, 0.2, size)
    found = statistics.paired(list(first), list(second))
    expected = stats.ttest_rel(first, second)
    interval = expected.confidence_interval(0.95)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-6)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-6)
    assert found.mean == pytest.approx(np.mean(first - second))
    assert found.spread == pytest.approx(np.std(first - second, ddof=1))
    assert found.pairs == size


def test_one_seed_has_no_spread_and_proves_nothing():
    found = statistics.paired([1.0], [2.0])
    assert (found.mean, found.spread, found.p, found.pairs) == (-1.0, None, None, 1)
    assert (found.low, found.high) == (-math.inf, math.inf)
    assert statistics.spread([3.0]) is None and statistics.mean([3.0]) == 3.0


def test_equal_differences_leave_no_doubt():
    assert statistics.paired([1.0, 2.0], [1.0, 2.0]).p == 1.0
    assert statistics.paired([1.0, 2.0], [0.0, 1.0]).p == 0.0


def test_pairs_need_partners():
    with pytest.raises(ValueError):
        statistics.paired([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="no pair"):
        statistics.paired([], [])
