"""A report as Markdown, and its tables as text for a terminal."""

from collections.abc import Sequence

from t2tlite.study.grids import Grid
from t2tlite.study.section import Section


def document(title: str, sections: Sequence[Section], page: str = "report.html") -> str:
    """The whole report; of pictures it says that they are in a page."""
    parts = [f"# {title}"]
    for section in sections:
        parts += [f"## {section.title}", *section.text]
        for grid in section.grids:
            parts += [f"### {grid.title}", _table(grid), *([grid.note] if grid.note else [])]
        if section.items:
            parts.append("\n".join(f"* {item}" for item in section.items))
        if section.code:
            parts.append("\n".join(["```", *section.code, "```"]))
        if section.pictures:
            names = "; ".join(caption for caption, _ in section.pictures)
            parts.append(f"Pictures in {page}: {names}.")
    return "\n\n".join(parts) + "\n"


def terminal(sections: Sequence[Section]) -> str:
    """Texts, tables, which are aligned, and lists."""
    parts: list[str] = []
    for section in sections:
        parts += section.text
        for grid in section.grids:
            parts += [f"{grid.title}\n{_aligned(grid)}", *([grid.note] if grid.note else [])]
        if section.items:
            parts.append("\n".join([f"{section.title}:", *(f"* {item}" for item in section.items)]))
    return "\n\n".join(parts)


def _table(grid: Grid) -> str:
    rows = [grid.headings, ["---"] * len(grid.headings), *grid.rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows)


def _aligned(grid: Grid) -> str:
    rows = [grid.headings, *grid.rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(f"  {line.rstrip()}" for line in lines)
