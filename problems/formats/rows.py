"""Rows of tables: cells by the names of their columns, whatever the table is written in."""

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Protocol

from t2tlite.problem import Broken


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of a table.

    Attributes:
      where: which one, for messages: "train.csv:17".
      cells: by column: a `str`, what JSON has, or the `bytes` of a file.
    """

    where: str
    cells: Mapping[str, Any]


class Part(Protocol):
    """Some rows of a table, which a process of its own may read; its `repr` says all there is to it.

    Attributes:
      folder: from which paths in cells start.
    """

    @property
    def folder(self) -> str: ...

    def rows(self, wanted: Collection[str]) -> Iterator[Row | Broken]:
        """The rows, in their order.

        Args:
          wanted: the columns that are asked for; others may be there or not.
        """
        ...
