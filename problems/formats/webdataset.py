"""Tars in the layout of WebDataset: files next to each other whose names differ in their endings are a row.

`dog/0001.jpg` and `dog/0001.txt` are a row with the columns `jpg` and `txt`. As with WebDataset, an ending
begins at the first dot of a name.
"""

import dataclasses
import itertools
import json
import os
import posixpath
from collections.abc import Collection, Iterator

from t2tlite.problem import Broken
from t2tlite.problems.formats import tars
from t2tlite.problems.formats.rows import Row

KEY = "__key__"  # the column with the name that a row's files share


@dataclasses.dataclass(frozen=True)
class Part:
    """All rows of a tar."""

    path: str

    @property
    def folder(self) -> str:
        return os.path.dirname(self.path)

    def rows(self, wanted: Collection[str]) -> Iterator[Row | Broken]:
        """The rows with those of their files that are wanted.

        A cell is the `bytes` of a file, and of one that ends in .json what it says. `json.caption` asks for
        the file, too.

        Raises:
          UserError: the tar is truncated or damaged.
        """
        endings = {name.partition(".")[0] if name.startswith("json.") else name for name in wanted}
        with tars.Tar(self.path) as tar:
            for key, files in itertools.groupby(filter(_counts, tar), _key):
                yield self._row(tar, key, files, endings)

    def _row(self, tar, key, files, endings):
        cells = {KEY: key}
        for file in files:
            where = f"{self.path}:{file.name}"
            ending = posixpath.basename(file.name).partition(".")[2].lower()
            if ending in cells:
                return Broken("two files of one ending", where)
            cells[ending] = None
            if ending not in endings:
                continue
            if file.kind != "file":
                return Broken("not a file, but a link", where)
            cells[ending] = tar.read(file)
            if ending == "json":
                try:
                    cells[ending] = json.loads(cells[ending])
                except ValueError as error:
                    return Broken("no valid JSON", f"{where}, {error}")
        return Row(f"{self.path}:{key}", cells)


def _counts(member):
    return member.kind != "folder" and not posixpath.basename(member.name).startswith(".")


def _key(member):
    """The name without its ending."""
    folder, name = posixpath.split(member.name.removeprefix("./"))
    return posixpath.join(folder, name.partition(".")[0])


def parts(path: str) -> tuple[list[Part], int | None]:
    """The tar as a part; how many rows it has is not known before it is read."""
    return [Part(path)], None
