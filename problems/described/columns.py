"""Columns: which cells of a row are which input or target of an example."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Collection, Mapping
from typing import Any

from t2tlite.nearest import did_you_mean
from t2tlite.problem import Broken, Feature
from t2tlite.problems.formats.rows import Row

_UNFIT = "a value its feature can't hold"
_MISSING = object()


class _Fault(Exception):
    """Why a row is no example: a reason, the same for all of its kind, and what more there is to say."""

    def __init__(self, reason: str, more: str = "") -> None:
        super().__init__(reason, more)
        self.reason, self.more = reason, more


@dataclasses.dataclass(frozen=True)
class Column:
    """What a feature's values are read from.

    Attributes:
      feature: whose values they are. Of a file there is the path, or the content.
      names: of the columns. Of one that is `jpg;png` the first that a row has is taken, and `json.caption` is
        the `caption` in what the column `json` has.
      several: whether a value is the list of all columns' cells rather than the cell of one.
    """

    feature: Feature
    names: tuple[str, ...]
    several: bool = False

    def wanted(self) -> set[str]:
        """The names of all columns that may be asked for."""
        return {name for names in self.names for name in names.split(";")}

    def value(self, row: Row, folder: str) -> Any:
        """The value of a row, as examples have it; None where an optional one is not given.

        Args:
          folder: from which paths in cells start.

        Raises:
          _Fault: there is no such column, nothing in it, or what its feature can't hold.
        """
        cells = [_cell(row, name, self.feature.optional) for name in self.names]
        if self.feature.is_text and self.several:
            cells = [cell for cell in cells if not _is_empty(cell)]
        if not cells or any(map(_is_empty, cells)):
            if self.feature.optional:
                return None
            raise _Fault(f"nothing in {self.title()}")
        try:
            if self.feature.is_file:
                return self.feature.from_content(_content(cells[0], folder))
            value = self.feature.from_cell(list(map(_as_text, cells)) if self.several else _as_text(cells[0]))
        except ValueError as error:
            raise _Fault(f"{self.feature.kind}: {error}", f", column `{self.names[0]}`") from None
        return value

    def title(self) -> str:
        return " and ".join(f"`{name}`" for name in self.names)


def example(
    columns: Mapping[str, Column], row: Row, folder: str, labels: Collection[str] | None = None
) -> dict[str, Any] | Broken:
    """The example of a row, or what is wrong with it.

    Args:
      columns: by "inputs" or "inputs.NAME", and "targets" where there are any.
      folder: from which paths in cells start.
      labels: the classes there are; None: not known.
    """
    made: dict[str, Any] = {}
    for key, column in columns.items():
        try:
            value = column.value(row, folder)
            if value is not None:
                _check(column, value, labels)
        except _Fault as fault:
            return Broken(fault.reason, row.where + fault.more)
        side, _, name = key.partition(".")
        if not name:
            made[side] = value
        elif value is not None:
            made.setdefault(side, {})[name] = value
    return made


def share(row: Row, names: Collection[str]) -> float | Broken:
    """A number in [0, 1) that follows from what a row has in some columns alone, or what is wrong with it."""
    digest = hashlib.blake2b(digest_size=8)
    try:
        cells = [_cell(row, name, False) for name in sorted(names)]
    except _Fault as fault:
        return Broken(fault.reason, row.where + fault.more)
    for cell in cells:
        content = cell if isinstance(cell, bytes) else json.dumps(cell, sort_keys=True, default=str).encode()
        digest.update(b"%d:" % len(content) + content)
    return int.from_bytes(digest.digest(), "big") / 2**64


def classes(column: Column, row: Row) -> tuple[str, ...]:
    """The classes that a row names; none where it is broken."""
    try:
        value = column.value(row, "")
    except _Fault:
        return ()
    return (value,) if isinstance(value, str) else tuple(value or ())


def _check(column, value, labels):
    if column.feature.is_file:
        return  # all of it was read
    try:
        column.feature.to_record(value, labels if column.feature.has_classes else None)
    except (TypeError, ValueError) as error:
        raise _Fault(_UNFIT, f", where {column.title()} is {error}") from None


def _cell(row, names, optional):
    for name in names.split(";"):
        found = _look_up(row.cells, name)
        if found is not _MISSING:
            return found
    if optional:
        return None
    near = did_you_mean(names, row.cells) or f" (it has {', '.join(list(row.cells)[:20])})"
    raise _Fault(f"no column `{names}`{near}")


def _look_up(cells, name):
    if name in cells:
        return cells[name]
    first, dot, rest = name.partition(".")
    inner = cells.get(first) if dot else None
    return _look_up(inner, rest) if isinstance(inner, Mapping) else _MISSING


def _is_empty(cell):
    if isinstance(cell, str):
        return not cell.strip()
    return cell is None or (isinstance(cell, bytes | list) and not cell)


def _as_text(cell):
    """The text of a file that is a cell."""
    if not isinstance(cell, bytes):
        return cell
    try:
        return cell.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None


def _content(cell, folder):
    if isinstance(cell, bytes):
        return cell
    if not isinstance(cell, str):
        raise ValueError("neither a path nor the content of a file")
    path = os.path.join(folder, cell.strip())
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise _Fault(f"can't read a file: {error.strerror.lower()}", f", {path}") from None
