"""Zero-shot problems: the inputs of one problem with the outputs of another, which nobody trained."""

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

from t2tlite import registry
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
    return _added(run, model, ZeroShotProblem(run.problems[reads], run.problems[writes]), reads, writes)


def references(name: str, problems: Sequence[str], output_dir: str | os.PathLike) -> Problem:
    """The registered problem whose data tell what is right where two trained ones are crossed.

    Args:
      name: of that problem, which has a `zero_shot`; or the pair, of which there must be one such problem.
      problems: names of the run's problems.
      output_dir: the run's folder, for the errors.

    Raises:
      UserError: no references are known, those of several problems are, or the run lacks one of the pair.
    """
    if problem_names.MARK in name:
        problem_names.check_sides(name, problems, output_dir)
        every = [registry.get_problem(one) for one in registry.names("problem")]
        found = [problem for problem in every if problem.zero_shot == name]
        if not found:
            known = ", ".join(f"`{problem.zero_shot}`" for problem in every if problem.zero_shot)
            raise UserError(
                f"no references are known of `{name}`: no problem has it as its `zero_shot`; known are those"
                f" of {known}"
            )
        if len(found) > 1:
            names = ", ".join(problem.name for problem in found)
            raise UserError(f"several problems have references of `{name}`; give one of {names}")
        return found[0]
    problem = registry.get_problem(name)
    for one in problem_names.sides(problem.zero_shot):
        if one not in problems:
            raise UserError(
                f"the run {output_dir} has not trained `{name}`, nor `{one}`, by which it could be evaluated"
                f" as `{problem.zero_shot}`"
            )
    return problem


def can_be_crossed(name: str) -> bool:
    """Whether a name is a pair, or that of a registered problem which knows its pair."""
    if problem_names.MARK in name:
        return True
    return name in registry.names("problem") and bool(registry.get_problem(name).zero_shot)


def add_untrained(run: Run, model: Any, problem: Problem) -> Run:
    """The run with a problem that it hasn't trained, by the pair that is the problem's `zero_shot`.

    Raises:
      UserError: the model can't read as one problem and write as another.
    """
    return _added(run, model, problem, *problem_names.sides(problem.zero_shot))


def _added(run: Run, model: Any, problem: Problem, reads: str, writes: str) -> Run:
    if not isinstance(model, ZeroShot):
        raise UserError(
            f"the model `{run.hparams.model}` can't read as `{reads}` and write as `{writes}`; give one of"
            " its problems"
        )
    model.add_zero_shot(problem.name, reads, writes)
    labels = {problem.name: run.labels[writes]} if writes in run.labels else {}
    return dataclasses.replace(
        run, problems={**run.problems, problem.name: problem}, labels={**run.labels, **labels}
    )
