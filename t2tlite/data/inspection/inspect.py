"""What prepared data is like: lengths, words, classes, what is too long, and how much padding it costs."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from t2tlite.data.reading import pipeline
from t2tlite.data.text.vocabulary import Vocabulary
from t2tlite.errors import UserError
from t2tlite.features import measure as measures
from t2tlite.features.named import flatten
from t2tlite.features.statistics import Distribution
from t2tlite.hparam import HParams
from t2tlite.plural import counted
from t2tlite.problem import Problem


@dataclasses.dataclass(frozen=True)
class Report:
    """Of some examples of one split.

    Attributes:
      examples: how many were looked at.
      features: distribution by feature.
      too_long: how many are longer than the last bound, and so are left out of training; None where lengths
        do not matter.
      padding: by text or audio feature, the share of its positions that are padding when the kept examples
        are put into batches in the order they are stored in.
    """

    examples: int
    features: dict[str, Distribution]
    too_long: int | None
    padding: dict[str, float]


def measure(
    problem: Problem, examples: Iterable[dict[str, Any]], vocabulary: Vocabulary | None, hparams: HParams
) -> Report:
    """Looks at examples as `PreparedSplit.examples` yields them.

    Args:
      problem: whose they are.
      examples: iterated once; memory holds a few numbers of each.
      vocabulary: for texts.
      hparams: the bounds of lengths, and the sizes of batches.

    Raises:
      UserError: an image can't be read.
    """
    takers = {name: feature.statistics(vocabulary, hparams) for name, feature in problem.features().items()}
    lengths: dict[str, list[float]] = {name: [] for name in takers}
    missing = dict.fromkeys(takers, 0)
    count = 0
    for count, example in enumerate(examples, 1):
        try:
            written = flatten(problem.to_text(example), problem.features())
            for name, taker in takers.items():
                lengths[name].append(taker.take(written[name]) if name in written else 0)
                missing[name] += name not in written
        except OSError as error:
            raise UserError(
                f"example {count} of `{problem.name}` has an image that can't be read: {error}"
            ) from None
    arrays = {name: np.array(values) for name, values in lengths.items()}
    bounds = {name: taker.bounds for name, taker in takers.items() if taker.bounds}
    fits = np.ones(count, bool)
    for name, limits in bounds.items():
        fits &= arrays[name] <= limits[-1]
    fitting = {name: arrays[name][fits] for name in bounds}
    return Report(
        count,
        {name: _with_missing(taker.distribution(name), missing[name]) for name, taker in takers.items()},
        int(count - fits.sum()) if bounds else None,
        _padding(problem, hparams, fitting, bounds) if fits.any() else {},
    )


def _with_missing(distribution: Distribution, missing: int) -> Distribution:
    more = (f"{counted(missing, 'example')} without it",) if missing else ()
    return dataclasses.replace(distribution, facts=(*distribution.facts, *more))


def _padding(
    problem: Problem,
    hparams: HParams,
    lengths: Mapping[str, np.ndarray],
    bounds: Mapping[str, Sequence[float]],
) -> dict[str, float]:
    if not bounds:
        return {}
    plan = pipeline.batch_plan(problem, hparams)
    features = problem.features()
    deciding = measures.deciding(features.values())
    decide = [name for name in bounds if features[name] in deciding]
    size = len(next(iter(lengths.values())))
    buckets = np.zeros(size, int)
    if plan.bucketed:
        buckets = np.max([np.searchsorted(bounds[name], lengths[name]) for name in decide], axis=0)
    padded = dict.fromkeys(bounds, 0.0)
    for bucket in np.unique(buckets):
        members = np.flatnonzero(buckets == bucket)
        for start in range(0, len(members), plan.sizes[bucket]):
            batch = members[start : start + plan.sizes[bucket]]
            for name, limits in bounds.items():
                longest = np.searchsorted(limits, lengths[name][batch].max())
                padded[name] += len(batch) * limits[longest]
    return {name: float(1 - lengths[name].sum() / padded[name]) for name in bounds}
