"""Mean and spread over seeds, and the paired t-test. Needs nothing but the standard library."""

import dataclasses
import math
from collections.abc import Sequence

_TERMS = 300  # of the continued fraction, which needs a few dozen


@dataclasses.dataclass(frozen=True)
class Paired:
    """Differences of pairs, with Student's t-test of their mean against zero.

    Attributes:
      mean: of the differences.
      spread: their standard deviation; None for a single pair.
      pairs: how many there are.
      p: two-sided probability of a mean at least so far from zero, were the true one zero; None for a single
        pair.
      low, high: the 95% confidence interval of the mean; infinite for a single pair.
    """

    mean: float
    spread: float | None
    pairs: int
    p: float | None
    low: float
    high: float


def mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def spread(values: Sequence[float]) -> float | None:
    """The standard deviation of a sample (n - 1); None for one value."""
    if len(values) < 2:
        return None
    middle = mean(values)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1))


def paired(first: Sequence[float], second: Sequence[float]) -> Paired:
    """Tests the differences `first - second`, pair by pair.

    Raises:
      ValueError: there is no pair, or one has no partner.
    """
    differences = [a - b for a, b in zip(first, second, strict=True)]
    if not differences:
        raise ValueError("`first` and `second` hold no pair")
    middle, deviation = mean(differences), spread(differences)
    if deviation is None:
        return Paired(middle, None, 1, None, -math.inf, math.inf)
    freedom, error = len(differences) - 1, deviation / math.sqrt(len(differences))
    if not error:
        p = 1.0 if middle == 0 else 0.0
    else:
        p = t_tails(middle / error, freedom)
    reach = error * t_quantile(0.05, freedom)
    return Paired(middle, deviation, len(differences), p, middle - reach, middle + reach)


def t_tails(t: float, freedom: float) -> float:
    """Probability that Student's t, with so many degrees of freedom, is at least as far from 0 as `t`."""
    return _incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t))


def t_quantile(tails: float, freedom: float) -> float:
    """The t that has so much probability in both tails together."""
    low, high = 0.0, 1.0
    while t_tails(high, freedom) > tails:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if t_tails(middle, freedom) > tails else (low, middle)
    return high


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularized incomplete beta function, by its continued fraction (Abramowitz and Stegun 26.5.8)."""
    if x <= 0 or x >= 1:
        return min(max(x, 0.0), 1.0)
    if x > (a + 1) / (a + b + 2):  # where the fraction converges slowly
        return 1 - _incomplete_beta(b, a, 1 - x)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    value = 0.0
    for term in range(_TERMS, 0, -1):
        half = term // 2
        if term % 2:
            part = -(a + half) * (a + b + half) * x / ((a + 2 * half) * (a + 2 * half + 1))
        else:
            part = half * (b - half) * x / ((a + 2 * half - 1) * (a + 2 * half))
        value = part / (1 + value)
    return front / (a * (1 + value))
