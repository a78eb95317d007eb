"""The space of a sweep: which hyperparameters are drawn, and from what, as a function of (seed, trial)."""

import dataclasses
import math
import random
from collections.abc import Callable, Sequence
from typing import Any

from t2tlite.errors import UserError

_RANGE = ".."
_LOG = ":log"
_CHOICE = "|"
_EXPECTED = "expected LOW..HIGH, LOW..HIGH:log or A|B|C, as in learning_rate=1e-4..1e-2:log,num_heads=2|4|8"


@dataclasses.dataclass(frozen=True)
class Dimension:
    """One hyperparameter of the space.

    Attributes:
      name: of the hyperparameter.
      choices: texts to choose from, or () for a range.
      low, high: ends of the range, both part of it; whole numbers where the hyperparameter is one.
      logarithmic: draws evenly among the logarithms.
    """

    name: str
    choices: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    logarithmic: bool = False

    def draw(self, seed: int, trial: int) -> str:
        """The text of a trial's value, as `--hparams` takes it; numbers have four digits that count."""
        generator = random.Random(f"{seed}/{trial}/{self.name}")
        if self.choices:
            return generator.choice(self.choices)
        if self.logarithmic:
            number = math.exp(generator.uniform(math.log(self.low), math.log(self.high)))
        elif isinstance(self.low, int):
            return str(generator.randint(self.low, int(self.high)))
        else:
            number = generator.uniform(self.low, self.high)
        if isinstance(self.low, int):
            return str(min(max(round(number), self.low), int(self.high)))
        return f"{number:.4g}"


def parse(text: str, value_of: Callable[[str, str], Any]) -> tuple[Dimension, ...]:
    """Reads a space.

    Args:
      text: "learning_rate=1e-4..1e-2:log,dropout=0..0.3,encoder=multimodel|transformer".
      value_of: the value that a text stands for as that of a hyperparameter.

    Raises:
      UserError: it can't be read; or what `value_of` raises of an unknown name or a wrong value.
    """
    space: list[Dimension] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, values = (piece.strip() for piece in part.partition("="))
        if not equals or not values:
            raise UserError(f"cannot read `{part}` among what is searched; {_EXPECTED}")
        if any(other.name == name for other in space):
            raise UserError(f"`{name}` is searched twice in `{text}`")
        space.append(_dimension(name, values, value_of))
    if not space:
        raise UserError(f"nothing is searched; {_EXPECTED}")
    return tuple(space)


def _dimension(name: str, text: str, value_of: Callable[[str, str], Any]) -> Dimension:
    if _RANGE not in text:
        choices = tuple(piece.strip() for piece in text.split(_CHOICE))
        values = [value_of(name, choice) for choice in choices]
        if len(choices) < 2 or any(value in values[:number] for number, value in enumerate(values)):
            raise UserError(f"{name}={text} is no choice between different values; {_EXPECTED}")
        return Dimension(name, choices)
    logarithmic = text.endswith(_LOG)
    ends = text.removesuffix(_LOG).split(_RANGE)
    if len(ends) != 2:
        raise UserError(f"cannot read {name}={text}; {_EXPECTED}")
    low, high = (value_of(name, end) for end in ends)
    for end in (low, high):
        if isinstance(end, bool) or not isinstance(end, int | float):
            raise UserError(f"{name}={text}: `{name}` is no number; name its values, as in {name}=A|B")
    if not low < high or (logarithmic and low <= 0):
        ends_must = "LOW must be below HIGH" + (", and above 0" if logarithmic else "")
        raise UserError(f"{name}={text}: {ends_must}")
    return Dimension(name, low=low, high=high, logarithmic=logarithmic)


def draw(space: Sequence[Dimension], seed: int, trial: int) -> dict[str, str]:
    """The changes that a trial makes to the set. Trial 0 makes none: the others are compared with it."""
    return {one.name: one.draw(seed, trial) for one in space} if trial else {}
