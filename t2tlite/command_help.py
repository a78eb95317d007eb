"""The text of a command's --help."""

import textwrap
from typing import Any

from t2tlite.command_flags import Flag

WIDTH = 100


def text(command: Any) -> str:
    """Purpose, usage, examples, and the flags by group with their defaults.

    Args:
      command: a `cli.Command`.
    """
    required = [form(flag) for flag in command.flags() if flag.required]
    usage = " ".join(["usage:", command.name, *required, "[flags]"])
    lines = [textwrap.fill(command.purpose, WIDTH), "", usage]
    for title, line in command.examples:
        lines += ["", f"  # {title}", f"  {line}"]
    groups = command.groups()
    width = max(len(form(flag)) for _, flags in groups for flag in flags) + 4
    for title, flags in [*groups, ("Help", [])]:
        lines += ["", f"{title}:"]
        lines += [_row(form(flag), flag.help + default_of(flag), width) for flag in flags]
    lines.append(_row("--help", "show this and exit", width))
    lines.append(_row("--version", "show the version and exit", width))
    return "\n".join(lines)


def _row(left: str, right: str, width: int) -> str:
    indent = " " * width
    return textwrap.fill(right, WIDTH, initial_indent=f"  {left}".ljust(width), subsequent_indent=indent)


def form(flag: Flag) -> str:
    """A flag as it is typed, such as `--seed=N`."""
    if flag.positional:
        return flag.name.upper()
    if flag.kind == "boolean":
        return f"--[no]{flag.name}"
    if flag.name == "registry_help":
        return "--registry_help[=KIND|NAME]"
    return f"--{flag.name}={_value(flag)}"


def _value(flag: Flag) -> str:
    values = flag.arguments.get("enum_values")
    if values:
        return "|".join(values)
    kinds = {"integer": "N", "float": "X"}
    ends = {"dir": "DIR", "file": "FILE", "path": "PATH"}
    return kinds.get(flag.kind) or ends.get(flag.name.rpartition("_")[2], "...")


def default_of(flag: Flag) -> str:
    """What follows the help of a flag: its default in brackets, or nothing."""
    if flag.kind == "multi_string":
        return " (may be repeated)"
    if flag.required:
        return " (required)"
    if flag.default is None or flag.default == "":
        return ""
    if isinstance(flag.default, bool):
        return f" (default: {'yes' if flag.default else 'no'})"
    return f" (default: {flag.default})"
