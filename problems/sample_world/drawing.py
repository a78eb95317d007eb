"""Draws a scene: backgrounds, coloured silhouettes, noise, PNG bytes."""

import dataclasses
import io

import numpy as np
from PIL import Image, ImageDraw

from t2tlite.problems.sample_world.shapes import SHAPES

SIZE = 64  # pixels
_FINE = 4  # drawn at this many times the size, then averaged

# All darker than all backgrounds: a silhouette is then the same pattern of light in every colour.
COLOURS = {
    "red": (205, 35, 35),
    "blue": (35, 65, 205),
    "green": (20, 125, 50),
    "golden": (205, 145, 15),
    "gray": (115, 115, 120),
    "black": (25, 25, 25),
    "brown": (120, 70, 30),
    "purple": (140, 40, 165),
}
# Top and bottom of a vertical gradient.
BACKGROUNDS = {
    "water": ((140, 200, 245), (195, 228, 250)),
    "grass": ((185, 238, 150), (160, 222, 125)),
    "sand": ((246, 234, 190), (236, 214, 160)),
    "snow": ((224, 228, 238), (245, 247, 252)),
}


@dataclasses.dataclass(frozen=True)
class Thing:
    """One thing to draw.

    Attributes:
      kind: a key of `SHAPES`.
      colour: a key of `COLOURS`.
      size: width of its square, in pixels.
      x, y: its centre, in pixels from the left and the top.
      turn: degrees, clockwise.
      flipped: mirrored, left for right.
    """

    kind: str
    colour: str
    size: int
    x: int
    y: int
    turn: int = 0
    flipped: bool = False


def render(background: str, things: list[Thing], generator: np.random.Generator) -> np.ndarray:
    """The picture.

    Args:
      background: a key of `BACKGROUNDS`.
      things: what to draw, the first at the back.
      generator: for the noise and the slight variation of colours and light.

    Returns:
      uint8 [64, 64, 3], red, green, blue.
    """
    top, bottom = np.array(BACKGROUNDS[background], dtype=np.float32)
    slope = np.linspace(0, 1, SIZE, dtype=np.float32)[:, None, None]
    canvas = (top + (bottom - top) * slope) * np.ones((1, SIZE, 1), np.float32)
    canvas += generator.uniform(-14, 14, 3).astype(np.float32)
    _sprinkle(canvas, generator)
    for thing in things:
        ink = np.asarray(_ink(thing), dtype=np.float32)[:, :, None] / 255  # [64, 64, 1]
        colour = np.array(COLOURS[thing.colour], np.float32) + generator.uniform(-18, 18, 3).astype(
            np.float32
        )
        shade = 1 - generator.uniform(0, 0.2) * slope
        canvas += ink * (colour * shade - canvas)
    canvas += generator.standard_normal(canvas.shape, dtype=np.float32) * generator.uniform(3, 12)
    return np.clip(canvas, 0, 255).astype(np.uint8)


def png(picture: np.ndarray) -> bytes:
    """A picture, uint8 [height, width, 3], as the bytes of a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _sprinkle(canvas: np.ndarray, generator: np.random.Generator) -> None:
    """Specks of light and dark on the background: pebbles, flakes, blades."""
    count = int(generator.integers(4, 14))
    rows, columns = generator.integers(0, SIZE - 2, (2, count))
    for row, column, light in zip(rows, columns, generator.uniform(-45, 45, count), strict=True):
        canvas[row : row + 2, column : column + 2] += light


def _ink(thing: Thing) -> Image.Image:
    """How much of each pixel the thing covers, 0 to 255."""
    fine = Image.new("L", (SIZE * _FINE, SIZE * _FINE))
    pen = ImageDraw.Draw(fine)
    angle = np.radians(thing.turn)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    scale = np.array([-1.0 if thing.flipped else 1.0, 1.0])
    for adds, points in SHAPES[thing.kind]:
        placed = ((points * scale) @ turn * thing.size / 2 + (thing.x, thing.y)) * _FINE
        pen.polygon(placed.ravel().tolist(), fill=255 if adds else 0)
    return fine.reduce(_FINE)
