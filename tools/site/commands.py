"""What the site says of a command: its own help, as Markdown."""

import importlib
import re

from t2tlite import command_help
from t2tlite.cli import Command
from t2tlite.command_flags import Flag

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
        language = "python" if line.startswith("import") else "sh"
        lines += [
            f"{sentence(title)}:",
            "",
            f"```{language}",
            *line.replace("\n  ", "\n").splitlines(),
            "```",
            "",
        ]
    lines += ["## Flags", ""]
    for title, flags in described.groups():
        if flags:
            lines += [f"### {title}", "", "| flag | meaning | default |", "|---|---|---|"]
            lines += [row(f"`{command_help.form(flag)}`", plain(flag.help), _default(flag)) for flag in flags]
            lines.append("")
    return "\n".join(lines)


def _default(flag: Flag) -> str:
    return plain(command_help.default_of(flag).strip(" ()").removeprefix("default: "))


def row(*cells: str) -> str:
    """A row of a table."""
    return f"| {' | '.join(cell.replace(chr(10), ' ') for cell in cells)} |"


def plain(text: str) -> str:
    """A text in which nothing but what stands in backticks is Markdown."""
    pieces = re.split(r"(`[^`\n]+`)", text)
    pieces[::2] = [re.sub(r"([\\*_\[\]<>#|])", r"\\\1", piece) for piece in pieces[::2]]
    return "".join(pieces)


def sentence(text: str) -> str:
    """A plain text that begins with a capital."""
    return plain(text[:1].upper() + text[1:])
