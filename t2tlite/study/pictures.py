"""Bars and learning curves as SVG, to stand within a page."""

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from t2tlite.experiment import Table
from t2tlite.study import figures
from t2tlite.study.curves import Curve
from t2tlite.study.grids import mean_and_spread
from t2tlite.study.results import Results

_WIDTH, _HEIGHT = 8.0, 3.2  # inches
_MOST_BARS = 12  # in a picture, beside each other, so that their names can be read


def bars(table: Table, results: Results) -> Iterator[tuple[str, str]]:
    """For each figure of a table its caption and picture: a bar for each cell, and its spread over seeds."""
    for figure in dict.fromkeys(name for row in table.rows for name in row.figures):
        problems = [row.problem for row in table.rows if figure in row.figures]
        heights: dict[str, list[tuple[float, float | None] | None]] = {}
        for column in table.columns:
            named = [(name, column.training_for(name)) for name in problems]
            values = [results.values(one, name, figure) if one else {} for name, one in named]
            heights[column.heading] = [mean_and_spread(list(v.values())) if v else None for v in values]
        if any(cell for cells in heights.values() for cell in cells):
            caption = f"{table.title}, {figures.title(figure)}: mean and standard deviation over seeds"
            yield caption, _bars(problems, heights, figures.title(figure), caption)


def curves(problem: str, lines: Mapping[str, Curve], figure: str) -> str:
    """The learning curves of a problem."""
    with _Axes(f"curves {problem}") as (axes, svg):
        for name, points in lines.items():
            axes.plot(*zip(*points, strict=True), marker="o", markersize=3, linewidth=1.5, label=name)
        axes.set_xlabel(f"updates of {problem}")
        axes.set_ylabel(f"validation {figures.title(figure)}")
        axes.set_xlim(left=0)
        axes.grid(alpha=0.3)
        _legend(axes, len(lines))
    return svg()


def _bars(
    problems: Sequence[str],
    heights: Mapping[str, Sequence[tuple[float, float | None] | None]],
    label: str,
    salt: str,
) -> str:
    rows = math.ceil(len(problems) * len(heights) / _MOST_BARS / 4)
    with _Axes(salt, height=_HEIGHT + 0.6 * (rows - 1)) as (axes, svg):
        width = 0.8 / len(heights)
        for number, (heading, cells) in enumerate(heights.items()):
            there = [(place, cell) for place, cell in enumerate(cells) if cell]
            axes.bar(
                [place + (number - (len(heights) - 1) / 2) * width for place, _ in there],
                [cell[0] for _, cell in there],
                width * 0.92,
                yerr=[cell[1] or 0.0 for _, cell in there],
                capsize=3,
                label=heading,
            )
        axes.set_xticks(range(len(problems)), problems, rotation=20 if len(problems) > 4 else 0)
        axes.set_ylabel(label)
        axes.grid(axis="y", alpha=0.3)
        axes.set_axisbelow(True)
        _legend(axes, len(heights))
    return svg()


def _legend(axes: Any, number: int) -> None:
    axes.legend(
        loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8, ncols=1 + (number > 12)
    )


class _Axes:
    """`with _Axes(salt) as (axes, svg)`: what is drawn within it is text after it, by `svg()`.

    Args:
      salt: makes the ids within the picture its own, as pictures in one page must have.
      height: in inches.
    """

    def __init__(self, salt: str, height: float = _HEIGHT) -> None:
        self._salt = salt
        self._height = height
        self._text = ""

    def __enter__(self) -> tuple[Any, Any]:
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure

        self._figure = Figure((_WIDTH, self._height), layout="constrained")
        FigureCanvasSVG(self._figure)
        return self._figure.subplots(), lambda: self._text

    def __exit__(self, *error: object) -> None:
        import matplotlib

        buffer = io.StringIO()
        with matplotlib.rc_context({"svg.hashsalt": self._salt, "svg.fonttype": "none", "font.size": 9}):
            self._figure.savefig(buffer, format="svg", metadata={"Date": None})
        text = buffer.getvalue()
        self._text = text[text.index("<svg") :]
