"""Lines that a person types at the prompt of a session: editing, completion, and history across sessions."""

import contextlib
import os
import pathlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from t2tlite.decoding.options import DecodeOptions
from t2tlite.decoding.session.commands import COMMANDS

if TYPE_CHECKING:
    from t2tlite.decoding.session.session import Session

_KEPT = 1000  # lines of history


def read_lines(session: "Session", ask: Callable[[str], str] | None = None) -> Iterator[str]:
    """Lines of a person, until Ctrl-D; Ctrl-C gives the line up, as in a shell.

    Args:
      session: a `Session`, which is asked for its prompt, its problems and what it reads.
      ask: gives the line for a prompt, like `input`, which it is by default.
    """
    ask = ask or (input if sys.stdout.isatty() else _input_on_stderr)  # outputs may go to a file
    remember = _with_readline(session)
    while True:
        try:
            line = ask(session.prompt())
        except EOFError:
            print(file=sys.stderr)
            return
        except KeyboardInterrupt:
            print(file=sys.stderr)
        else:
            remember()
            yield line


def history_file() -> pathlib.Path:
    """Where the history is: in the user's state folder, by the XDG Base Directory Specification.

    Raises:
      RuntimeError: the user has no home.
    """
    state = os.environ.get("XDG_STATE_HOME", "")
    home = pathlib.Path(state) if os.path.isabs(state) else pathlib.Path.home() / ".local" / "state"
    return home / "t2tlite" / "history"


def completions(session: "Session", line: str, begin: int) -> list[str]:
    """What may stand for the last word of a line.

    Args:
      line: what was typed, up to the cursor.
      begin: where its last word begins.
    """
    word, before = line[begin:], line[:begin].split()
    if line.startswith(":"):
        known = _arguments(session, before) if before else [f":{name} " for name in COMMANDS]
        return [one for one in known if one.startswith(word)]
    if not session.expects.is_file:
        return []
    start = len(line) - len(line.lstrip())
    return [path[max(begin - start, 0) :] for path in _paths(line[start:])]


def _arguments(session: "Session", before: list[str]) -> list[str]:
    if before[0] == ":set":
        return [f"{name}=" for name in DecodeOptions.__dataclass_fields__]
    most = {":problem": 1, ":zeroshot": 2}.get(before[0], 0)
    return [f"{name} " for name in session.predictor.problems] if len(before) <= most else []


def _paths(prefix: str) -> list[str]:
    """Paths that begin so; those of folders end in a slash."""
    folder, name = os.path.split(prefix)
    try:
        with os.scandir(os.path.expanduser(folder) or ".") as entries:
            paths = [
                os.path.join(folder, entry.name) + ("/" if entry.is_dir() else "")
                for entry in entries
                if entry.name.startswith(name) and (name or not entry.name.startswith("."))
            ]
    except (OSError, ValueError):
        return []
    return sorted(paths)


def _input_on_stderr(prompt: str) -> str:
    print(prompt, end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line


def _with_readline(session: "Session") -> Callable[[], object]:
    """Gives `input` its editing; returns what notes the last line in the file of the history."""
    try:
        import readline
    except ImportError:
        return lambda: None

    matches: list[str] = []

    def complete(word: str, number: int) -> str | None:
        if number == 0:
            line = readline.get_line_buffer()[: readline.get_endidx()]
            matches[:] = completions(session, line, readline.get_begidx())
        return matches[number] if number < len(matches) else None

    readline.set_completer(complete)
    readline.set_completer_delims(" \t,")
    edits = "libedit" in (readline.__doc__ or "")
    readline.parse_and_bind("bind ^I rl_complete" if edits else "tab: complete")
    return _history(readline)


def _history(readline: Any) -> Callable[[], object]:
    """Reads the history; a failure is harmless."""
    try:
        path = history_file()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        readline.set_history_length(_KEPT)
        readline.read_history_file(path)
    except (OSError, RuntimeError):
        return lambda: None
    known = readline.get_current_history_length()

    def remember() -> None:
        nonlocal known
        more, known = readline.get_current_history_length() - known, readline.get_current_history_length()
        if more > 0:
            with contextlib.suppress(OSError, AttributeError):  # the latter: some builds have no appending
                readline.append_history_file(more, path)

    return remember
