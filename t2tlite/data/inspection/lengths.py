"""How long the examples of a problem are, and how many of them the bounds leave out."""

import dataclasses

import numpy as np
import tensorflow as tf

from t2tlite import registry
from t2tlite.data.reading.reader import ReadConfig, Reader
from t2tlite.data.reading.sources import Source
from t2tlite.data.stored import damage
from t2tlite.data.stored.prepared import PreparedSplit
from t2tlite.features.measure import Measure
from t2tlite.hparam import HParams

_LOOK_BYTES = 64 << 20
_BLOCK = 256  # records read together


@dataclasses.dataclass(frozen=True)
class TooLong:
    """How many of a split's examples are left out since they are longer than the last bound.

    Attributes:
      dropped: so many
      seen: of so many, the first;
      size: of so many examples there are.
    """

    dropped: int
    seen: int
    size: int

    @property
    def share(self) -> float:
        return self.dropped / max(self.seen, 1)

    def __str__(self) -> str:
        those = f"{self.size:,}" if self.seen == self.size else f"the first {self.seen:,} of {self.size:,}"
        verb = "is" if self.dropped == 1 else "are"
        return f"{self.dropped:,} of {those} examples ({self.share:.1%}) {verb} too long and left out"


@dataclasses.dataclass(frozen=True)
class Lengths:
    """Of the first examples of a split.

    Attributes:
      values: by the hyperparameter that bounds it, the length of each, int64 `[seen]`: `length_bounds`, units
        of its longest text with the end token; `seconds_bounds`, samples. Empty where nothing is bounded.
      seen: how many were looked at.
      size: how many there are.
    """

    values: dict[str, np.ndarray]
    seen: int
    size: int

    def too_long(self, hparams: HParams) -> TooLong:
        """How many of them are left out."""
        dropped = np.zeros(self.seen, bool)
        for name in self.values:
            dropped |= self.longer(name, hparams)
        return TooLong(int(dropped.sum()), self.seen, self.size)

    def longer(self, name: str, hparams: HParams) -> np.ndarray:
        """Which are longer than the last of one hyperparameter's bounds, bool `[seen]`."""
        return self.values[name] > measures()[name].limits(hparams)[-1]


def measures() -> dict[str, Measure]:
    """The measures that have bounds, by the hyperparameter that holds these."""
    every = (registry.get("feature", name).measure for name in registry.names("feature"))
    return dict(sorted((measure.bounds, measure) for measure in every if measure.bounds))


@tf.autograph.experimental.do_not_convert
def measure(split: PreparedSplit, hparams: HParams, limit: int | None = 5000) -> Lengths:
    """Looks at the examples of a split; where one has several references, the first counts.

    The same data and vocabulary always give the same lengths.

    Args:
      limit: looks at no more than so many of the first examples, and no more than 64 MiB of them (a training
        split is in random order, so they stand for all); None: at all.

    Raises:
      UserError: the data is missing or damaged.
    """
    bounds = {feature.measure.bounds for feature in split.problem.features().values()} - {""}
    if not bounds:
        return Lengths({}, split.size, split.size)
    if limit is not None:
        mean = split.total_bytes / max(split.stored, 1)
        limit = max(1, min(limit, int(_LOOK_BYTES / max(mean, 1))))
    source = Source(split, first=limit)
    reader = Reader(split.problem, split.vocabulary, split.labels, hparams, ReadConfig())
    blocks = damage.batches(source.stored(_BLOCK), split)
    by_block = [reader.lengths(record) for record in blocks]
    values = {
        name: np.concatenate([np.zeros(0, np.int64), *(block[name] for block in by_block)])
        for name in sorted(bounds)
    }
    return Lengths(values, source.size, split.size)
