"""Decoded evaluation: what a model writes for a prepared split, scored against all references."""

import dataclasses
import itertools
from typing import Any

from t2tlite import registry
from t2tlite.data import records
from t2tlite.data.progress import track
from t2tlite.decoding.predictor import Prediction, Predictor

TEACHER_FORCED = frozenset(["loss", "log_perplexity", "accuracy", "sequence_accuracy"])  # the trainer's


@dataclasses.dataclass(frozen=True)
class DecodedExample:
    """One input with what was decoded and what would have been right.

    Attributes:
      inputs: as prepared: text, the bytes of an image, a waveform.
      prediction: the output.
      references: the right answers.
    """

    inputs: Any
    prediction: Prediction
    references: tuple[str, ...]

    @property
    def candidates(self) -> tuple[str, ...]:
        """The outputs, best first."""
        ranked = tuple(name for name, _ in self.prediction.probabilities)
        return ranked or (self.prediction.text,)


@dataclasses.dataclass(frozen=True)
class Decoded:
    """Attributes: metrics, `{name: value}`; examples, in the order of the split."""

    metrics: dict[str, float]
    examples: list[DecodedExample]


def decoded(
    predictor: Predictor,
    problem: str,
    split: str = "test",
    limit: int | None = None,
    data_dir: str | None = None,
    progress: bool = False,
) -> Decoded:
    """Decodes a prepared split and computes the problem's metrics.

    An input that can't be read, such as one that is far too long, counts with an empty output.

    Args:
      predictor: for the problem's run.
      problem: its name.
      split: "train", "validation" or "test".
      limit: most examples, from the first; None for all.
      data_dir: where the prepared data is; None for the run's own.
      progress: shown on stderr.

    Raises:
      UserError: the run has no such problem, its data is missing, or a metric is unknown.
    """
    predictor.check(problem)
    made = predictor.run.problems[problem]
    metrics = {name: registry.get("metric", name) for name in made.metrics if name not in TEACHER_FORCED}
    data_dir = data_dir or predictor.run.data_dir
    kept, shown = itertools.tee(records.raw_examples(made, split, data_dir, limit))
    size = sum(file["examples"] for file in records.split_index(made, split, data_dir))
    total = size if limit is None else min(size, limit)
    predictions = track(predictor.stream_examples(problem, shown), f"{problem} {split}", total, progress)
    examples = [
        DecodedExample(example["inputs"], prediction, references_of(example["targets"]))
        for example, prediction in zip(kept, predictions, strict=True)
    ]
    outputs = [example.candidates for example in examples]
    references = [example.references for example in examples]
    return Decoded({name: metric(outputs, references) for name, metric in metrics.items()}, examples)


def references_of(targets: str | list[str]) -> tuple[str, ...]:
    """The right answers, of one or of several."""
    return (targets,) if isinstance(targets, str) else tuple(targets)
