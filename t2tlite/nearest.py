"""Suggesting the names nearest to a mistyped one."""

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, names: Iterable[str], limit: int = 3) -> str:
    """Returns "; did you mean `a` or `b`?" for the names nearest to `name`, or "" where none is near."""
    near = difflib.get_close_matches(name, list(names), n=limit, cutoff=0.6)
    return "; did you mean " + " or ".join(f"`{other}`" for other in near) + "?" if near else ""
