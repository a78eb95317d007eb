"""Decoded evaluation: what a model writes for a prepared split, scored against all references."""

import dataclasses
import itertools
from typing import Any

from t2tlite import metrics, registry
from t2tlite.decoding.options import DecodeOptions
from t2tlite.decoding.predictor import Prediction, Predictor
from t2tlite.errors import UserError
from t2tlite.model import check_decodable
from t2tlite.objective import figures_of
from t2tlite.problem import Problem
from t2tlite.progress import track
from t2tlite.run import Run


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
class SplitResult:
    """The outcome of a decoded evaluation.

    Attributes:
      metrics: `{name: value}`, in the order in which the problem lists them.
      examples: the first of them, as many as were asked for, in the order of the split.
      size: how many were decoded and scored.
      errors: why inputs could not be decoded, a message each; they count with an empty output.
      signatures: `{name: how it was computed}` of the metrics that tell, as sacreBLEU's do.
    """

    metrics: dict[str, float]
    examples: list[DecodedExample]
    size: int = 0
    errors: tuple[str, ...] = ()
    signatures: dict[str, str] = dataclasses.field(default_factory=dict)


def evaluate_split(
    predictor: Predictor,
    problem: str,
    split: str = "test",
    limit: int | None = None,
    progress: bool = False,
    keep: int | None = None,
) -> SplitResult:
    """Decodes a prepared split and computes the problem's metrics.

    An input that can't be read, such as one that is far too long, counts with an empty output.

    Args:
      predictor: for the problem's run.
      problem: its name.
      split: "train", "validation" or "test".
      limit: most examples, from the first; None for all.
      progress: shown on stderr.
      keep: how many of the first examples to give back, inputs and all; None for all of them.

    Raises:
      UserError: the run has no such problem, its data is missing, or a metric is unknown.
    """
    predictor.check(problem)
    definition = predictor.run.problems[problem]
    scorers = decoded_metrics(definition)
    prepared = predictor.run.split(problem, split)
    read, shown = itertools.tee(prepared.examples(limit))
    total = prepared.size if limit is None else min(prepared.size, limit)
    label = f"{problem} {split}, decoded"
    predictions = track(predictor.stream_examples(problem, shown), label, total, progress)
    examples: list[DecodedExample] = []
    outputs, references, errors = [], [], []
    for example, prediction in zip(read, predictions, strict=True):
        decoded_example = DecodedExample(
            example["inputs"], prediction, definition.targets.references(example["targets"])
        )
        outputs.append(decoded_example.candidates)
        references.append(decoded_example.references)
        if prediction.error:
            errors.append(prediction.error)
        if keep is None or len(examples) < keep:
            examples.append(decoded_example)
    return SplitResult(
        {name: metric(outputs, references) for name, metric in scorers.items()},
        examples,
        len(outputs),
        tuple(errors),
        {
            name: signature
            for name, metric in scorers.items()
            if (signature := metrics.signature(metric, references))
        },
    )


def decoded_metrics(problem: Problem) -> dict[str, metrics.Metric]:
    """The metrics of decoded outputs that a problem lists: all but the figures of its objective.

    Raises:
      UserError: a metric is unknown, or has the name of a teacher-forced figure.
    """
    clashes = sorted(set(registry.names("metric")) & set(figures_of(problem)))
    if clashes:
        raise UserError(
            f"metric `{clashes[0]}` at {registry.entry('metric', clashes[0]).place} has the name of a "
            "teacher-forced figure; register it under another one"
        )
    names = [name for name in problem.metrics if name not in figures_of(problem)]
    return {name: registry.get("metric", name) for name in names}


class DecodedEvaluation:
    """Decoded evaluations of a model that is being trained, as often as it is called.

        evaluate_decoded = DecodedEvaluation(limit=64)
        evaluate_decoded(run, model)["wmt_ende"]["bleu"]

    What it compiles for a model is used again with the same one's later weights.

    Args:
      split: "validation" or "test".
      limit: most examples of each problem, from the first; None for all.
      options: how to decode; default: greedily, since it is done often.
    """

    def __init__(
        self, split: str = "validation", limit: int | None = None, options: DecodeOptions | None = None
    ) -> None:
        self.split = split
        self._limit = limit
        self._options = options or DecodeOptions(beam_size=1)
        self._predictor: Predictor | None = None

    def check(self, run: Run, model: Any) -> None:
        """Raises a UserError where the model can't decode a problem that lists a metric of outputs."""
        for problem in run.problems.values():
            if decoded_metrics(problem):
                check_decodable(model, run.hparams.model, problem)

    def __call__(self, run: Run, model: Any) -> dict[str, dict[str, float]]:
        """`{problem: {metric: value}}`, of the problems that list a metric of decoded outputs."""
        if self._predictor is None or self._predictor.model is not model:
            self._predictor = Predictor(run, model, self._options)
        return {
            name: evaluate_split(self._predictor, name, self.split, self._limit, keep=0).metrics
            for name, problem in run.problems.items()
            if decoded_metrics(problem)
        }
