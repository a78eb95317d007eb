"""A part of a report."""

import dataclasses

from t2tlite.study.grids import Grid


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of the report.

    Attributes:
      title: over it.
      text: paragraphs.
      grids: tables.
      pictures: pairs of caption and SVG.
      items: of a list.
      code: of a block of lines that are typed or read as they are.
    """

    title: str
    text: tuple[str, ...] = ()
    grids: tuple[Grid, ...] = ()
    pictures: tuple[tuple[str, str], ...] = ()
    items: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
