"""Names of a run's problems, zero-shot ones among them. Needs no TensorFlow."""

import os
from collections.abc import Sequence
from typing import Any

from t2tlite.errors import UserError
from t2tlite.nearest import did_you_mean

MARK = ">"  # "imagenet>wmt_ende" reads as the one and writes as the other, see `zero_shot`


def sides(name: str) -> tuple[str, str]:
    """Whose inputs a problem reads, and whose outputs it writes; they differ in a zero-shot problem."""
    reads, mark, writes = name.partition(MARK)
    return reads, writes if mark else reads


def of_run(description: dict[str, Any]) -> list[str]:
    """The problems that a run.json lists, as far as it does."""
    names = description.get("problems")
    return names if isinstance(names, list) else []


def check_problem(problem: str, problems: Sequence[str], output_dir: str | os.PathLike) -> None:
    """Raises a UserError unless the run in `output_dir`, which has `problems`, has this one."""
    if problem not in problems:
        near = did_you_mean(problem, problems) or f"; it was trained on {', '.join(problems)}"
        raise UserError(f"the run {output_dir} has no problem `{problem}`{near}")


def check_decodes(problem: Any) -> None:
    """Raises a UserError where a problem, a `Problem`, has nothing to decode."""
    if problem.targets is None:
        raise UserError(f"problem `{problem.name}` has no targets, so there is nothing to decode")
    if not (problem.targets.is_text or problem.targets.has_classes):
        raise UserError(f"problem `{problem.name}` writes {problem.targets.kind}, which can't be decoded")


def check_sides(name: str, problems: Sequence[str], output_dir: str | os.PathLike) -> None:
    """`check_problem` of a problem that may be a zero-shot one."""
    for one in dict.fromkeys(sides(name)):
        check_problem(one, problems, output_dir)


def chosen(
    name: str | None, problems: Sequence[str], output_dir: str | os.PathLike, any_will_do: bool = False
) -> str:
    """The problem that `--problem` names, or without it the only one.

    Args:
      any_will_do: of several the first is taken.

    Raises:
      UserError: the run has no such problem, or there are several.
    """
    if name:
        check_sides(name, problems, output_dir)
        return name
    if not problems or (len(problems) > 1 and not any_will_do):
        raise UserError(
            f"--problem is missing; {output_dir} was trained on {', '.join(problems) or 'nothing'}"
        )
    return problems[0]
