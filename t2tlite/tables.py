"""Tables of figures for the terminal."""

import sys
from collections.abc import Iterable, Sequence


def show(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> None:
    """Prints a table whose first columns, so many, hold words, and the others numbers."""
    import rich.console
    import rich.table

    table = rich.table.Table()
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="left" if number < words else "right")
    for row in rows:
        table.add_row(*row)
    width = None if sys.stdout.isatty() else 110
    print(title)  # a table's own is folded to its width
    rich.console.Console(file=sys.stdout, width=width, markup=False, highlight=False).print(table)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Indented lines, their first column of words and the others of numbers."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [f"  {row[0]:<{widths[0]}}", *(f"{c:>{w}}" for c, w in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]
