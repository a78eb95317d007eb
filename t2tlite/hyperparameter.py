"""Hyperparameter: what is said of one, beside the part that reads it. Needs no TensorFlow."""

import dataclasses
from collections.abc import Callable
from typing import Any

from t2tlite import typed_value
from t2tlite.errors import UserError

REQUIRED = ...  # the default of what has none


@dataclasses.dataclass(frozen=True)
class Rule:
    """What must hold of a value.

    Attributes:
      words: which go on after "NAME must be", and by which rules are compared.
      holds: whether it does, of the value; None values are not asked about.
    """

    words: str
    holds: Callable[[Any], bool] = dataclasses.field(compare=False, repr=False)


def of_each(words: str, holds: Callable[[Any], bool]) -> Rule:
    """A rule for a number, or for each number of a tuple."""
    return Rule(words, lambda value: all(map(holds, value if isinstance(value, tuple) else (value,))))


def one_of(*choices: str) -> Rule:
    return Rule(f"one of {', '.join(choices)}", lambda value: value in choices)


POSITIVE = of_each("positive", lambda number: number > 0)
NOT_NEGATIVE = of_each("0 or more", lambda number: number >= 0)
FRACTION = of_each("in [0, 1)", lambda number: 0 <= number < 1)
SHARE = of_each("in [0, 1]", lambda number: 0 <= number <= 1)
ODD = of_each("odd", lambda number: number % 2 == 1)
RISING = Rule(
    "rising, and not empty",
    lambda bounds: bool(bounds) and all(low < high for low, high in zip(bounds, bounds[1:], strict=False)),
)


@dataclasses.dataclass(frozen=True)
class Hyperparameter:
    """One hyperparameter. A part declares its own in a tuple `HPARAMS` of its class.

        HPARAMS = (HIDDEN_SIZE, Hyperparameter("gated_blocks", int, "convolutions", POSITIVE, default=3))

    Those that several parts read are declared once, in `t2tlite/shared_hparams.py`. Two parts that are chosen
    together may not differ in what they declare of one name.

    Attributes:
      name: by which `hparams.NAME` and `--hparams=NAME=VALUE` have it.
      type: bool, int, float, str, a tuple of these, or such a type `| None`.
      help: one line, for people.
      rules: a `Rule`, or several, that hold of it; a number needs one.
      default: its value where neither a set nor a flag gives one; it must be given where there is none.
      names: the kind of registered part, such as "encoder", whose name it holds: that part is then
        chosen.
      at_most: name of another hyperparameter that it may not exceed.
      divides: name of another that it divides.
      formerly: names that it has elsewhere, or had here: they lead to this one.
    """

    name: str
    type: Any
    help: str
    rules: Rule | tuple[Rule, ...] = ()
    default: Any = REQUIRED
    names: str | None = None
    at_most: str | None = None
    divides: str | None = None
    formerly: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        rules = self._rules()
        object.__setattr__(self, "rules", rules)
        if not self.help.strip() or "\n" in self.help:
            raise UserError(f"hyperparameter `{self.name}` needs one line of help")
        if not rules and self.type not in (bool, str, str | None, tuple[str, ...]):
            raise UserError(
                f"hyperparameter `{self.name}` needs a range, such as hyperparameter.POSITIVE: a number"
                " without one would take any nonsense"
            )
        if self.default is not REQUIRED:
            object.__setattr__(self, "default", self.checked(self.default))

    def checked(self, value: Any) -> Any:
        """The value, with an int made a float and a list a tuple where its type asks for that.

        Raises:
          UserError: it is of another type, or a rule does not hold.
        """
        value = typed_value.checked(self.name, self.type, value)
        for rule in self._rules() if value is not None else ():
            if not rule.holds(value):
                raise UserError(f"{self.name} must be {rule.words}; received {self.name}={value!r}")
        return value

    def parse(self, text: str) -> Any:
        """The value that a text such as "64", "true" or "8;16" stands for; see `typed_value.parse`.

        Where nothing is the default, as of `freeze`, it can be given as such.
        """
        if self.default == () and not text.strip():
            return ()
        return self.checked(typed_value.parse(self.name, self.type, text))

    def described(self) -> str:
        """Its help, its type and its range, in a line."""
        kind = f"name of a registered {self.names}" if self.names else typed_value.describe(self.type)
        limits = [f"at most {self.at_most}"] if self.at_most else []
        limits += [f"a divisor of {self.divides}"] if self.divides else []
        return f"{self.help} ({', '.join([kind, *(rule.words for rule in self._rules()), *limits])})"

    def _rules(self) -> tuple[Rule, ...]:
        return self.rules if isinstance(self.rules, tuple) else (self.rules,)
