"""Flags of one command: absl's, but on values of their own, and with errors that say what to do."""

import dataclasses
import re
from collections.abc import Callable, Sequence
from typing import Any

from absl import flags as absl_flags

from t2tlite.errors import UserError
from t2tlite.nearest import did_you_mean


@dataclasses.dataclass(frozen=True)
class Flag:
    """One flag of a command, as its help shows it.

    Attributes:
      define: the absl function that defines it.
      arguments: further arguments of `define`.
      required: whether the command refuses to start without it.
      may_be_empty: whether `--name=` is a value.
      positional: whether it is given as a word without its name.
    """

    name: str
    default: Any
    help: str
    define: Callable = absl_flags.DEFINE_string
    arguments: dict[str, Any] = dataclasses.field(default_factory=dict)
    required: bool = False
    may_be_empty: bool = False
    positional: bool = False

    @property
    def kind(self) -> str:
        """string, multi_string, integer, float, boolean or enum."""
        return self.define.__name__.removeprefix("DEFINE_")

    def expected(self) -> str:
        """What a value has to be, in words."""
        kinds = {"integer": "an integer", "float": "a number", "boolean": "true or false"}
        if "enum_values" in self.arguments:
            return f"one of {', '.join(self.arguments['enum_values'])}"
        least = self.arguments.get("lower_bound")
        return kinds.get(self.kind, self.help) + ("" if least is None else f", {least} or more")


def parse(command: str, flags: Sequence[Flag], argv: Sequence[str]) -> absl_flags.FlagValues:
    """Reads the arguments of a command, without the program's name.

    Raises:
      UserError: a flag is unknown, ill-typed, empty or without value, or an argument is no flag.
    """
    values = absl_flags.FlagValues()
    values.set_gnu_getopt(True)  # flags behind a stray argument are flags, too
    by_name = {flag.name: flag for flag in flags}
    for flag in flags:
        common = {"name": flag.name, "default": flag.default, "help": flag.help, "flag_values": values}
        flag.define(**common, **flag.arguments)
    try:
        rest = values([command, *_with_registry_help(argv)])[1:]
    except absl_flags.UnrecognizedFlagError as error:
        raise UserError(_unknown(command, flags, error.flagname)) from None
    except absl_flags.Error as error:
        raise UserError(_ill_typed(by_name, str(error))) from None
    for flag in flags:
        if flag.positional and rest and getattr(values, flag.name) is None:
            setattr(values, flag.name, rest.pop(0))
    if rest:
        raise UserError(f"unexpected argument `{rest[0]}`; every argument is a flag, as in --name=value")
    for flag in flags:
        _check_text(flag, getattr(values, flag.name))
    return values


def _unknown(command: str, flags: Sequence[Flag], name: str) -> str:
    forms = [f"--{flag.name}" for flag in flags]
    forms += [f"--no{flag.name}" for flag in flags if flag.kind == "boolean"]
    near = did_you_mean(f"--{name}", forms)
    return f"unknown flag --{name}{near or f' ({command} --help lists the flags)'}"


def _ill_typed(flags: dict[str, Flag], message: str) -> str:
    """Our words for what absl says of a value."""
    if match := re.match(r"flag --(\w+)=(.*?): ", message, re.DOTALL):
        name, value = match.groups()
        return f"--{name}={value} is not a value of it; expected {flags[name].expected()}"
    if match := re.match(r"Missing value for flag --?(\w+)", message):
        return f"--{match[1]} has no value; expected {flags[match[1]].expected()}"
    return message


def _check_text(flag: Flag, value: Any) -> None:
    for text in value if isinstance(value, list) else [value]:
        if text == "" and not flag.may_be_empty:
            raise UserError(f"--{flag.name} is empty; expected {flag.expected()}")
        if isinstance(text, str) and text.startswith("--"):
            raise UserError(f"--{flag.name} has no value: `{text}` follows it; expected {flag.expected()}")


def _with_registry_help(argv: Sequence[str]) -> list[str]:
    """Gives `--registry_help` its optional value: the next word, or "all"."""
    words = []
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        if word in ("--registry_help", "-registry_help"):
            word = f"--registry_help={rest.pop(0) if rest and not rest[0].startswith('-') else 'all'}"
        words.append(word)
    return words
