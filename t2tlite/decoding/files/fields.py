"""What a line of a file gives to a problem: a sentence, the path of a picture or a sound, or named inputs."""

import os
import pathlib
import stat
import zlib
from typing import Any

import numpy as np

from t2tlite.decoding.files.line_file import LineFile
from t2tlite.errors import UserError
from t2tlite.features.feature import Feature


class Fields:
    """What stands in a line: an input, which may be all of it; or named inputs, in the order of a header.

    Args:
      feature: the problem's input.
      folder: where paths are looked for before the working directory.
      pairs: whether lines have targets: behind a tab, or in a field of that name.

    Attributes:
      begun: whether lines can be read: there is no header, or it was read.
    """

    def __init__(self, feature: Feature, folder: pathlib.Path, pairs: bool) -> None:
        self._feature, self._folder, self._pairs = feature, folder, pairs
        self._names: list[str] = []
        self.begun = not feature.parts

    def begin(self, header: bytes) -> None:
        """Reads the first line, which has the names of the fields, with tabs between them.

        Raises:
          UserError: a name is missing, unknown, or there twice.
        """
        known = [name for name, _ in self._feature.parts] + ["targets"] * self._pairs
        needed = [name for name, feature in self._feature.parts if not feature.optional]
        needed += ["targets"] * self._pairs
        self._names = [name.strip() for name in text(header).split("\t")]
        fits = set(needed) <= set(self._names) <= set(known)
        if not fits or len(set(self._names)) < len(self._names):
            raise UserError(
                f"the first line must name the fields, with tabs between them: {', '.join(known)}; received"
                f" {text(header)!r:.80}"
            )
        self.begun = True

    def read(self, line: bytes) -> tuple[Any, str | None]:
        """The input of a line, and its target where lines have one.

        Raises:
          UserError: there are other fields than expected, one is not UTF-8, or no path of a file.
        """
        if self._names:
            parts = dict(self._feature.parts)
            cells = dict(zip(self._names, self._split(line), strict=True))
            target = text(cells.pop("targets")) if self._pairs else None
            return {name: _value(cell, parts[name], self._folder) for name, cell in cells.items()}, target
        if not self._pairs:
            return _value(line, self._feature, self._folder), None
        value, *rest = line.split(b"\t")
        if len(rest) != 1:
            raise UserError(f"expected an input, a tab and a target; found {len(rest)} tabs")
        if self._feature.is_file and not value.strip():
            raise UserError("expected the path of a file before the tab; found nothing")
        return _value(value, self._feature, self._folder), text(rest[0])

    def files(self, line: bytes) -> list[tuple[bytes, Feature]]:
        """The paths in a line, as they stand there, with what each is; none where the line can't be read."""
        if not self._names:
            value = line.partition(b"\t")[0] if self._pairs else line
            return [(value, self._feature)] if self._feature.is_file else []
        parts, cells = dict(self._feature.parts), line.split(b"\t")
        named = zip(self._names, cells, strict=False)
        return [(cell, parts[name]) for name, cell in named if name in parts and parts[name].is_file]

    def _split(self, line: bytes) -> list[bytes]:
        cells = line.split(b"\t")
        if len(cells) != len(self._names):
            raise UserError(
                f"expected {len(self._names)} fields with tabs between them ({', '.join(self._names)});"
                f" found {len(cells)}"
            )
        return cells


def _value(cell: bytes, feature: Feature, folder: pathlib.Path) -> str:
    """The sentence, or the path, of a line or a field."""
    return path(os.fsdecode(cell.strip()), folder) if feature.is_file else text(cell)


def text(line: bytes) -> str:
    """A line as text.

    Raises:
      UserError: it is not UTF-8.
    """
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"not UTF-8 at byte {error.start + 1} of the line") from None


def path(name: str, folder: pathlib.Path) -> str:
    """A file's path, relative to the folder or to the working directory; "" for "".

    Raises:
      UserError: there is no such file, or it is a folder, a pipe or a device, which never end.
    """
    if not name:
        return ""
    resolved = _place(name, folder)
    try:
        mode = os.stat(resolved).st_mode
    except OSError as error:
        raise UserError(f"can't read {name}: {error.strerror}") from None
    except ValueError:
        raise UserError(f"can't read {name!r}: no path has such a character") from None
    if not stat.S_ISREG(mode):
        raise UserError(f"can't read {name}: a {'directory' if stat.S_ISDIR(mode) else 'device'}, not a file")
    return resolved


def sizes_and_stamps(
    lines: LineFile, feature: Feature, folder: pathlib.Path, pairs: bool
) -> tuple[np.ndarray, np.ndarray]:
    """How much there is to read for each line, and a number that changes when it does; int64 `[lines]` both.

    Sentences have stamps of 0, since they are in the lines; pictures have sizes of 0, since they are scaled.

    Args:
      feature, folder, pairs: see `Fields`.

    Raises:
      UserError: the header is wrong.
    """
    fields = Fields(feature, folder, pairs)
    if not fields.begun and len(lines):
        fields.begin(lines[0])
    stamps = np.zeros(len(lines), np.int64)
    if not any(part.is_file for part in feature.named("").values()):
        return lines.lengths, stamps
    sizes = lines.lengths.copy() if feature.parts else np.zeros(len(lines), np.int64)
    for number in range(len(lines)):
        states = []
        for name, part in fields.files(lines[number]):
            try:
                status = os.stat(_place(os.fsdecode(name.strip()), folder))
            except (OSError, ValueError):
                continue  # reported when it is its turn
            states.append(b"%d %d" % (status.st_size, status.st_mtime_ns))
            sizes[number] += status.st_size if part.costs_by_size else 0
        stamps[number] = zlib.crc32(b" ".join(states))
    return sizes, stamps


def _place(name: str, folder: pathlib.Path) -> str:
    name = os.path.expanduser(name)
    beside = os.path.join(folder, name)
    return beside if os.path.exists(beside) else name
