"""Bars and learning curves as SVG, to stand within a page."""

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from t2tlite.experiment import Row, Table
from t2tlite.study import figures
from t2tlite.study.curves import Curve
from t2tlite.study.grids import mean_and_spread
from t2tlite.study.results import Results

_WIDTH, _HEIGHT = 8.0, 3.2  # inches
_MOST_BARS = 6  # for each problem; more columns are shown as a map of differences


def of_table(table: Table, results: Results) -> Iterator[tuple[str, str]]:
    """For each figure of a table its caption and picture: bars, or a map where there are many columns."""
    for figure in dict.fromkeys(name for row in table.rows for name in row.figures):
        rows = [row for row in table.rows if figure in row.figures]
        if len(table.columns) > _MOST_BARS and table.baseline:
            yield from _map(table, rows, figure, results)
        else:
            yield from _bars(table, rows, figure, results)


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


def matrix(
    salt: str,
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[float]],
    texts: Sequence[Sequence[str]],
    low: float,
    high: float,
    colours: str = "RdBu",
) -> str:
    """A matrix as colored cells with texts on them.

    Args:
      salt: its own within a page, such as the caption.
      rows, columns: their names; no columns: they are not named.
      values: by which the cells are colored, from `low` to `high`; NaN for an empty cell.
      texts: what stands in the cells.
      colours: name of a color map of matplotlib that is dark where values are far from 0.
    """
    most = max(abs(low), abs(high))
    with _Axes(salt, height=1.2 + 0.4 * len(rows)) as (axes, svg):
        axes.imshow(values, cmap=colours, vmin=low, vmax=high, aspect="auto")
        axes.set_xticks(range(len(columns)), columns, rotation=30, ha="right")
        axes.set_yticks(range(len(rows)), rows)
        for place, line in enumerate(texts):
            for number, text in enumerate(line):
                if text:
                    dark = abs(values[place][number]) > 0.6 * most
                    axes.text(number, place, text, ha="center", va="center", color="w" if dark else "k")
    return svg()


def _bars(table: Table, rows: Sequence[Row], figure: str, results: Results) -> Iterator[tuple[str, str]]:
    """A bar for each cell, with its spread over seeds."""
    problems, label = [row.problem for row in rows], figures.title(figure)
    cells = {
        (place, number): mean_and_spread(list(values.values()))
        for place, problem in enumerate(problems)
        for number, column in enumerate(table.columns)
        if (training := column.training_for(problem))
        and (values := results.values(training, problem, figure))
    }
    if not cells:
        return
    caption = f"{table.title}, {label}: mean and standard deviation over seeds"
    width = 0.8 / len(table.columns)
    with _Axes(caption) as (axes, svg):
        for number, column in enumerate(table.columns):
            there = [(place, cell) for (place, other), cell in cells.items() if other == number]
            spreads = [spread for _, (_, spread) in there]
            axes.bar(
                [place + (number - (len(table.columns) - 1) / 2) * width for place, _ in there],
                [mean for _, (mean, _) in there],
                width * 0.92,
                yerr=None if None in spreads else spreads,
                capsize=3,
                label=column.heading,
            )
        axes.set_xlim(-0.7, len(problems) - 0.3)
        axes.set_xticks(range(len(problems)), problems, rotation=20 if len(problems) > 4 else 0)
        axes.set_ylabel(label)
        axes.grid(axis="y", alpha=0.3)
        axes.set_axisbelow(True)
        _legend(axes, len(table.columns))
    yield caption, svg()


def _map(table: Table, rows: Sequence[Row], figure: str, results: Results) -> Iterator[tuple[str, str]]:
    """The difference of each cell to the baseline, as a number on a color: blue is better."""
    base = next(column for column in table.columns if column.heading == table.baseline)
    others = [column for column in table.columns if column is not base]
    values = [[math.nan] * len(others) for _ in rows]
    for place, row in enumerate(rows):
        for number, column in enumerate(others):
            pair = column.training_for(row.problem), base.training_for(row.problem)
            if pair[0] and pair[1]:
                difference = results.difference(pair[0], pair[1], row.problem, figure)
                values[place][number] = difference.mean if difference else math.nan
    known = [abs(value) for line in values for value in line if not math.isnan(value)]
    if not known:
        return
    most = max(known) or 1.0
    better = 1 if figures.higher_is_better(rows[0].problem, figure) else -1
    caption = f"{table.title}, {figures.title(figure)}: mean difference to {base.heading}; blue is better"
    texts = [
        ["" if math.isnan(value) else figures.written(figure, value, sign=True) for value in line]
        for line in values
    ]
    shade = [[better * value for value in line] for line in values]
    headings, names = [column.heading for column in others], [row.problem for row in rows]
    yield caption, matrix(caption, names, headings, shade, texts, -most, most)


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
