"""Statistics: how the values of a feature are distributed, for t2t-data."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

_BINS = 12


@dataclasses.dataclass(frozen=True)
class Distribution:
    """Of one feature's lengths, sizes or classes.

    Attributes:
      title: what is counted.
      bins: (label, count) in the order to be shown.
      total: what the counts are a share of.
      facts: figures in words.
    """

    title: str
    bins: tuple[tuple[str, int], ...]
    total: int
    facts: tuple[str, ...]


class Statistics:
    """Base class: takes values one by one and says how they are distributed; see `Feature.statistics`.

    Attributes:
      bounds: of lengths, ascending, in the units that `take` returns; () where values have no length.
    """

    bounds: tuple[float, ...] = ()

    def take(self, value: Any) -> float:
        """Counts a value in.

        Returns:
          its length, by which it is batched; 0 where values have none.

        Raises:
          OSError: it can't be read.
        """
        raise NotImplementedError

    def distribution(self, name: str) -> Distribution:
        """Of the values so far; `name` is the feature's."""
        raise NotImplementedError


def spread(values: Sequence[float], unit: str) -> tuple[str, ...]:
    """The least, the median, the 95th percentile and the greatest, in words."""
    if not values:
        return ()
    low, median, high, top = np.percentile(values, [0, 50, 95, 100])
    return (f"{low:,.4g} to {top:,.4g} {unit}; half have at most {median:,.4g}, 95% at most {high:,.4g}",)


def in_bounds(values: Sequence[float], bounds: Sequence[float]) -> tuple[tuple[tuple[str, int], ...], int]:
    """Bins as far as there are values, and the number of values."""
    counts = np.bincount(np.searchsorted(bounds, values)) if values else ()
    labels = [*(f"to {bound:g}" for bound in bounds), f"over {bounds[-1]:g}"]
    return tuple(zip(labels, map(int, counts), strict=False)), len(values)


def even_bins(values: Sequence[int]) -> tuple[tuple[tuple[str, int], ...], int]:
    """About a dozen bins of the same width, and the number of values."""
    if not values:
        return (), 0
    low, high = min(values), max(values)
    step = -(-(high - low + 1) // _BINS)
    counts = np.bincount((np.array(values) - low) // step)
    starts = range(low, high + 1, step)
    labels = [str(start) if step == 1 else f"{start} to {start + step - 1}" for start in starts]
    return tuple(zip(labels, map(int, counts), strict=True)), len(values)
