"""Parallel text in columns: a pair a line, tabs between the columns."""

import dataclasses
from collections.abc import Iterator

from t2tlite.errors import UserError
from t2tlite.problem import Broken
from t2tlite.problems.formats import lines


@dataclasses.dataclass(frozen=True)
class Part:
    """Lines of a file of columns.

    Attributes:
      lines: which.
      columns: the columns of the inputs and of the targets, from 0.
      width: the number of columns.
    """

    lines: lines.Range
    columns: tuple[int, int] = (0, 1)
    width: int = 2

    def pairs(self) -> Iterator[tuple[str | Broken, str | Broken]]:
        """A line with another number of columns gives `Broken`, but an empty line an empty pair."""
        first, second = self.columns
        for number, line in enumerate(lines.read(self.lines), self.lines.number):
            if isinstance(line, Broken):
                yield line, line
                continue
            fields = line.split("\t")
            if len(fields) == self.width:
                yield fields[first], fields[second]
            elif not line.strip():
                yield "", ""
            else:
                broken = Broken(f"a number of columns other than {self.width}", f"{self.lines.path}:{number}")
                yield broken, broken


def parts(path: str, languages: tuple[str, str], order: tuple[str, str]) -> tuple[list[Part], int | None]:
    """Parts of some megabytes, and the number of pairs; a file compressed by gzip is one part, not counted.

    Args:
      path: the file. Where its first line names both languages by their codes, it is a header, which may
        have more columns; otherwise there are two columns.
      languages: codes of the inputs and of the targets.
      order: the same codes, in the order of the columns where there is no header.

    Raises:
      UserError: the file has no pairs, or can't be read.
    """
    lines.check_not_empty(path)
    with lines.opened(path) as file:
        line = file.readline()
        header = line.decode("utf-8-sig", "replace").strip("\r\n").lower().split("\t")
    header = [name.strip() for name in header]
    start, number = 0, 1
    names = [language.lower() for language in order]
    if all(language.lower() in header for language in languages):
        names, start, number = header, len(line), 2
    columns = names.index(languages[0].lower()), names.index(languages[1].lower())
    if path.endswith(".gz"):
        return [Part(lines.Range(path, start, None, number), columns, len(names))], None
    ranges, count = lines.cut(path, start, number)
    if not count:
        raise UserError(f"{path} has a header and nothing below it; expected a pair a line")
    return [Part(lines_, columns, len(names)) for lines_ in ranges], count
