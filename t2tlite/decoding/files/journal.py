"""Journal: the outputs of a file's lines while it is decoded, so that a killed process goes on.

A file of one line for what it belongs to, and one for each output: the number of the input line, a stamp of
what was read for it, a checksum, and the output. What was being written when the process died fails its
checksum and is decoded again.
"""

import fcntl
import json
import os
import pathlib
import zlib
from collections.abc import Sequence
from typing import Any, BinaryIO, Self

import numpy as np

from t2tlite.decoding.files.line_file import write_error
from t2tlite.errors import UserError
from t2tlite.plural import counted

_MAGIC = b"t2t-decode journal 1 "


class Journal:
    """The outputs so far; a context manager, which keeps others from writing to it.

    Args:
      path: where it is, or is begun.
      identity: everything on which outputs depend, in words.
      lines: how many there are in the input.
      named: the output's name, for the messages.

    Attributes:
      path: where it is.
      stamps: of the lines whose output is there; int64 `[lines]`, -1 for the others.

    Raises:
      UserError: it can't be written, is in use, or is of other inputs, options or weights.
    """

    def __init__(self, path: pathlib.Path, identity: dict[str, str], lines: int, named: str) -> None:
        self.path = path
        self.stamps = np.full(lines, -1, np.int64)
        self._starts = np.zeros(lines, np.int64)
        self._sizes = np.zeros(lines, np.int64)
        try:
            self._file = _locked(path)
            try:
                self._read(identity)
            except BaseException:
                self._file.close()
                raise
        except OSError as error:
            raise write_error(named, error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: Any) -> None:
        self._file.close()

    @property
    def finished(self) -> np.ndarray:
        """Bool `[lines]`: whether the output is there."""
        return self.stamps >= 0

    def add(self, numbers: Sequence[int], stamps: Sequence[int], outputs: Sequence[bytes]) -> None:
        """Notes the outputs of some lines; from then on no death of the process loses them.

        Args:
          numbers: of the lines, from 0.
          stamps: 0 or more; an output whose stamp is another at the next start is not used.
          outputs: without line feeds.
        """
        records = []
        for number, stamp, output in zip(numbers, stamps, outputs, strict=True):
            head = _head(number, stamp, output)
            self._note(number, stamp, self._end + len(head), len(output))
            records.append(head + output + b"\n")
            self._end += len(records[-1])
        self._file.write(b"".join(records))
        self._file.flush()

    def output(self, number: int) -> bytes:
        """The output of a line that is finished."""
        return os.pread(self._file.fileno(), int(self._sizes[number]), int(self._starts[number]))

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)

    def _note(self, number: int, stamp: int, start: int, size: int) -> None:
        self.stamps[number], self._starts[number], self._sizes[number] = stamp, start, size

    def _read(self, identity: dict[str, str]) -> None:
        head = self._file.readline()
        if head and not (head.startswith(_MAGIC) or _MAGIC.startswith(head)):
            raise UserError(f"{self.path} is no journal of t2t-decode, which needs that name; move it away")
        self._end = len(head)
        if head.endswith(b"\n"):
            self._check(json.loads(head.removeprefix(_MAGIC)), identity)
            for record in self._file:
                if not self._accept(record):
                    break
                self._end += len(record)
        if not self.finished.any():
            head = _MAGIC + json.dumps(identity).encode() + b"\n"
            self._file.seek(0)
            self._file.write(head)
            self._end = len(head)
        self._file.seek(self._end)
        self._file.truncate()

    def _accept(self, record: bytes) -> bool:
        """Whether a record is as it was written; the first that is not is where the process died."""
        try:
            number_text, stamp_text, _, output = record.removesuffix(b"\n").split(b"\t", 3)
            number, stamp = int(number_text), int(stamp_text)
        except ValueError:
            return False
        head = _head(number, stamp, output)
        if head + output + b"\n" != record or not 0 <= number < len(self.stamps):
            return False
        self._note(number, stamp, self._end + len(head), len(output))
        return True

    def _check(self, before: dict[str, str], identity: dict[str, str]) -> None:
        others = [
            f"{name} {before.get(name, 'not said')}, now {value}"
            for name, value in identity.items()
            if before.get(name) != value
        ]
        count = sum(1 for _ in self._file) if others else 0
        if count:
            raise UserError(
                f"{self.path} keeps {counted(count, 'output')} of an unfinished decoding with other settings"
                f" ({'; '.join(others)}); give the same as then to go on with it, remove it to begin anew,"
                " or give another --decode_to_file"
            )


def _head(number: int, stamp: int, output: bytes) -> bytes:
    prefix = b"%d\t%d\t" % (number, stamp)
    return prefix + b"%08x\t" % zlib.crc32(prefix + output)


def _locked(path: pathlib.Path) -> BinaryIO:
    while True:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666), "r+b")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise UserError(f"another t2t-decode is writing to {path}; wait for it, or end it") from None
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()  # a process that has just finished removed it
