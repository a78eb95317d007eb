"""Commands of t2tlite in processes of their own: their output in files, stopped so that they save."""

import contextlib
import importlib.metadata
import pathlib
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

from t2tlite.errors import UserError

POLL = 0.2  # seconds

Program = Callable[[str, Sequence[str]], list[str]]
"""Of a command's name and its arguments: the command line of a process."""


def program(name: str, argv: Sequence[str]) -> list[str]:
    """The command line of a command of t2tlite, in an interpreter like this one.

    Raises:
      UserError: t2tlite is not installed, so that there are no commands.
    """
    found = importlib.metadata.entry_points(group="console_scripts", name=name)
    if not found:
        raise UserError(f"there is no command {name}; install t2tlite (`pip install .`)")
    module, _, function = next(iter(found)).value.partition(":")
    code = f"import sys; from {module} import {function}; sys.exit({function}(sys.argv[1:]))"
    return [sys.executable, "-P", "-c", code, *argv]


class Processes:
    """Runs commands one after the other.

    Args:
      program: says how commands are started.
      say: is given a line to be shown.
    """

    def __init__(self, program: Program, say: Callable[[str], None]) -> None:
        self._program = program
        self._say = say

    def run(
        self,
        name: str,
        argv: Sequence[str],
        log: pathlib.Path,
        descriptor: int | None,
        tick: Callable[[], None],
    ) -> int:
        """The exit status of a command, whose output goes to a file.

        It is in a session of its own, out of the terminal's reach: Ctrl-C here asks it to save and leave,
        once. It holds the lock as well, so a run has one writer even if this process is killed.

        Args:
          name, argv: the command and its arguments.
          log: the file, to which the command line is written first.
          descriptor: of a lock's file, or None.
          tick: is called now and then meanwhile.
        """
        with open(log, "a", encoding="utf-8") as output:
            output.write(f"$ {shown(name, argv)}\n")
            output.flush()
            held = () if descriptor is None else (descriptor,)
            process = subprocess.Popen(
                self._program(name, argv),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=held,
                start_new_session=True,
            )
            try:
                while process.poll() is None:
                    tick()
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(POLL)
                return process.returncode
            except BaseException:
                self._say("stopping: the run saves and leaves; again, to stop it at once")
                _stop(process)
                raise


def shown(name: str, argv: Sequence[str]) -> str:
    """A command line as a user types it."""
    return shlex.join([name, *argv])


def last_line(log: pathlib.Path) -> str:
    """The last line of a command's output, which says why it failed."""
    with contextlib.suppress(OSError):
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "")
    return ""


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Within the block SIGTERM unwinds, as Ctrl-C does; outside the main thread nothing hears of it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, frame: FrameType | None) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _stop(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait()
    except BaseException:
        process.kill()
        process.wait()
        raise
