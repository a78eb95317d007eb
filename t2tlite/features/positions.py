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
    """

    count: int
    units: tuple[str, ...] = ()
    grid: tuple[int, int] | None = None
    seconds: tuple[float, ...] = ()
    content: np.ndarray | None = None

    def as_json(self) -> dict[str, Any]:
        """Whatever is known of the positions, without the content."""
        known = {
            "units": list(self.units),
            "grid": self.grid and list(self.grid),
            "seconds": [round(second, DIGITS) for second in self.seconds],
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
    """

    width: int
    length: int
    count: int
    grid: tuple[int, int] | None = None
