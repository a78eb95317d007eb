"""Tables of figures for the terminal, on standard output, and for notebooks."""

import dataclasses
import html
import sys
from collections.abc import Iterable, Sequence


@dataclasses.dataclass(frozen=True)
class Table:
    """A table whose first columns, `words` of them, hold words, and the others numbers."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: int = 1

    def show(self) -> None:
        """Prints the table."""
        import rich.console
        import rich.table

        table = rich.table.Table()
        for number, heading in enumerate(self.headings):
            table.add_column(heading, justify="left" if number < self.words else "right")
        for row in self.rows:
            table.add_row(*row)
        width = None if sys.stdout.isatty() else 110
        print(self.title)  # a table's own is folded to its width
        rich.console.Console(file=sys.stdout, width=width, markup=False, highlight=False).print(table)

    def _repr_html_(self) -> str:
        """The table as a notebook shows it."""
        lines = [self._line("th", self.headings), *(self._line("td", row) for row in self.rows)]
        caption = f"<caption>{html.escape(self.title)}</caption>" if self.title else ""
        return f"<table>{caption}{''.join(lines)}</table>"

    def _line(self, tag: str, cells: Sequence[str]) -> str:
        aligned = ("left" if number < self.words else "right" for number in range(len(cells)))
        return "<tr>{}</tr>".format(
            "".join(
                f'<{tag} style="text-align: {side}">{html.escape(cell)}</{tag}>'
                for side, cell in zip(aligned, cells, strict=True)
            )
        )


def show(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> None:
    """Prints a table whose first columns, so many, hold words, and the others numbers."""
    Table(title, headings, list(rows), words).show()


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Indented lines, their first column of words and the others of numbers."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [f"  {row[0]:<{widths[0]}}", *(f"{c:>{w}}" for c, w in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]
