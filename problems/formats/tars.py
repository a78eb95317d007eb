"""Tar archives read in place: members are found by their offsets, and nothing is ever written."""

import dataclasses
import io
import os
import tarfile
from collections.abc import Iterator

from t2tlite.errors import UserError

_BLOCK = 512


@dataclasses.dataclass(frozen=True)
class Member:
    """What an archive holds.

    Attributes:
      name: as stored, never used as a path to write.
      header: where its header begins, in bytes from the start of the file that holds the archive.
      start: where its bytes begin.
      size: number of bytes.
      kind: "file", "folder" or "other", such as a link.
    """

    name: str
    header: int
    start: int
    size: int
    kind: str


class Tar:
    """An uncompressed archive that is a file or, as in a tar of tars, lies within one; a context manager.

    Iterating gives its `Member`s by their headers alone, and keeps none of them.

    Args:
      path: of the file.
      first, end: bytes of the file that are the archive; default: all.
      closed: whether it must end in a block of zeros, as an archive does and a run of its members does not.

    Raises:
      UserError: it can't be opened; or, while iterating or reading, it is truncated or damaged.
    """

    def __init__(self, path: str, first: int = 0, end: int | None = None, closed: bool = True):
        self._path = path
        try:
            self._file = open(path, "rb")
        except OSError as error:
            raise UserError(f"{path} can't be read: {error.strerror}") from None
        length = os.fstat(self._file.fileno()).st_size
        self._view = _View(self._file, first, length if end is None else min(end, length))
        self._first = first
        self._closed = closed

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._file.close()

    def __iter__(self) -> Iterator[Member]:
        last = "its start"
        try:
            with tarfile.open(fileobj=self._view, mode="r:") as tar:
                while info := tar.next():
                    tar.members.clear()  # type: ignore[attr-defined]  # or it holds on to all of them
                    yield Member(
                        info.name,
                        self._first + info.offset,
                        self._first + info.offset_data,
                        info.size,
                        "file" if info.isreg() else "folder" if info.isdir() else "other",
                    )
                    last = info.name
                stopped = tar.offset
        except tarfile.TarError as error:
            raise self._damaged(last, str(error)) from None
        # Where a header makes no sense tarfile stops as if it were the end.
        self._view.seek(stopped)
        block = self._view.read(_BLOCK)
        if self._closed and len(block) < _BLOCK:
            raise self._damaged(last, "it is truncated, without the blocks of zeros that end an archive")
        if block.strip(b"\0"):
            raise self._damaged(last, f"no header at byte {self._first + stopped}")

    def read(self, member: Member) -> bytes:
        """The bytes of a member."""
        self._view.seek(member.start - self._first)
        data = self._view.read(member.size)
        if len(data) < member.size:
            raise self._damaged(member.name, f"it is truncated, {member.size - len(data)} bytes are missing")
        return data

    def _damaged(self, last, why):
        return UserError(
            f"{self._path} is no whole tar archive, at or after {last}: {why}; compare its size and checksum "
            "with the original's and fetch it again"
        )


def runs(path: str, least_bytes: int) -> list[tuple[int, int]]:
    """Cuts an archive into runs of whole members, `(first, end)` in bytes, each an unclosed `Tar`.

    Args:
      path: of the archive.
      least_bytes: size of each but the last.

    Raises:
      UserError: the archive is truncated or damaged.
    """
    borders = [0]
    end = 0
    with Tar(path) as tar:
        for member in tar:
            if member.header - borders[-1] >= least_bytes:
                borders.append(member.header)
            end = member.start + -(-member.size // _BLOCK) * _BLOCK
    return list(zip(borders, [*borders[1:], end], strict=True)) if end else []


class _View(io.RawIOBase):
    """A part of a file, as a file."""

    def __init__(self, file, first, end):
        self._file, self._first, self._end, self._at = file, first, end, first

    def readable(self):
        return True

    def seekable(self):
        return True

    def tell(self):
        return self._at - self._first

    def seek(self, offset, whence=os.SEEK_SET):
        base = {os.SEEK_SET: self._first, os.SEEK_CUR: self._at, os.SEEK_END: self._end}[whence]
        self._at = base + offset
        return self.tell()

    def read(self, size=-1):
        left = max(0, self._end - self._at)
        self._file.seek(self._at)
        data = self._file.read(left if size is None or size < 0 else min(size, left))
        self._at += len(data)
        return data
