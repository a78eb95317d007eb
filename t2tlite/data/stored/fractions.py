"""Fractions of training splits, as `--fraction` gives them. Needs no TensorFlow."""

import math
from collections.abc import Mapping, Sequence

from t2tlite.errors import UserError
from t2tlite.nearest import did_you_mean

_EXPECTED = "expected NAME:SHARE,NAME:SHARE such as {name}:0.1, each share above 0 and at most 1"


def parse(text: str | None, problems: Sequence[str]) -> dict[str, float]:
    """Reads `wsj_parsing:0.1,imagenet:0.5`.

    Args:
      text: the above; None or "" for whole splits.
      problems: names of the problems that there are.

    Returns:
      The share of each problem that has less than the whole, in the order of `problems`.

    Raises:
      UserError: the text is nothing of the kind, or names a problem twice or one that is not among them.
    """
    shares: dict[str, float] = {}
    for part in filter(None, (piece.strip() for piece in (text or "").split(","))):
        name, _, value = part.partition(":")
        if name not in problems:
            near = did_you_mean(name, problems) or f"; they are {', '.join(problems)}"
            raise UserError(f"--fraction={text}: `{name}` is not one of the problems{near}")
        if name in shares:
            raise UserError(f"--fraction={text}: problem `{name}` is given more than once")
        try:
            shares[name] = float(value)
        except ValueError:
            shares[name] = math.nan
        if not 0 < shares[name] <= 1:
            raise UserError(f"--fraction={text}: `{part}`; {_EXPECTED.format(name=name)}")
    return {name: shares[name] for name in problems if shares.get(name, 1) < 1}


def describe(shares: Mapping[str, float]) -> str:
    """The fractions as `parse` reads them."""
    return ",".join(f"{name}:{share!r}" for name, share in shares.items())


def count(share: float, size: int) -> int:
    """How many of `size` examples a share is: at least one; a smaller share is never more."""
    return min(size, max(1, math.floor(share * size + 1e-6)))
