"""TrainedRun: what a training leaves in its folder, to be looked at, evaluated and decoded with."""

import functools
import json
import os
import pathlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from t2tlite.api import decoding, evaluation
from t2tlite.checkpoints import locate
from t2tlite.decoding.options import DecodeOptions
from t2tlite.run import read_description
from t2tlite.tables import Table

if TYPE_CHECKING:
    from t2tlite.decoding.predictor import Prediction, Predictor

_METRICS = "metrics.jsonl"


class TrainedRun:
    """A run in its folder, which is read when something is asked for.

    Args:
      output_dir: the `--output_dir` of a training.

    Raises:
      UserError: the folder holds no run.
    """

    def __init__(self, output_dir: str | os.PathLike) -> None:
        self.output_dir = pathlib.Path(output_dir).absolute()
        self.problems: tuple[str, ...] = tuple(read_description(self.output_dir)["problems"])

    @property
    def checkpoint(self) -> pathlib.Path:
        """The newest checkpoint."""
        return locate.find(os.fspath(self.output_dir), None)

    @property
    def step(self) -> int:
        """Updates so far, as the newest checkpoint has them."""
        return int(self.checkpoint.name.rpartition("-")[2])

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl: `step`, `problem`, `split` ("train" or "validation") and figures."""
        lines = (self.output_dir / _METRICS).read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    @property
    def scores(self) -> dict[str, dict[str, float]]:
        """`{problem: {figure: value}}` of the last evaluation in training, on the validation split."""
        known = ("step", "problem", "split")
        last = {line["problem"]: line for line in self.metrics if line["split"] == "validation"}
        return {
            problem: {name: value for name, value in last[problem].items() if name not in known}
            for problem in self.problems
            if problem in last
        }

    @functools.cached_property
    def predictor(self) -> "Predictor":
        """A predictor with the checkpoint that is the newest when it is first asked for."""
        return decoding.load(self.output_dir, self.checkpoint, DecodeOptions(), many=False)

    def evaluate(self, problems: Any = None, **options: Any) -> evaluation.Evaluation:
        """`t2tlite.evaluate` of this run."""
        return evaluation.evaluate(self.output_dir, problems, **options)

    def decode(self, inputs: Iterable[Any], problem: str | None = None, **options: Any) -> "list[Prediction]":
        """`Predictor.predict` of `predictor`; the problem is not needed where the run has only one."""
        name, _, _ = decoding.find(self.output_dir, problem, self.checkpoint)
        return self.predictor.predict(name, inputs, **options)

    def table(self) -> Table:
        """The last validation figures, a row for each figure of a problem."""
        rows = [
            [problem, name.replace("_", " "), f"{value:,.4g}"]
            for problem, figures in self.scores.items()
            for name, value in figures.items()
        ]
        title = f"{self.output_dir}: step {self.step:,}, validation"
        return Table(title, ["problem", "figure", "value"], rows, words=2)

    def __repr__(self) -> str:
        return f"TrainedRun({os.fspath(self.output_dir)!r}, step {self.step}, {', '.join(self.problems)})"

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()
