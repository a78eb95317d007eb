"""Positions: what the encoded positions of an input stand for."""

import dataclasses
from typing import Any

import numpy as np

DIGITS = 6  # of figures in JSON


@dataclasses.dataclass(frozen=True, eq=False)
class Positions:
    """What the encoded positions of an input stand for.

    Attributes:
      count: how many there are, padding left out.
      units: of a text: the subword unit of each, a space written as U+2581, the end mark last; else ().
      grid: of an image: (height, width), row by row; else None.
      seconds: of a sound: where each begins; else ().
      content: what the model read: of an image the square crop, float32 `[size, size, 3]` in [0, 1]; of a
        sound float32 samples at 16 kHz; of a text None.
      parts: of several named inputs, which stand one after the other: the positions of each; else {}. `units`
        then say of each position which input it belongs to, and what it is there.
    """

    count: int
    units: tuple[str, ...] = ()
    grid: tuple[int, int] | None = None
    seconds: tuple[float, ...] = ()
    content: np.ndarray | None = None
    parts: dict[str, "Positions"] = dataclasses.field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Whatever is known of the positions, without the content."""
        known = {
            "units": list(self.units),
            "grid": self.grid and list(self.grid),
            "seconds": [round(second, DIGITS) for second in self.seconds],
            "parts": {name: part.as_json() for name, part in self.parts.items()},
        }
        return {"count": self.count, **{name: value for name, value in known.items() if value}}


@dataclasses.dataclass(frozen=True, eq=False)
class Encoded:
    """How an input came out of the encoder.

    Attributes:
      width: the length of the input in its batch, padding included.
      length: how many positions the encoder made of that.
      count: how many of them are no padding.
      grid: (height, width) where they have two dimensions, else None.
      parts: of several named inputs: each of them.
    """

    width: int
    length: int
    count: int
    grid: tuple[int, int] | None = None
    parts: dict[str, "Encoded"] = dataclasses.field(default_factory=dict)


def joined(parts: dict[str, Positions]) -> Positions:
    """The positions of several inputs, one after the other: each unit begins with the name of its input."""
    units = tuple(f"{name}: {label}" for name, part in parts.items() for label in _labels(part))
    return Positions(len(units), units, parts=parts)


def _labels(part: Positions) -> list[str]:
    if part.units:
        return list(part.units)
    if part.grid:
        return [f"{i // part.grid[1]}, {i % part.grid[1]}" for i in range(part.count)]
    if part.seconds:
        return [f"{second:.2f} s" for second in part.seconds]
    return [str(i) for i in range(part.count)]
