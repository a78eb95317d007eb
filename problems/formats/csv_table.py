"""Tables as CSV or TSV: a first line with the names of the columns, and then a row a line."""

import csv
import dataclasses
import os
from collections.abc import Collection, Iterator
from typing import Any

from t2tlite.errors import UserError
from t2tlite.problem import Broken
from t2tlite.problems.formats import lines
from t2tlite.problems.formats.rows import Row

_RANGE = 8 << 20  # bytes
_LONGEST = 1 << 30  # characters of a cell; Python's own limit is 131,072
_TABS: dict[str, Any] = {"delimiter": "\t", "quoting": csv.QUOTE_NONE}


@dataclasses.dataclass(frozen=True)
class Part:
    """Rows of a file.

    Attributes:
      lines: in which they are.
      columns: the names of all columns, in their order.
    """

    lines: lines.Range
    columns: tuple[str, ...]

    @property
    def folder(self) -> str:
        return os.path.dirname(self.lines.path)

    def rows(self, wanted: Collection[str]) -> Iterator[Row | Broken]:
        """Every row with all of its cells, as `str`; lines without anything are no rows."""
        with lines.opened(self.lines.path) as file:
            for number, fields in _records(_Lines(file, self.lines)):
                where = f"{self.lines.path}:{number}"
                if isinstance(fields, Broken):
                    yield fields
                elif len(fields) == len(self.columns):
                    yield Row(where, dict(zip(self.columns, fields, strict=True)))
                elif fields:
                    columns = len(self.columns)
                    yield Broken(f"a number of columns other than the {columns} of the first line", where)


def parts(path: str) -> tuple[list[Part], int | None]:
    """Parts of some megabytes, and the number of rows; None where that is not known without reading them.

    In a `.tsv` quotes are characters like others; in a `.csv` they are around what has commas or line breaks.
    The file may be compressed by gzip, and is one part then.

    Raises:
      UserError: the file can't be read, is empty or has no UTF-8 header, or one with a column twice.
    """
    with lines.opened(path) as file:
        feed = _Lines(file, lines.Range(path))
        columns = _header(path, feed)
        whole = Part(lines.Range(path, feed.byte, None, feed.number), columns)
        if path.endswith(".gz") or os.path.getsize(path) < _RANGE:
            return [whole], None
        borders, count = [(feed.byte, feed.number)], 0
        for _, fields in _records(feed):
            count += bool(fields)
            if feed.byte - borders[-1][0] >= _RANGE:
                borders.append((feed.byte, feed.number))
        if borders[-1][0] < feed.byte:
            borders.append((feed.byte, feed.number))
    ranges = [
        lines.Range(path, start, end, number)
        for (start, number), (end, _) in zip(borders[:-1], borders[1:], strict=True)
    ]
    return [Part(part, columns) for part in ranges], count


def _header(path, feed):
    _, fields = next(_records(feed), (1, None))
    if isinstance(fields, Broken):
        raise UserError(f"{fields.where}: {fields.reason}; save the table as UTF-8")
    columns = tuple(name.strip() for name in fields or ())
    if not any(columns):
        raise UserError(f"{path} has no first line with the names of the columns")
    for name in columns:
        if columns.count(name) > 1:
            raise UserError(f"{path}:1 has the column `{name}` more than once; give each a name of its own")
    return columns


class _Lines:
    """Lines for Python's reader of CSV, which takes as many as a row has.

    Attributes:
      byte, number: where the next line begins, and its number.
      broken: the last line that was no UTF-8.
    """

    def __init__(self, file, part):
        self.path = part.path
        self.byte, self.number = part.start, part.number
        self.broken = None
        self._file, self._end = file, part.end
        file.seek(part.start)

    def __iter__(self):
        return self

    def __next__(self):
        line = b"" if self._end is not None and self.byte >= self._end else self._file.readline()
        if not line:
            raise StopIteration
        encoding = "utf-8" if self.byte else "utf-8-sig"  # with a byte order mark
        self.byte += len(line)
        self.number += 1
        try:
            return line.decode(encoding)
        except UnicodeDecodeError as error:
            where = f"{self.path}:{self.number - 1} at byte {error.start + 1} of the line"
            self.broken = Broken("not UTF-8", where)
            return line.decode(encoding, "replace")


def _records(feed: _Lines) -> Iterator[tuple[int, list[str] | Broken]]:
    """The number of each row's first line, and its cells."""
    csv.field_size_limit(_LONGEST)
    is_tsv = feed.path.removesuffix(".gz").lower().endswith(".tsv")
    reader = csv.reader(feed, strict=True, **(_TABS if is_tsv else {}))
    while True:
        number, feed.broken = feed.number, None
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            reason = "a quote that is not closed" if "end of data" in str(error) else f"no valid CSV: {error}"
            yield number, feed.broken or Broken(reason, f"{feed.path}:{number}")
            continue
        yield number, feed.broken or fields
