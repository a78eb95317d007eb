"""Evaluating a checkpoint of a run: what `t2t-eval` does, and `t2tlite.evaluate`."""

import dataclasses
import os
import pathlib
import sys
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from t2tlite import quiet, registry
from t2tlite.api import problems as given_problems
from t2tlite.decoding import problem_names, zero_shot
from t2tlite.decoding.options import DecodeOptions
from t2tlite.errors import UserError
from t2tlite.plural import counted
from t2tlite.run import read_description
from t2tlite.tables import Table

if TYPE_CHECKING:
    from t2tlite.decoding.evaluate import SplitResult
    from t2tlite.run import Run

SPLITS = ("validation", "test")
# How figures are told: a heading, and a format. Others have their name and four digits.
_COLUMNS = {
    "log_perplexity": ("log-perplexity (nats/target)", "{:.4f}"),
    "accuracy": ("accuracy", "{:.2%}"),
    "accuracy_top5": ("among the top 5", "{:.2%}"),
    "sequence_accuracy": ("whole sequences", "{:.2%}"),
    "targets": ("targets", "{:,.0f}"),
}


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """The figures of a checkpoint.

    Attributes:
      checkpoint: its path.
      split: of the prepared data.
      teacher_forced: `{problem: {figure: value}}`, each target given the right ones before it.
      decoded: `{problem: SplitResult}`, of the model's own outputs.
      options: how they were decoded.
      eval_steps, limit: batches and examples of a problem at most; 0: the whole split.
    """

    checkpoint: pathlib.Path
    split: str
    teacher_forced: dict[str, dict[str, float]]
    decoded: "dict[str, SplitResult]"
    options: DecodeOptions
    eval_steps: int = 0
    limit: int = 0

    def __getitem__(self, problem: str) -> dict[str, float]:
        """All figures of a problem, teacher-forced and decoded."""
        metrics = self.decoded[problem].metrics if problem in self.decoded else {}
        if problem not in self.teacher_forced and problem not in self.decoded:
            raise KeyError(problem)
        return {**self.teacher_forced.get(problem, {}), **metrics}

    def lines(self) -> Iterator[dict[str, Any]]:
        """The lines of `t2t-eval --output_file`, as JSON holds them."""
        origin = {"checkpoint": str(self.checkpoint), "split": self.split}
        for name, figures in self.teacher_forced.items():
            yield {"problem": name, **origin, "mode": "teacher_forced", **figures}
        for name, result in self.decoded.items():
            more = {
                "examples": result.size,
                "errors": len(result.errors),
                "decoding": self.options.describe(),
                "signatures": result.signatures,
            }
            yield {"problem": name, **origin, "mode": "decoded", **result.metrics, **more}

    def teacher_forced_table(self) -> Table:
        """The teacher-forced figures; a dash where a problem's objective has none."""
        part = f"the first {counted(self.eval_steps, 'batch', 'batches')}" if self.eval_steps else "whole"
        names = dict.fromkeys(name for figures in self.teacher_forced.values() for name in figures)
        columns = {
            name: _COLUMNS.get(name, (name.replace("_", " "), "{:.4f}"))
            for name in names
            if name != "sequences"
        }
        rows = [
            [problem, *(form.format(figures[x]) if x in figures else "-" for x, (_, form) in columns.items())]
            for problem, figures in self.teacher_forced.items()
        ]
        headings = ["problem", *(heading for heading, _ in columns.values())]
        title = f"Teacher-forced: {self.checkpoint.name}, {self.split} split, {part}"
        return Table(title, headings, rows)

    def decoded_table(self) -> Table:
        """The metrics of the outputs."""
        part = f"the first {counted(self.limit, 'example')}" if self.limit else "whole"
        rows = [
            [name, metric, f"{value:.2f}", f"{result.size:,}"]
            for name, result in self.decoded.items()
            for metric, value in result.metrics.items()
        ]
        how = f"texts by {self.options.describe()}"
        title = f"Decoded: {self.checkpoint.name}, {self.split} split, {part}; {how}"
        return Table(title, ["problem", "metric", "score", "examples"], rows, words=2)

    def _repr_html_(self) -> str:
        """Its tables, as a notebook shows them."""
        both = [self.teacher_forced_table(), self.decoded_table()]
        return "".join(table._repr_html_() for table in both if table.rows)


def evaluate(
    output_dir: str | os.PathLike,
    problems: str | Collection[str] | None = None,
    *,
    split: str = "test",
    teacher_forced: bool = True,
    eval_steps: int = 0,
    decoded: bool = True,
    limit: int = 0,
    options: DecodeOptions | None = None,
    checkpoint_path: str | os.PathLike | None = None,
    data_dir: str | os.PathLike | None = None,
) -> Evaluation:
    """Evaluates a checkpoint of a run on prepared data, teacher-forced and decoded, as `t2t-eval` does.

    Args:
      output_dir: the run's folder.
      problems: names, as one text with commas or a list; None: all of the run. A problem that was not trained
        can be named if the run can cross two of its own to it.
      split: "validation" or "test".
      teacher_forced: whether to measure how well each target is predicted, given the right ones before it.
      eval_steps: batches of a teacher-forced evaluation; 0: the whole split.
      decoded: whether to score the model's own outputs.
      limit: examples to decode, from the first; 0: the whole split.
      options: how to decode; default: a beam search with 4 beams.
      checkpoint_path: one of its checkpoints; default: the newest.
      data_dir: folder of the prepared data; default: the run's own.

    Raises:
      UserError: there is no run, checkpoint or data, or an argument is not among the above.
    """
    options = options or DecodeOptions()
    if not (teacher_forced or decoded):
        raise UserError("--noteacher_forced and --nodecoded leave nothing to evaluate")
    if split not in SPLITS:
        raise UserError(f"--split must be one of {', '.join(SPLITS)}. Received: {split}")
    chosen = _problems(pathlib.Path(output_dir), problems)
    quiet.start_tensorflow()
    run = load_run(output_dir, data_dir)
    untrained = {name: one for name, one in chosen.items() if one is not None}
    with_data = dataclasses.replace(run, problems={**run.problems, **untrained})
    checkpoint = find_checkpoint(with_data, chosen, split, checkpoint_path)
    model = run.restore_model(checkpoint)
    for problem in untrained.values():
        run = zero_shot.add_untrained(run, model, problem)
        _say(f"{problem.name} was not trained; it is evaluated as {problem.zero_shot}")
    figures = _teacher_forced(run, model, chosen, split, eval_steps) if teacher_forced else {}
    results = _decoded(run, model, chosen, split, limit, options) if decoded else {}
    return Evaluation(checkpoint, split, figures, results, options, eval_steps, limit)


def load_run(output_dir: str | os.PathLike, data_dir: str | os.PathLike | None) -> "Run":
    """The run in a folder, with the data of another folder if one is given."""
    from t2tlite.run import Run

    run = Run.load(output_dir)
    return dataclasses.replace(run, data_dir=str(data_dir) if data_dir else run.data_dir)


def find_checkpoint(
    run: "Run", problems: Collection[str], split: str, checkpoint_path: str | os.PathLike | None
) -> pathlib.Path:
    """The path of the checkpoint, which a training that goes on may not change meanwhile.

    Raises:
      UserError: there is none, or the data of a problem is missing: now, and not when others were measured.
    """
    from t2tlite.checkpoints import CHECKPOINTS, checkpoint

    for name in problems:
        run.split(name, split)
    folder = run.output_dir / CHECKPOINTS
    path = pathlib.Path(checkpoint_path) if checkpoint_path else checkpoint.newest(folder)
    if path is None:
        raise UserError(f"{run.output_dir} holds no checkpoint yet; train with t2t-train --output_dir=...")
    return path


def _problems(folder: pathlib.Path, problems: str | Collection[str] | None) -> dict[str, Any]:
    """What to evaluate by its name: None for a problem of the run, the `Problem` for an untrained one."""
    description = read_description(folder)
    trained = problem_names.of_run(description)
    chosen: dict[str, Any] = {}
    for name in given_problems.listed(problems) or trained:
        if name in trained:
            chosen[name] = None
            continue
        for usr_dir in description.get("usr_dirs", ()):
            registry.import_usr_dir(usr_dir)
        if not zero_shot.can_be_crossed(name):
            problem_names.check_problem(name, trained, folder)
        problem = zero_shot.references(name, trained, folder)
        chosen[problem.name] = None if problem.name in trained else problem
    return chosen


def _teacher_forced(
    run: "Run", model: Any, problems: Collection[str], split: str, steps: int
) -> dict[str, dict[str, float]]:
    from t2tlite.training.evaluate import Evaluator

    evaluator = Evaluator(run, model)
    return {name: evaluator.evaluate(name, split, steps or None, progress=True) for name in problems}


def _decoded(
    run: "Run", model: Any, problems: Mapping[str, Any], split: str, limit: int, options: DecodeOptions
) -> "dict[str, SplitResult]":
    """What was decoded, for each problem that lists a metric of it."""
    from t2tlite.decoding import evaluate
    from t2tlite.decoding.predictor import Predictor

    predictor = Predictor(run, model, options)
    results = {}
    for name in problems:
        if not evaluate.decoded_metrics(run.problems[name]):
            _say(f"problem `{name}` lists no metric of decoded outputs; it is not decoded")
            continue
        try:
            predictor.check(name)
        except UserError as error:
            _say(f"{error}; it is not decoded")
            continue
        results[name] = result = evaluate.evaluate_split(
            predictor, name, split, limit or None, progress=True, keep=0
        )
        if result.errors:
            _say(
                f"{len(result.errors):,} of {counted(result.size, 'input')} of {name} could not be decoded"
                f" and count as wrong, the first since: {result.errors[0]}"
            )
    return results


def _say(message: str) -> None:
    print(f"t2t-eval: {message}", file=sys.stderr)
