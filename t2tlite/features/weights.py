"""Weights of names: how bags, distributions and answers are stored, and how they are distributed.

A record has an entry for each name, `NAME<TAB>WEIGHT`; without a weight it is 1.
"""

import collections
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from t2tlite.features.statistics import Distribution, Statistics
from t2tlite.nearest import did_you_mean
from t2tlite.plural import counted

SHOWN = 15  # names that t2t-data shows one by one
_TAB = "\t"


def checked(value: Any, known: Collection[str] | None, what: str) -> dict[str, float]:
    """A dict of names and weights.

    Args:
      value: as an example has it.
      known: the names that there are; None: not known.
      what: is expected, for the message.

    Raises:
      ValueError: it is none, is empty, or has a name or a weight that can't be.
    """
    if not isinstance(value, Mapping) or not value:
        raise ValueError(f"{value!r:.60}; expected {what}")
    for name, weight in value.items():
        if not isinstance(name, str) or not name or _TAB in name:
            raise ValueError(f"a dict with {name!r:.40}; expected names without tabs")
        number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not number or not math.isfinite(weight) or weight < 0:
            raise ValueError(f"a dict with {name!r:.40}: {weight!r:.20}; expected a weight of 0 or more")
        if known is not None and name not in known:
            raise ValueError(
                f"a dict with {name!r:.40}, which is not one of its names{did_you_mean(name, known)}"
            )
    return dict(value)


def to_entries(weights: Mapping[str, float]) -> list[bytes]:
    """What is stored; a weight has 9 digits, as many as float32 holds."""
    return [f"{name}{_TAB}{weight:.9g}".encode() for name, weight in weights.items()]


def from_entries(values: list[bytes]) -> dict[str, float]:
    """The inverse of `to_entries`."""
    pairs = (value.decode().partition(_TAB) for value in values)
    return {name: float(weight or 1) for name, _, weight in pairs}


def described(row: np.ndarray, names: Sequence[str]) -> str:
    """The heaviest of a batch's row, float `[names]`."""
    best = sorted(range(len(names)), key=lambda i: -row[i])[:5]
    return ", ".join(f"{names[i]!r} {row[i]:g}" for i in best if row[i])


class NameStatistics(Statistics):
    """The weight of each name in all values, which are dicts or lists of names."""

    def __init__(self) -> None:
        self._weights: collections.Counter[str] = collections.Counter()
        self._values = 0

    def take(self, value: Any) -> int:
        self._weights.update(value)
        self._values += 1
        return 0

    def distribution(self, name: str) -> Distribution:
        ordered = sorted(self._weights.items(), key=lambda pair: (-pair[1], pair[0]))
        total = round(self._weights.total())
        facts = (counted(len(ordered), "name"), f"{total / max(self._values, 1):.4g} in an example")
        title = f"{name}: weight of a name"
        if len(ordered) > SHOWN:
            title += f" (the {SHOWN} heaviest)"
        bins = tuple((key, round(weight)) for key, weight in ordered[:SHOWN])
        return Distribution(title, bins, total, facts)
