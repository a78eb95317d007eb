"""A folder that one process works in at a time, on this machine or on another one."""

import contextlib
import fcntl
import os
import pathlib
import socket
from collections.abc import Callable, Iterator
from typing import IO

from t2tlite.errors import UserError

FILE = "lock"


@contextlib.contextmanager
def held(folder: pathlib.Path, waiting: Callable[[str], None] | None = None) -> Iterator[int | None]:
    """Holds the folder's lock within the block; the system lets go of it when its holders end, however.

    Args:
      waiting: is called with who holds it, before it is waited for; None: it is not waited for.

    Yields:
      the lock's file descriptor, which a process that works in the folder should hold as well; None where
      another process holds it and it is not waited for.

    Raises:
      UserError: the file system has no locks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / FILE, "a+", encoding="utf-8") as file:
        if not _locked(file, fcntl.LOCK_NB):
            if waiting is None:
                yield None
                return
            waiting(holder(folder))
            _locked(file, 0)
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        file.flush()
        yield file.fileno()


def _locked(file: IO[str], how: int) -> bool:
    """Takes a file's lock; returns False where another process holds it and `how` is not to wait."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | how)
    except BlockingIOError:
        return False
    except OSError as error:
        raise UserError(f"{file.name} can't be locked: {error.strerror}; use another --output_dir") from None
    return True


def holder(folder: pathlib.Path) -> str:
    """Who took the folder's lock last, in words."""
    with contextlib.suppress(OSError):
        return (folder / FILE).read_text(encoding="utf-8").strip()
    return "another process"
