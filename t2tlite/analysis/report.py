"""The report of an analysis: Markdown, a page with pictures, JSON, and tables for a terminal."""

import dataclasses
import json
import math
import pathlib
from collections.abc import Iterator

import numpy as np

from t2tlite.analysis import experts
from t2tlite.analysis.analysis import Analysis, Part
from t2tlite.files import write_whole
from t2tlite.study import markdown, page, pictures
from t2tlite.study.grids import Grid
from t2tlite.study.section import Section

PAGE = "analysis.html"
NONE = "-"
_MOST_EXPERTS = 16  # of a table that is to be read; of more it has those that do most
_TOP = 5
_PRINTED = 2  # tables of a section; all of them are in the files
_EXPERTS = (
    "Which share of a problem's positions each expert gets, by the weights of the gates, padding left out. "
    "The effective number of experts is exp of the entropy: n where n experts share the work evenly. "
    "The overlap of two problems is 1 less the total variation distance of their shares: 1 where they use "
    "the same experts equally, 0 where they have none in common. On the diagonal are two halves of "
    "a problem's own batches, the most that can be expected of two problems."
)
_GRADIENTS = (
    "The cosine of the mean gradients of two problems: above 0 an update of the one helps the other, at 0 "
    "it doesn't matter to it, below 0 it harms it, to first order. Means over batches are noisy, which draws "
    "cosines to 0: in brackets is about what would be seen if both problems pulled in the same direction, "
    "and on the diagonal the cosine of two halves of a problem's own batches. Where these are small, read "
    "nothing into a cosine near 0; take more --batches."
)


def write(folder: pathlib.Path, found: Analysis) -> str:
    """Writes analysis.md, analysis.html and analysis.json into a folder, each whole or not at all.

    Returns:
      The first tables of each section as text for a terminal.
    """
    sections = [_summary(found), _of_experts(found), _of_gradients(found)]
    title = f"What the problems of {found.origin['run']} share"
    write_whole(folder / "analysis.md", markdown.document(title, sections, PAGE))
    write_whole(folder / PAGE, page.document(title, sections))
    write_whole(folder / "analysis.json", json.dumps(found.as_json(), indent=1, ensure_ascii=False) + "\n")
    return markdown.terminal([dataclasses.replace(one, grids=one.grids[:_PRINTED]) for one in sections])


def _summary(found: Analysis) -> Section:
    origin = found.origin
    text = (
        f"{origin['checkpoint']}, {origin['split']} split, {origin['batches']} batches of each problem, "
        f"drawn as training draws them (seed {origin['seed']})."
    )
    rows = [
        [name, f"{one.examples:,} of {one.size:,}", f"{one.loss:.4f}"] for name, one in found.seen.items()
    ]
    note = ""
    if again := [name for name, one in found.seen.items() if one.examples > one.size]:
        note = (
            f"Of {', '.join(again)} all examples were read, some more than once: the halves have examples in "
            "common, so their cosines and overlaps are too high. Take fewer --batches, or another --split."
        )
    return Section("What was read", (text,), (Grid("Problems", ["problem", "examples", "loss"], rows, note),))


def _of_experts(found: Analysis) -> Section:
    if not found.layers:
        return Section(
            "Experts", ("This model has no mixture of experts, or none that records its choices.",)
        )
    grids: list[Grid] = []
    drawn: list[tuple[str, str]] = []
    for layer in found.layers:
        shares, overlaps = found.shares(layer), experts.overlaps(found.layers[layer])
        grids += [_shares(found, layer, shares), _matrix(f"{layer}: overlap", found.problems, overlaps)]
        drawn += [_picture_of_shares(found, layer, shares), _picture_of(f"{layer}: overlap", found, overlaps)]
    if len(found.layers) > 1:
        mean, title = experts.mean_overlaps(found.layers), "All layers: mean overlap"
        grids.append(_matrix(title, found.problems, mean))
        drawn.append(_picture_of(title, found, mean))
    grids.sort(key=lambda grid: grid.headings[0] == "")  # shares first
    return Section("Experts", (_EXPERTS,), tuple(grids), tuple(drawn))


def _shares(found: Analysis, layer: str, shares: np.ndarray) -> Grid:
    few = shares.shape[1] <= _MOST_EXPERTS
    headings = [f"expert {number}" for number in range(shares.shape[1])] if few else [f"its first {_TOP}"]
    rows = []
    for name, row in zip(found.problems, shares, strict=True):
        top = np.argsort(-row, kind="stable")[:_TOP]
        cells = [f"{100 * value:.1f}%" for value in row]
        cells = cells if few else [", ".join(f"{number}: {cells[number]}" for number in top)]
        used = bool(row.any())
        number = f"{experts.effective_number(row):.1f}" if used else NONE
        rows.append([name, number, *(cells if used else [NONE] * len(cells))])
    return Grid(f"{layer}: share of positions", ["problem", "effective experts", *headings], rows)


def _picture_of_shares(found: Analysis, layer: str, shares: np.ndarray) -> tuple[str, str]:
    number = shares.shape[1]
    few = number <= _MOST_EXPERTS
    texts = [[f"{100 * value:.0f}%" if few and value >= 0.005 else "" for value in row] for row in shares]
    names = [str(expert) for expert in range(number)] if few else []
    caption = f"{layer}: share of each problem's positions that goes to each of {number} experts"
    top = max(float(shares.max()), 1e-9)
    drawn = pictures.matrix(caption, found.problems, names, shares.tolist(), texts, 0.0, top, "Blues")
    return caption, drawn


def _of_gradients(found: Analysis) -> Section:
    grids, drawn = [_overview(found)], []
    for part in found.parts:
        if len(list(_pairs(found, part))) < 2 < len(found.problems):
            continue  # the overview has all of it
        title = f"{part.name}: cosine of gradients"
        cosines = part.cosines
        grids.append(_matrix(title, found.problems, cosines.values, cosines.ceilings))
        drawn.append(_picture_of(title, found, cosines.values))
    return Section("Gradients", (_GRADIENTS,), tuple(grids), tuple(drawn))


def _overview(found: Analysis) -> Grid:
    """A line for each part: mean, least and greatest cosine over the pairs."""
    rows = []
    for part in found.parts:
        pairs = list(_pairs(found, part))
        mean = sum(cosine for cosine, _, _ in pairs) / len(pairs) if pairs else math.nan
        ceiling = sum(most for _, most, _ in pairs) / len(pairs) if pairs else math.nan
        ends = (
            [f"{_number(cosine, '+')} {names}" for cosine, _, names in (min(pairs), max(pairs))]
            if pairs
            else []
        )
        rows.append(
            [
                part.name,
                f"{part.parameters:,}",
                str(len(pairs)),
                f"{_number(mean, '+')} ({ceiling:.2f})",
                *ends,
            ]
            if pairs
            else [part.name, f"{part.parameters:,}", "0", NONE, NONE, NONE]
        )
    headings = ["part", "parameters", "pairs", "mean", "least", "greatest"]
    return Grid("Cosine of gradients, by part of the model", headings, rows)


def _pairs(found: Analysis, part: Part) -> Iterator[tuple[float, float, str]]:
    """(cosine, ceiling, names) of each pair that shares something of a part."""
    for i, one in enumerate(found.problems):
        for j, other in enumerate(found.problems[:i]):
            value = float(part.cosines.values[i, j])
            if not math.isnan(value):
                yield value, float(part.cosines.ceilings[i, j]), f"{other}, {one}"


def _matrix(title: str, names: list[str], values: np.ndarray, ceilings: np.ndarray | None = None) -> Grid:
    """A table of problems by problems; with ceilings in brackets, but for the diagonal."""

    def cell(i: int, j: int) -> str:
        if math.isnan(values[i, j]):
            return NONE
        sign = "" if ceilings is None else "+"
        brackets = "" if ceilings is None or i == j else f" ({ceilings[i, j]:.2f})"
        return f"{_number(values[i, j], sign)}{brackets}"

    rows = [[name, *(cell(i, j) for j in range(len(names)))] for i, name in enumerate(names)]
    return Grid(title, ["", *names], rows)


def _number(value: float, sign: str = "") -> str:
    """With two digits, and no minus before a zero."""
    return f"{round(float(value), 2) + 0.0:{sign}.2f}"


def _picture_of(caption: str, found: Analysis, values: np.ndarray) -> tuple[str, str]:
    texts = [["" if math.isnan(value) else _number(value) for value in row] for row in values]
    names = found.problems
    return caption, pictures.matrix(caption, names, names, values.tolist(), texts, -1.0, 1.0)
