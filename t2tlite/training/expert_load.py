"""Which experts take the tokens of which problem: a matrix as numbers and as an image."""

import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from t2tlite.files import write_json

FILE = "expert_load.json"
_CELL = 18  # pixels
_NARROW = 4  # pixels of a cell's width where there are many experts
_LABELS = 120  # pixels to the left
_LEAST_WIDTH = 160  # pixels, that the line below fits
# Anchors of a scale from dark to light, equally far apart, that is read in black and white as well.
_COLOURS = np.array(
    [[28, 16, 68], [79, 18, 123], [181, 54, 122], [251, 136, 97], [252, 253, 191]], np.float64
)


class ExpertLoad:
    """Counts the choices of experts by problem, from one log interval to the next.

    Args:
      problems: names of all problems, in the order of the rows.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self._problems = list(problems)
        self._counts: dict[str, dict[str, np.ndarray]] = {}  # place -> problem -> [experts]

    def add(self, problem: str, choices: dict[str, Any]) -> None:
        """Takes in one update.

        Args:
          problem: whose it was.
          choices: `{place: float [experts]}`, such as `{"encoder": ..., "decoder": ...}`: how often each
            expert was chosen.
        """
        for place, counts in choices.items():
            of_place = self._counts.setdefault(place, {})
            of_place[problem] = of_place.get(problem, 0.0) + np.asarray(counts, np.float64)

    def matrices(self) -> dict[str, np.ndarray]:
        """`{place: [problems, experts]}`: what share of the tokens that an expert gets is a problem's.

        The column of an expert that got none is 0, as is the row of a problem that had no update.
        """
        shares = {}
        for place, of_place in self._counts.items():
            nothing = np.zeros_like(next(iter(of_place.values())))
            counts = np.stack([of_place.get(name, nothing) for name in self._problems])
            shares[place] = counts / np.maximum(counts.sum(axis=0), 1.0)
        return shares

    def write(self, folder: pathlib.Path, step: int) -> None:
        """Writes `expert_load.json`: the matrices, and the counts by problem behind them; none: no file."""
        if not self._counts:
            return
        shares = {place: np.round(matrix, 4).tolist() for place, matrix in self.matrices().items()}
        content = {"step": step, "problems": self._problems, "share_of_expert": shares}
        write_json(folder / FILE, {**content, "choices": self.state()})

    def images(self) -> dict[str, np.ndarray]:
        """`{place: uint8 [height, width, 3]}`: a heat map with the problems as rows."""
        return {place: heat_map(matrix, self._problems) for place, matrix in self.matrices().items()}

    def clear(self) -> None:
        self._counts = {}

    def state(self) -> dict[str, dict[str, list[float]]]:
        """What a checkpoint keeps, as JSON; for `restore`."""
        return {
            place: {name: counts.tolist() for name, counts in of_place.items()}
            for place, of_place in self._counts.items()
        }

    def restore(self, state: Mapping[str, Mapping[str, list[float]]] | None) -> None:
        """Goes on from `state()`; from None, anew."""
        self._counts = {
            place: {name: np.array(counts) for name, counts in of_place.items()}
            for place, of_place in (state or {}).items()
        }


def parted(statistics: dict[str, Any]) -> tuple[dict[str, Any], dict[str, float]]:
    """A train step's choices of experts, by place (there "choices/PLACE"), and its figures."""
    mark = "choices/"
    choices = {name[len(mark) :]: value for name, value in statistics.items() if name.startswith(mark)}
    return choices, {name: float(value) for name, value in statistics.items() if not name.startswith(mark)}


def heat_map(matrix: np.ndarray, rows: Iterable[str]) -> np.ndarray:
    """Draws shares, dark for 0 and light for the largest; the scale stands below.

    Args:
      matrix: `[rows, columns]`, 0 or more.
      rows: the rows' names.

    Returns:
      uint8 `[height, width, 3]`.
    """
    from PIL import Image, ImageDraw, ImageFont

    width = _CELL if matrix.shape[1] <= 32 else _NARROW
    top = max(float(matrix.max()), 1e-9)
    cells = np.kron(_coloured(matrix / top), np.ones((_CELL, width, 1), np.uint8))
    size = cells.shape[0] + _CELL, _LABELS + max(cells.shape[1], _LEAST_WIDTH), 3
    whole = np.full(size, 255, np.uint8)
    whole[: cells.shape[0], _LABELS : _LABELS + cells.shape[1]] = cells
    image = Image.fromarray(whole)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default()
    for i, name in enumerate(rows):
        draw.text((3, i * _CELL + 3), str(name)[:20], fill=0, font=font)
    line = f"{matrix.shape[1]} experts; dark 0, light {100 * top:.0f}%"
    draw.text((_LABELS, cells.shape[0] + 3), line, fill=0, font=font)
    return np.asarray(image)


def _coloured(shares: np.ndarray) -> np.ndarray:
    """uint8 `[..., 3]` of values in [0, 1]."""
    places = np.linspace(0, 1, len(_COLOURS))
    return np.stack([np.interp(shares, places, _COLOURS[:, i]) for i in range(3)], axis=-1).astype(np.uint8)
