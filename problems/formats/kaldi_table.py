"""Kaldi's tables, `key value` a line, found by key without being held in memory."""

import array
import dataclasses
import functools
import hashlib
import os
from collections.abc import Iterator

import numpy as np

from t2tlite.errors import UserError


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of a table: its key, the rest, and `file:line`."""

    key: str
    value: str
    where: str


class Table:
    """Where each key's line is: 24 bytes a line, since corpora have millions of lines, in any order.

    Args:
      path: a file such as `wav.scp`, `segments` or `text`. Lines can be of any encoding; what is no UTF-8
        is read as with errors="surrogateescape". Empty lines are passed over.

    Raises:
      UserError: a key stands twice, or the file can't be read.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = os.fspath(path)
        self._keys, self._offsets, self._lines = self._scan()
        self._order = np.argsort(self._keys, kind="stable")
        self._sorted = self._keys[self._order]
        self._refuse_twins()

    def __len__(self):
        return len(self._keys)

    def find(self, key: str) -> Row | None:
        """The line of a key, if there is one."""
        at = int(np.searchsorted(self._sorted, _hash(key.encode(errors="surrogateescape"))))
        if at == len(self) or (row := self._row(int(self._order[at]))).key != key:
            return None
        return row

    def rows(self, numbers) -> Iterator[Row]:
        """Lines by their numbers among those that are not empty, from 0 on."""
        with open(self.path, "rb") as file:
            for number in numbers:
                yield self._read(file, number)

    def unknown_to(self, other: "Table") -> np.ndarray:
        """Numbers of the lines whose keys another table does not have, int64."""
        return np.flatnonzero(~np.isin(self._keys, other._keys))

    def _row(self, number):
        return next(self.rows([number]))

    def _read(self, file, number):
        file.seek(self._offsets[number])
        key, *value = file.readline().strip().split(maxsplit=1)
        return Row(_text(key), _text(b"".join(value)), f"{self.path}:{self._lines[number]}")

    def _scan(self):
        keys, offsets, lines, offset = array.array("Q"), array.array("Q"), array.array("Q"), 0
        try:
            with open(self.path, "rb") as file:
                for number, line in enumerate(file, start=1):
                    if fields := line.split(maxsplit=1):
                        keys.append(_hash(fields[0]))
                        offsets.append(offset)
                        lines.append(number)
                    offset += len(line)
        except OSError as error:
            raise UserError(f"can't read {self.path}: {error.strerror}") from None
        return (np.frombuffer(column or array.array("Q"), np.uint64) for column in (keys, offsets, lines))

    def _refuse_twins(self):
        twins = np.flatnonzero(self._sorted[1:] == self._sorted[:-1])
        for at in twins[:1]:
            first, second = (self._row(int(number)) for number in self._order[at : at + 2])
            raise UserError(
                f"{second.where}: `{second.key}` stands here for the second time, after {first.where}; "
                "expected each key once, so remove one of them"
            )


def table(path: str | os.PathLike) -> Table:
    """A `Table` of a file as it is now, kept for the next call."""
    try:
        status = os.stat(path)
    except OSError as error:
        raise UserError(f"can't read {os.fspath(path)}: {error.strerror}") from None
    return _cached(os.fspath(path), status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=3)
def _cached(path, size, time):
    return Table(path)


def _text(content: bytes) -> str:
    return content.decode(errors="surrogateescape")


def _hash(key: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "little")
