"""Measure: the cost of a feature's values in a batch, and the bounds that sort them into buckets."""

import dataclasses
from collections.abc import Iterable

from t2tlite.hparam import HParams


@dataclasses.dataclass(frozen=True)
class BatchPlan:
    """How many examples make a batch.

    Attributes:
      bucketed: whether batches hold examples of similar length.
      sizes: examples in a batch of each bucket; a single size where there are no buckets.
    """

    bucketed: bool
    sizes: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Measure:
    """How values are measured: what a batch may cost, and how long a value may be.

    Attributes:
      budget: the hyperparameter that says how much makes a batch.
      precedence: of the features of a problem, those with the highest one decide its batches.
      bounds: the hyperparameter with the ascending bounds of lengths; "": all values cost 1.
      unit: lengths of stored values in a unit of the bounds, such as samples in a second.
      step: bounds that are added are multiples of it.
      noun: the unit of the bounds, in the plural.
      flags: the flags that set the bounds.
    """

    budget: str
    precedence: int
    bounds: str = ""
    unit: int = 1
    step: float = 1
    noun: str = ""
    flags: str = ""

    def of(self, hparams: HParams) -> tuple[float, ...]:
        """The bounds, ascending, in units of `budget`; () where there are none."""
        return getattr(hparams, self.bounds) if self.bounds else ()

    def may_grow(self, hparams: HParams) -> bool:
        """Whether bounds may be added where too many values are longer."""
        return bool(self.bounds)

    def limits(self, hparams: HParams) -> tuple[int, ...]:
        """The bounds, ascending, as lengths of stored values: units of text, samples."""
        return tuple(round(bound * self.unit) for bound in self.of(hparams))

    def plan(self, hparams: HParams, values: int = 1) -> BatchPlan:
        """The batches of a problem that this measure decides.

        Args:
          values: so measured, that an example's inputs have, since the model joins them.
        """
        bounds, budget = self.of(hparams), getattr(hparams, self.budget) / values
        return BatchPlan(bool(bounds), tuple(max(1, int(budget // bound)) for bound in bounds or (1,)))

    def budget_of(self, size: int, hparams: HParams, values: int = 1) -> str:
        """The setting with which the largest batch has so many examples, such as "batch_images=8"."""
        return f"{self.budget}={values * size * (self.of(hparams) or (1,))[-1]:g}"


POSITIONS = Measure("batch_tokens", 0)  # each value costs as much as a position of text


def deciding(features: Iterable) -> list:
    """Those of some features whose measure decides how examples are put into batches."""
    features = list(features)
    highest = max(feature.measure.precedence for feature in features)
    return [feature for feature in features if feature.measure.precedence == highest]
