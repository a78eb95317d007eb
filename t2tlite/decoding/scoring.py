"""Scoring: how likely the model holds given outputs to be, teacher-forced."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from t2tlite.decoding import cores
from t2tlite.decoding.prediction import Score
from t2tlite.errors import UserError
from t2tlite.nearest import did_you_mean
from t2tlite.types import Batch


def score(predictor: Any, problem: str, inputs: list, targets: list, keep_errors: bool) -> list[Score]:
    """One `Score` for each pair; see `Predictor.score`."""
    definition, reader = predictor.run.problems[problem], predictor.reader(problem)
    writes = _targets(predictor, problem)
    scores: dict[int, Score] = {}
    read = {}
    for i, pair in enumerate(zip(inputs, targets, strict=True)):
        try:
            example = definition.to_text(dict(zip(("inputs", "targets"), pair, strict=True)))
            value = _one(example["inputs"]) if definition.inputs.is_text else example["inputs"]
            read[i] = reader.read(value), writes.read(_one(example["targets"]))
        except UserError as error:
            if not keep_errors:
                raise
            scores[i] = Score(0.0, error=str(error))

    def scored(batch: list[int]) -> Iterable[tuple[int, Score]]:
        features = reader.batch([read[i][0] for i in batch])
        return zip(batch, list(writes.scores(features, [read[i][1] for i in batch])), strict=True)

    for i, scored_pair in itertools.chain(
        *cores.map_batches(scored, _batches(read, predictor.options.batch_size))
    ):
        scores[i] = scored_pair
    return [scores[i] for i in range(len(inputs))]


def _targets(predictor: Any, problem: str) -> "_Text | _Class":
    """What reads the problem's targets and scores them."""
    targets = predictor.run.problems[problem].targets
    if targets.is_text:
        return _Text(predictor, problem)
    if targets.has_classes:
        return _Class(predictor, problem)
    raise UserError(f"problem `{problem}` writes {targets.kind}, which can't be scored")


class _Text:
    """Targets that are text."""

    def __init__(self, predictor: Any, problem: str) -> None:
        self._vocabulary = predictor.run.vocabulary
        targets = predictor.run.problems[problem].targets
        self._reader = targets.input_reader(predictor.run.vocabulary, predictor.run.hparams)
        self._function = predictor.compiled.log_probabilities(problem, predictor.reader(problem).spec)

    def read(self, target: Any) -> np.ndarray:
        return self._reader.read(target)

    def scores(self, features: Batch, targets: list[np.ndarray]) -> Iterator[Score]:
        padded = self._reader.batch(targets)["inputs"]
        log_probabilities = self._function({**features, "targets": padded}).numpy()
        for ids, row in zip(targets, log_probabilities, strict=True):
            units = tuple((self._vocabulary.piece(i), float(p)) for i, p in zip(ids, row, strict=False))
            yield Score(float(row.sum()), units)


class _Class:
    """Targets that are names of classes."""

    def __init__(self, predictor: Any, problem: str) -> None:
        self._problem = problem
        self._names = predictor.run.labels[problem]
        self._function = predictor.compiled.class_log_probabilities(problem, predictor.reader(problem).spec)

    def read(self, target: Any) -> np.ndarray:
        if target not in self._names:
            near = did_you_mean(str(target), self._names)
            raise UserError(f"problem `{self._problem}` has no class `{target}`{near}")
        return np.array([self._names.index(target)])

    def scores(self, features: Batch, targets: list[np.ndarray]) -> Iterator[Score]:
        for [number], row in zip(targets, self._function(features).numpy(), strict=True):
            yield Score(float(row[number]), ((self._names[number], float(row[number])),))


def _one(value: Any) -> Any:
    """The first of several references."""
    return value[0] if isinstance(value, list) else value


def _batches(read: Mapping[int, tuple[Any, Any]], size: int) -> Iterator[list[int]]:
    """Pairs of similar length, so many at a time."""
    order = sorted(read, key=lambda i: (len(read[i][1]), len(read[i][0])))
    for start in itertools.count(0, size):
        if start >= len(order):
            return
        yield order[start : start + size]
