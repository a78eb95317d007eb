"""Zero-shot problems: the inputs of one problem with the outputs of another, which nobody trained."""

import dataclasses
from typing import Any

from t2tlite.decoding import problem_names
from t2tlite.errors import UserError
from t2tlite.model import ZeroShot
from t2tlite.problem import Problem
from t2tlite.run import Run


class ZeroShotProblem(Problem):
    """Reads as one problem and writes as another.

    Args:
      reads, writes: the problems.
    """

    def __init__(self, reads: Problem, writes: Problem) -> None:
        self.name = zero_shot_name(reads.name, writes.name)
        self.inputs = reads.inputs
        self.targets = writes.targets
        self.command = writes.command
        self.symbols = writes.symbols
        self._reads = reads
        self._writes = writes

    def to_text(self, example: dict[str, Any]) -> dict[str, Any]:
        """The inputs as the one problem has them, the targets as the other."""
        converted = {"inputs": self._reads.to_text({"inputs": example["inputs"]})["inputs"]}
        if "targets" in example:
            converted["targets"] = self._writes.to_text(example)["targets"]
        return converted

    def from_text(self, inputs: Any, output: str) -> str:
        """The other problem's, where its inputs are of this kind; else the output as the model wrote it."""
        same = self._reads.inputs.described() == self._writes.inputs.described()
        return self._writes.from_text(inputs, output) if same else output

    def constraint(self, vocabulary: Any) -> Any:
        return self._writes.constraint(vocabulary)


def zero_shot_name(reads: str, writes: str) -> str:
    return f"{reads}{problem_names.MARK}{writes}"


def add(run: Run, model: Any, reads: str, writes: str) -> Run:
    """The run with the zero-shot problem among its problems; the model learns of it, too.

    Args:
      run: the `Run`.
      model: its model.
      reads, writes: names of its problems.

    Raises:
      UserError: the model can't read as one problem and write as another.
    """
    if not isinstance(model, ZeroShot):
        raise UserError(
            f"the model `{run.hparams.model}` can't read as `{reads}` and write as `{writes}`; give one of"
            " its problems"
        )
    problem = ZeroShotProblem(run.problems[reads], run.problems[writes])
    model.add_zero_shot(problem.name, reads, writes)
    labels = {problem.name: run.labels[writes]} if writes in run.labels else {}
    return dataclasses.replace(
        run, problems={**run.problems, problem.name: problem}, labels={**run.labels, **labels}
    )
