"""Saying which problems a run has. Needs no TensorFlow."""

from collections.abc import Sequence

from t2tlite.errors import UserError
from t2tlite.nearest import did_you_mean


def check_problem(problem: str, problems: Sequence[str], output_dir) -> None:
    """Raises a UserError unless the run in `output_dir`, which has `problems`, has this one."""
    if problem not in problems:
        near = did_you_mean(problem, problems) or f"; it was trained on {', '.join(problems)}"
        raise UserError(f"the run {output_dir} has no problem `{problem}`{near}")
