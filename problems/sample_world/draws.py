"""Randomness by address: a stream for each (subject, split, index), and the split of a text by its hash."""

import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np

from t2tlite.problem import SPLITS

SEED = 1706

T = TypeVar("T")


class Draws:
    """A stream of random choices.

    Args:
      *address: whole numbers; equal addresses give equal streams.
    """

    def __init__(self, *address: int):
        self.generator = np.random.default_rng([SEED, *address])
        self._uniforms: Iterator[float] = iter(())

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """A float in [low, high)."""
        # One call for many numbers: a call to NumPy costs more than the number.
        value = next(self._uniforms, None)
        if value is None:
            self._uniforms = iter(self.generator.random(64).tolist())
            value = next(self._uniforms)
        return low + (high - low) * value

    def chance(self, probability: float) -> bool:
        return self.uniform() < probability

    def whole(self, low: int, high: int) -> int:
        """A whole number in [low, high], both included."""
        return low + int(self.uniform() * (high - low + 1))

    def pick(self, choices: Sequence[T]) -> T:
        return choices[int(self.uniform() * len(choices))]

    def weighted(self, weights: dict[T, float]) -> T:
        point = self.uniform() * sum(weights.values())
        for choice, weight in weights.items():
            point -= weight
            if point < 0:
                return choice
        return choice


def split_of(text: str) -> str:
    """The split that a sentence or the description of a scene belongs to: 18 of 20 are for training."""
    part = zlib.crc32(text.encode("utf-8")) % 20
    return "validation" if part == 18 else "test" if part == 19 else "train"


def check_split(split: str) -> None:
    if split not in SPLITS:
        raise ValueError(f"`split` must be one of {', '.join(SPLITS)}. Received: split={split!r}.")


def draw(
    subject: int, split: str, index: int, make: Callable[[Draws], T | None], describe: Callable[[T], str]
) -> T:
    """The example `index` of a split: the first one drawn that belongs there.

    Args:
      subject: a number for the kind of example, so that two kinds do not share a stream.
      split: one of SPLITS.
      index: which example.
      make: draws an example, or None where the draw is no good.
      describe: the text whose hash decides the split.
    """
    attempt = 0
    while True:
        example = make(Draws(subject, SPLITS.index(split), index, attempt))
        if example is not None and split_of(describe(example)) == split:
            return example
        attempt += 1
