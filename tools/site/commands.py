"""What the site says of a command: its own help, as Markdown."""

import importlib
import re

from t2tlite import command_help
from t2tlite.cli import Command

MARKER = re.compile(r"^<!-- help of (t2t-\w+) -->$", re.MULTILINE)


def command(name: str) -> Command:
    """The command of a name such as "t2t-train"."""
    return importlib.import_module(f"t2tlite.bin.{name.replace('-', '_')}").COMMAND


def with_help(text: str) -> str:
    """The text, `<!-- help of t2t-train -->` replaced by the help of that command."""
    return MARKER.sub(lambda match: help_of(command(match[1])), text)


def help_of(described: Command) -> str:
    """Examples and flags of a command; the purpose is what its page begins with."""
    lines = ["## Examples", ""]
    for title, line in described.examples:
        language = "sh" if line.startswith(("t2t-", "make", "python")) else "python"
        lines += [
            f"{plain(title)}:",
            "",
            f"```{language}",
            *line.replace("\n  ", "\n").splitlines(),
            "```",
            "",
        ]
    lines += ["## Flags", ""]
    for title, flags in described.groups():
        if not flags:
            continue
        lines += [f"### {title}", "", "| flag | what it says | default |", "|---|---|---|"]
        for flag in flags:
            default = command_help.default_of(flag).strip(" ()").removeprefix("default: ")
            lines.append(
                row(f"`{command_help.form(flag)}`".replace("|", "&#124;"), plain(flag.help), plain(default))
            )
        lines.append("")
    return "\n".join(lines)


def row(*cells: str) -> str:
    """A row of a table."""
    return "| " + " | ".join(cell.replace("\n", " ").replace("|", "\\|") for cell in cells) + " |"


def plain(text: str) -> str:
    """A text in which nothing but what stands in backticks is Markdown."""
    pieces = re.split(r"(`[^`\n]+`)", text)
    return "".join(
        piece if number % 2 else re.sub(r"([\\*_\[\]<>#])", r"\\\1", piece)
        for number, piece in enumerate(pieces)
    )
