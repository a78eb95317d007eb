"""Files of lines: read by number, or as they come, and written whole. Needs no TensorFlow.

Only a line feed ends a line; a carriage return before it belongs to the end.
"""

import contextlib
import hashlib
import os
import pathlib
import select
import stat
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Self

import numpy as np

from t2tlite.errors import UserError

_BLOCK = 1 << 20  # bytes read at a time
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class LineFile:
    """The lines of a file, which stays on the disk; a context manager.

    Args:
      path: of a regular file.
      flag: the flag that named it, for the messages.

    Attributes:
      digest: of its content, in hexadecimal.
      lengths: bytes of each line, its end included; int64 `[lines]`.

    Raises:
      UserError: it can't be read.
    """

    def __init__(self, path: str, flag: str) -> None:
        self.path = path
        self._named = f"--{flag}={path}"
        try:
            self._file = open(path, "rb", buffering=0)
            try:
                self._state = self._stat()
                self._starts, self.digest = _scan(self._file)
            except BaseException:
                self._file.close()
                raise
        except OSError as error:
            raise UserError(f"can't read {self._named}: {error.strerror}") from None
        self.lengths = np.diff(self._starts)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: Any) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, number: int) -> bytes:
        """A line without its end."""
        start, end = int(self._starts[number]), int(self._starts[number + 1])
        content = os.pread(self._file.fileno(), end - start, start)
        while len(content) < end - start:  # a read may give less than asked for
            more = os.pread(self._file.fileno(), end - start - len(content), start + len(content))
            if not more:
                break
            content += more
        return content.removesuffix(b"\n").removesuffix(b"\r")

    def check(self) -> None:
        """Raises a UserError if the file was changed since it was opened."""
        if self._stat() != self._state:
            raise UserError(f"{self._named} was changed while it was read; start again")

    def _stat(self) -> tuple[int, int]:
        status = os.fstat(self._file.fileno())
        return status.st_size, status.st_mtime_ns


def _scan(file: BinaryIO) -> tuple[np.ndarray, str]:
    """Where each line starts, and where the last one ends; and the digest of the content."""
    digest, size, starts = hashlib.sha256(), 0, []
    while block := file.read(_BLOCK):
        if size == 0:
            starts.append(np.array([len(_BYTE_ORDER_MARK) if block.startswith(_BYTE_ORDER_MARK) else 0]))
        digest.update(block)
        starts.append(np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n")) + size + 1)
        size += len(block)
    offsets = np.concatenate(starts).astype(np.int64) if starts else np.zeros(1, np.int64)
    if offsets[-1] < size:  # the last line has no end
        offsets = np.append(offsets, size)
    return offsets, digest.hexdigest()


def read_chunks(file: BinaryIO, most: int) -> Iterator[list[bytes]]:
    """Lines of a stream, without their ends: at least one, and as many as are there already, up to `most`."""
    read, is_ready = _reading(file)
    pending, lines, first = [], [], True  # the pieces of a line whose end has not come, and whole lines
    while block := read():
        if first:
            block, first = block.removeprefix(_BYTE_ORDER_MARK), False
        end, *more = block.split(b"\n")
        pending.append(end)
        if more:
            lines += [b"".join(pending), *more[:-1]]
            pending = [more[-1]]
        while len(lines) >= most or (lines and not is_ready()):
            yield _pop_block(lines, most)
    last = b"".join(pending)
    lines += [last] if last else []
    while lines:
        yield _pop_block(lines, most)


def _pop_block(lines: list[bytes], most: int) -> list[bytes]:
    block = [line.removesuffix(b"\r") for line in lines[:most]]
    del lines[:most]
    return block


def _reading(file: BinaryIO) -> tuple[Callable[[], bytes], Callable[[], bool]]:
    try:
        descriptor = file.fileno()
    except OSError:  # no file of the system: all of it is there
        return lambda: file.read(_BLOCK), lambda: True
    return (
        lambda: os.read(descriptor, _BLOCK),
        lambda: bool(select.select([descriptor], [], [], 0)[0]),
    )


def is_regular(path: str | os.PathLike) -> bool:
    """Whether a path is a file of a disk, or nothing yet; not a pipe, a terminal or another device."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except (OSError, ValueError):
        return True


def target(path: str) -> pathlib.Path:
    """Where a file is to be written: what a link points to.

    Raises:
      UserError: a folder has this name.
    """
    final = pathlib.Path(os.path.realpath(path))
    if final.is_dir():
        raise UserError(f"--decode_to_file={path} is a folder; expected the name of a file")
    return final


def write_error(path: str | os.PathLike, error: OSError) -> UserError:
    return UserError(f"can't write --decode_to_file={path}: {error.strerror}")


@contextlib.contextmanager
def atomic_file(path: str) -> Iterator[BinaryIO]:
    """A file to write that is there under its name once everything is written, and not before.

    A pipe or a device is written directly.

    Raises:
      UserError: it can't be written; known before anything is decoded.
    """
    if not is_regular(path) and not os.path.isdir(path):
        with _opened(path, path) as file:
            yield file
        return
    final = target(path)
    part = final.with_name(f"{final.name}.{os.getpid()}.tmp")
    try:
        with _opened(part, path) as file:
            yield file
        part.replace(final)
    finally:
        part.unlink(missing_ok=True)


def _opened(path: str | os.PathLike, named: str) -> BinaryIO:
    try:
        return open(path, "wb")
    except OSError as error:
        raise write_error(named, error) from None
