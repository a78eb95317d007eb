"""What prepared data is like: lengths, words, classes, what is too long, and how much padding it costs."""

import collections
import dataclasses
import io
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from t2tlite.data import audio, pipeline
from t2tlite.data.vocabulary import Vocabulary
from t2tlite.errors import UserError
from t2tlite.hparam import HParams
from t2tlite.plural import counted
from t2tlite.problem import Problem

CLASSES = 15  # that are shown one by one
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
    """Looks at examples as `records.raw_examples` yields them.

    Args:
      problem: whose they are.
      examples: iterated once; memory holds a few numbers of each.
      vocabulary: for texts.
      hparams: the bounds of lengths, and the sizes of batches.

    Raises:
      UserError: an image can't be read.
    """
    takers = {
        name: _TAKERS[feature.kind](vocabulary, hparams) for name, feature in problem.features().items()
    }
    lengths: dict[str, list[float]] = {name: [] for name in takers}
    count = 0
    for count, example in enumerate(examples, 1):
        try:
            written = problem.to_text(example)
            for name, taker in takers.items():
                lengths[name].append(taker.take(written[name]))
        except OSError as error:
            raise UserError(
                f"example {count} of `{problem.name}` has an image that can't be read: {error}"
            ) from None
    arrays = {name: np.array(values) for name, values in lengths.items()}
    bounds = {name: taker.bounds for name, taker in takers.items() if taker.bounds}
    fits = np.ones(count, bool)
    for name, limits in bounds.items():
        fits &= arrays[name] <= limits[-1]
    kept = {name: arrays[name][fits] for name in bounds}
    return Report(
        count,
        {name: taker.distribution(name) for name, taker in takers.items()},
        int(count - fits.sum()) if bounds else None,
        _padding(problem, hparams, kept, bounds) if fits.any() else {},
    )


def _padding(problem, hparams, lengths, bounds) -> dict[str, float]:
    if not bounds:
        return {}
    plan = pipeline.batch_plan(problem, hparams)
    audible = [name for name in bounds if problem.features()[name].kind == "audio"]
    decide = audible or list(bounds)  # whose lengths say which bucket an example goes into
    size = len(lengths[decide[0]])
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


class _Texts:
    def __init__(self, vocabulary, hparams):
        self.bounds = hparams.text_bounds()
        self._vocabulary = vocabulary
        self._tokens = []
        self._words = self._characters = self._references = 0

    def take(self, value) -> int:
        texts = [value] if isinstance(value, str) else value
        tokens = [len(self._vocabulary.encode(text)) + 1 for text in texts]  # and the end token
        self._tokens += tokens
        self._words += sum(len(text.split()) for text in texts)
        self._characters += sum(map(len, texts))
        self._references += len(texts) > 1
        return tokens[0]

    def distribution(self, name):
        inner = sum(self._tokens) - len(self._tokens)
        facts = [
            *_spread(self._tokens, "tokens"),
            f"{inner / max(self._words, 1):.2f} tokens a word, "
            f"{self._characters / max(inner, 1):.2f} characters a token",
        ]
        if self._references:
            facts.append(
                f"{self._references:,} examples have several references, {len(self._tokens):,} texts in all"
            )
        return Distribution(f"{name}: tokens of a text", *_in_bounds(self._tokens, self.bounds), tuple(facts))


class _Sounds:
    def __init__(self, vocabulary, hparams):
        self.bounds = hparams.seconds_bounds
        self._seconds = []

    def take(self, value) -> float:
        self._seconds.append(len(value) / audio.SAMPLE_RATE)
        return self._seconds[-1]

    def distribution(self, name):
        facts = [*_spread(self._seconds, "seconds"), f"{sum(self._seconds) / 3600:.2f} hours in all"]
        return Distribution(
            f"{name}: seconds of a sound", *_in_bounds(self._seconds, self.bounds), tuple(facts)
        )


class _Images:
    bounds = ()

    def __init__(self, vocabulary, hparams):
        self._sides = []
        self._bytes = 0
        self._formats = collections.Counter()

    def take(self, value) -> int:
        from PIL import Image

        with Image.open(io.BytesIO(value)) as image:
            self._sides.append(min(image.size))
            self._formats[f"{image.format} {image.mode}"] += 1
        self._bytes += len(value)
        return self._sides[-1]

    def distribution(self, name):
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in self._formats.most_common())
        each = self._bytes / max(len(self._sides), 1) / 1000
        facts = (*_spread(self._sides, "pixels"), f"{kinds}; {each:,.1f} kB each")
        return Distribution(f"{name}: pixels of the shorter side", *_even_bins(self._sides), facts)


class _Labels:
    bounds = ()

    def __init__(self, vocabulary, hparams):
        self._counts = collections.Counter()

    def take(self, value) -> int:
        self._counts[value] += 1
        return 0

    def distribution(self, name):
        ordered = sorted(self._counts.items(), key=lambda pair: (-pair[1], pair[0]))
        facts = [counted(len(ordered), "class", "classes")]
        if ordered:
            facts.append(f"the rarest has {counted(ordered[-1][1], 'example')}: {ordered[-1][0]}")
        title = f"{name}: examples of a class"
        if len(ordered) > CLASSES:
            title += f" (the {CLASSES} most frequent)"
        return Distribution(title, tuple(ordered[:CLASSES]), self._counts.total(), tuple(facts))


_TAKERS: dict[str, Callable] = {"text": _Texts, "audio": _Sounds, "image": _Images, "label": _Labels}


def _spread(values, unit):
    if not values:
        return ()
    low, median, high, top = np.percentile(values, [0, 50, 95, 100])
    return (f"{low:,.4g} to {top:,.4g} {unit}; half have at most {median:,.4g}, 95% at most {high:,.4g}",)


def _in_bounds(values, bounds):
    """Bins as far as there are values, and the number of values."""
    counts = np.bincount(np.searchsorted(bounds, values)) if values else []
    labels = [*(f"to {bound:g}" for bound in bounds), f"over {bounds[-1]:g}"]
    return tuple(zip(labels, map(int, counts), strict=False)), len(values)


def _even_bins(values):
    """About a dozen bins of the same width, and the number of values."""
    if not values:
        return (), 0
    low, high = min(values), max(values)
    step = -(-(high - low + 1) // _BINS)
    counts = np.bincount((np.array(values) - low) // step)
    starts = range(low, high + 1, step)
    labels = [str(start) if step == 1 else f"{start} to {start + step - 1}" for start in starts]
    return tuple(zip(labels, map(int, counts), strict=True)), len(values)
