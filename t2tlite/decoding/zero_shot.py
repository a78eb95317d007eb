"""Crossing: the inputs of one problem with the outputs of another, which nobody trained."""

import dataclasses

from t2tlite.decoding import problem_names
from t2tlite.errors import UserError
from t2tlite.model import Crossable
from t2tlite.problem import Problem


class Crossed(Problem):
    """Reads as one problem and writes as another.

    Args:
      reads, writes: the problems.
    """

    def __init__(self, reads: Problem, writes: Problem):
        self.name = crossed_name(reads.name, writes.name)
        self.inputs = reads.inputs
        self.targets = writes.targets
        self.command = writes.command
        self.symbols = writes.symbols
        self._reads = reads
        self._writes = writes

    def to_text(self, example):
        """The inputs as the one problem has them, the targets as the other."""
        made = {"inputs": self._reads.to_text({"inputs": example["inputs"]})["inputs"]}
        if "targets" in example:
            made["targets"] = self._writes.to_text(example)["targets"]
        return made

    def from_text(self, inputs, output):
        """The other problem's, where its inputs are of this kind; else the output as the model wrote it."""
        same = self._reads.inputs.described() == self._writes.inputs.described()
        return self._writes.from_text(inputs, output) if same else output

    def constraint(self, vocabulary):
        return self._writes.constraint(vocabulary)


def crossed_name(reads: str, writes: str) -> str:
    return f"{reads}{problem_names.MARK}{writes}"


def cross(run, model, reads: str, writes: str):
    """The run with the crossed problem among its problems, of which the model is told.

    Args:
      run: the `Run`.
      model: its model.
      reads, writes: names of its problems.

    Raises:
      UserError: the model can't read as one problem and write as another.
    """
    if not isinstance(model, Crossable):
        raise UserError(
            f"the model `{run.hparams.model}` can't read as `{reads}` and write as `{writes}`; give one of"
            " its problems"
        )
    made = Crossed(run.problems[reads], run.problems[writes])
    model.cross(made.name, reads, writes)
    labels = {made.name: run.labels[writes]} if writes in run.labels else {}
    return dataclasses.replace(
        run, problems={**run.problems, made.name: made}, labels={**run.labels, **labels}
    )
