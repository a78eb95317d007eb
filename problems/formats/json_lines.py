"""Tables as JSON lines: an object a line, whose keys are the columns."""

import dataclasses
import json
import os
from collections.abc import Collection, Iterator

from t2tlite.problem import Broken
from t2tlite.problems.formats import lines
from t2tlite.problems.formats.rows import Row


@dataclasses.dataclass(frozen=True)
class Part:
    """Rows of a file."""

    lines: lines.Range

    @property
    def folder(self) -> str:
        return os.path.dirname(self.lines.path)

    def rows(self, wanted: Collection[str]) -> Iterator[Row | Broken]:
        """Every row with all of its cells; lines without anything are no rows."""
        for number, line in enumerate(lines.read(self.lines), self.lines.number):
            if isinstance(line, Broken):
                yield line
            elif line.strip():
                yield row(line, f"{self.lines.path}:{number}")


def row(text: str, where: str) -> Row | Broken:
    """A row that is a JSON object."""
    try:
        cells = json.loads(text)
    except ValueError as error:
        message, _, place = str(error).partition(": ")
        return Broken("no valid JSON", f"{where}, {message.lower()} at {place}")
    return Row(where, cells) if isinstance(cells, dict) else Broken("no JSON object", where)


def parts(path: str) -> tuple[list[Part], int | None]:
    """Parts of some megabytes, and the number of rows; a file compressed by gzip is one part, not counted.

    Raises:
      UserError: the file can't be read, or is empty.
    """
    lines.check_not_empty(path, "a JSON object a line")
    if path.endswith(".gz"):
        return [Part(lines.Range(path))], None
    ranges, count = lines.cut(path)
    return [Part(part) for part in ranges], count
