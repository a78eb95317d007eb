"""Parallel text in two files, a sentence a line: line n of the one translates line n of the other."""

import dataclasses
from collections.abc import Iterator

from t2tlite.errors import UserError
from t2tlite.plural import counted
from t2tlite.problem import Broken
from t2tlite.problems.formats import lines


@dataclasses.dataclass(frozen=True)
class Part:
    """The same lines of two files."""

    first: lines.Range
    second: lines.Range

    def pairs(self) -> Iterator[tuple[str | Broken, str | Broken]]:
        """Raises a UserError where a file is damaged or ends before the other."""
        try:
            yield from zip(lines.read(self.first), lines.read(self.second), strict=True)
        except ValueError:
            raise _unequal(*((p, lines.count(p)) for p in (self.first.path, self.second.path))) from None


def parts(first: str, second: str) -> tuple[list[Part], int | None]:
    """Parts of some megabytes, and the number of lines; files compressed by gzip are one part, not counted.

    Raises:
      UserError: a file is empty, or the numbers of lines differ (of compressed files: on reading).
    """
    lines.check_not_empty(first)
    if first.endswith(".gz") or second.endswith(".gz"):
        return [Part(lines.Range(first), lines.Range(second))], None
    ranges, count = lines.cut(first)
    others, other_count = lines.cut_like(second, ranges)
    if count != other_count:
        raise _unequal((first, count), (second, other_count))
    return [Part(*both) for both in zip(ranges, others, strict=True)], count


def _unequal(first, second):
    (path, count), (other, other_count) = first, second
    return UserError(
        f"{path} has {counted(count, 'line')} and {other} has {other_count:,}; expected equal numbers: line "
        "n of the one is the translation of line n of the other"
    )
