"""Mixing of problems: how much of each, and in what order."""

import bisect
import dataclasses
import hashlib
import math
import re
from collections.abc import Mapping, Sequence

from t2tlite.errors import UserError
from t2tlite.nearest import did_you_mean

ORDERS = ("random", "round_robin")
_EXPECTED = (
    "expected `uniform`, `proportional temperature=2 cap=100000`, `wmt_ende:1 imagenet:2`, or a schedule "
    "such as `linear @0 wmt_ende:1 @1000 uniform`"
)


@dataclasses.dataclass(frozen=True)
class Rates:
    """Shares of the problems over the steps of a training run.

    Attributes:
      steps: where a schedule has its knots, ascending from 0; a single 0 where nothing changes.
      shares: for each knot the share of each problem; each sums to 1.
      linear: whether to go from knot to knot in a straight line; otherwise a knot holds until the next.
    """

    steps: tuple[int, ...]
    shares: tuple[tuple[float, ...], ...]
    linear: bool = False

    def at(self, step: int) -> tuple[float, ...]:
        """The shares at a step."""
        left = bisect.bisect_right(self.steps, step) - 1
        if not self.linear or left + 1 == len(self.steps):
            return self.shares[left]
        part = (step - self.steps[left]) / (self.steps[left + 1] - self.steps[left])
        pairs = zip(self.shares[left], self.shares[left + 1], strict=True)
        return tuple((1 - part) * a + part * b for a, b in pairs)


def parse_rates(text: str, problems: Sequence[str], sizes: Mapping[str, int] | None = None) -> Rates:
    """Reads how much of each problem there is to be.

    * `uniform`: as much of each.
    * `proportional`: by number of examples; `cap=K` counts at most K of them, and `temperature=T` takes the
      T-th root of the shares (Raffel et al. 2020, arXiv 1910.10683, 3.5.2).
    * `wmt_ende:1 imagenet:2`: by given rates; a problem that is not named gets none.
    * `constant @0 A @1000 B` or `linear @0 A @1000 B`: a schedule, where A and B are any of the above.

    Args:
      text: the above.
      problems: their names.
      sizes: number of training examples of each, for `proportional`.

    Raises:
      UserError: the text is none of the above, or names a problem that is not among them.
    """
    words = text.split()
    if words and words[0] in ("linear", "constant"):
        return _schedule(words, text, problems, sizes)
    return Rates((0,), (_shares(words, text, problems, sizes),))


class Mixing:
    """Which problem each step trains; a function of the step alone, so it needs no state in a checkpoint.

    Args:
      rates: how much of each problem.
      order: "random": drawn by (seed, step). "round_robin": as evenly as the rates allow; equal rates cycle
        through the problems.
      seed: of the draw.
      names: of the problems, in the order of the rates' shares.
      micro_steps: how many steps make an update, which is what the rates' steps are.
    """

    def __init__(
        self, rates: Rates, order: str, seed: int, names: Sequence[str], micro_steps: int = 1
    ) -> None:
        if order not in ORDERS:
            raise UserError(
                f"unknown order `{order}`{did_you_mean(order, ORDERS)}; expected {' or '.join(ORDERS)}"
            )
        if len(rates.shares[0]) != len(names):
            raise UserError(f"rates for {len(rates.shares[0])} problems, but there are {len(names)}")
        rates = dataclasses.replace(rates, steps=tuple(step * micro_steps for step in rates.steps))
        self._rates = rates
        self._order = order
        self._seed = seed
        self._names = tuple(names)
        self._turns = _Turns(rates)

    def problem_at(self, step: int) -> str:
        """Name of the problem that a step trains."""
        if self._order == "round_robin":
            return self._names[self._turns.at(step)]
        point = _uniform(self._seed, step)
        shares = self._rates.at(step)
        for name, share in zip(self._names, shares, strict=True):
            point -= share
            if point < 0:
                return name
        return max(zip(shares, self._names, strict=True))[1]  # rounding left a sliver at the end

    def shares(self, step: int) -> dict[str, float]:
        """The share asked for of each problem, at a step."""
        return dict(zip(self._names, self._rates.at(step), strict=True))


class _Turns:
    """Round robin: at each step the problem that is furthest behind its share; ties go to the first.

    What each problem is owed at a step is the sum of its shares so far, so the order is a function of the
    step. It is worked out from the start once, and kept.
    """

    def __init__(self, rates: Rates) -> None:
        self._rates = rates
        self._owed = [0.0] * len(rates.shares[0])
        self._turns: list[int] = []
        shares = rates.shares[0]
        # Equal shares of all problems, the usual case, need no list.
        self._cycle = len(shares) if len(rates.steps) == 1 and len(set(shares)) == 1 else None

    def at(self, step: int) -> int:
        if self._cycle:
            return step % self._cycle
        while len(self._turns) <= step:
            self._owed = [a + b for a, b in zip(self._owed, self._rates.at(len(self._turns)), strict=True)]
            # Rounded, so that the sums' last bits don't decide between problems that are equally far behind.
            turn = max(range(len(self._owed)), key=lambda i: (round(self._owed[i], 9), -i))
            self._owed[turn] -= 1.0
            self._turns.append(turn)
        return self._turns[step]


def _uniform(seed: int, step: int) -> float:
    """A number in [0, 1), the same on every machine."""
    digest = hashlib.blake2b(f"{seed}:{step}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _schedule(
    words: Sequence[str], text: str, problems: Sequence[str], sizes: Mapping[str, int] | None
) -> Rates:
    knots: dict[int, tuple[float, ...]] = {}
    for part in re.split(r"\s*@", " ".join(words[1:]))[1:]:
        step, *rest = part.split()
        if not step.isdecimal():
            raise UserError(f"mixing `{text}`: `@{step}` is not a step; {_EXPECTED}")
        if knots and int(step) <= max(knots):
            raise UserError(f"mixing `{text}`: step @{step} must come after @{max(knots)}")
        knots[int(step)] = _shares(rest, text, problems, sizes)
    if not knots or min(knots) != 0 or not words[1].startswith("@"):
        raise UserError(f"mixing `{text}`: a schedule starts at @0; {_EXPECTED}")
    return Rates(tuple(knots), tuple(knots.values()), linear=words[0] == "linear")


def _shares(
    words: Sequence[str], text: str, problems: Sequence[str], sizes: Mapping[str, int] | None
) -> tuple[float, ...]:
    if words == ["uniform"]:
        weights = [1.0] * len(problems)
    elif words and words[0] == "proportional":
        weights = _proportional(words[1:], text, problems, sizes)
    elif words and all(":" in word for word in words):
        weights = _explicit(words, text, problems)
    else:
        raise UserError(f"mixing `{text}` can't be read; {_EXPECTED}")
    total = sum(weights)
    return tuple(weight / total for weight in weights)


def _proportional(
    options: Sequence[str], text: str, problems: Sequence[str], sizes: Mapping[str, int] | None
) -> list[float]:
    parameters = {"temperature": 1.0, "cap": math.inf}
    for option in options:
        name, _, value = option.partition("=")
        if name not in parameters:
            raise UserError(f"mixing `{text}`: unknown option `{option}`; expected temperature=T or cap=K")
        parameters[name] = _positive(value, text, option)
    if sizes is None or any(not sizes.get(name) for name in problems):
        raise UserError(f"mixing `{text}` needs the number of examples of each problem")
    return [min(sizes[name], parameters["cap"]) ** (1 / parameters["temperature"]) for name in problems]


def _explicit(words: Sequence[str], text: str, problems: Sequence[str]) -> list[float]:
    weights = dict.fromkeys(problems, 0.0)
    for word in words:
        name, _, value = word.partition(":")
        if name not in weights:
            raise UserError(
                f"mixing `{text}`: `{name}` is not one of this run's problems{did_you_mean(name, problems)}; "
                f"they are {', '.join(problems)}"
            )
        if weights[name]:
            raise UserError(f"mixing `{text}`: problem `{name}` is given more than once")
        weights[name] = _positive(value, text, word)
    return list(weights.values())


def _positive(value: str, text: str, word: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not (0 < number < math.inf):
        raise UserError(f"mixing `{text}`: `{word}` needs a number above 0")
    return number
