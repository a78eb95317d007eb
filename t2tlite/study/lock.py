"""A folder that one process works in at a time, on this machine or on another one."""

import contextlib
import fcntl
import os
import pathlib
import socket
from collections.abc import Iterator

from t2tlite.errors import UserError

FILE = "lock"


@contextlib.contextmanager
def held(folder: pathlib.Path, wait: bool = False) -> Iterator[int | None]:
    """Holds the folder's lock within the block; the system lets go of it when its holders end, however.

    Yields:
      the lock's file descriptor, which a process that works in the folder should hold as well; None where
      another process holds it and `wait` is False.

    Raises:
      UserError: the file system has no locks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / FILE, "a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield None
            return
        except OSError as error:
            raise UserError(f"{folder} can't be locked: {error.strerror}; use another --output_dir") from None
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        file.flush()
        yield file.fileno()


def holder(folder: pathlib.Path) -> str:
    """Who took the folder's lock last, in words."""
    with contextlib.suppress(OSError):
        return (folder / FILE).read_text(encoding="utf-8").strip()
    return "another process"
