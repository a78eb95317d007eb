"""Plots of attention and of the experts' choice: over units of text, on an image, along a sound."""

import functools
import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from t2tlite.data.media import audio
from t2tlite.decoding.inspection.font_fallback import FontFallback
from t2tlite.decoding.inspection.panels import Panel
from t2tlite.features.positions import Positions

_CELL = 0.26  # inches of a unit
_LINE = 0.15  # inches of a line of labels
_TILE = 1.1  # inches of an image
_TILE_PIXELS = 96
_ACROSS = 10  # images beside one another
_WIDTH = 24.0  # inches within which panels stand beside one another
_LARGEST = 14.0  # inches of a panel; more units get narrower cells
_PIXELS = 30e6  # of a picture; a larger one gets coarser
_SIDE = 30000  # pixels; Agg draws at most 65536


def draw(title: str, groups: Sequence[list[Panel]], format: str = "png") -> bytes:
    """Panels as an image file.

    Args:
      title: above all of them.
      groups: of panels that belong together; each begins a new line.
      format: "png", "svg" or "pdf".
    """
    panels = [panel for group in groups for panel in group]
    labels = (text for panel in panels for text in (*panel.rows, *panel.columns.units, panel.title))
    fonts = FontFallback([title, *labels])
    lines = [line for group in groups for line in _lines(group)]
    sound = next((panel.columns for panel in panels if panel.columns.seconds), None)
    heights = [max(_size(panel)[1] for panel in line) for line in lines]
    width = max(3.0, *(sum(_size(panel)[0] for panel in line) for line in lines))
    if sound:
        heights.insert(0, 1.6)
    figure = Figure(figsize=(width, sum(heights) + 0.4), layout="constrained")
    FigureCanvasAgg(figure)
    _write(figure.suptitle, fonts.shown(title, max(24, int(10 * width))), fonts, 10)
    across = max(map(len, lines))
    grid = figure.add_gridspec(len(heights), across, height_ratios=heights)
    if sound:
        _spectrogram(figure.add_subplot(grid[0, :]), sound)
    for row, line in enumerate(lines, 1 if sound else 0):
        for column, panel in enumerate(line):
            place = slice(None) if len(line) == 1 else column
            axes = figure.add_subplot(grid[row, place])
            _draw(axes, panel, fonts)
    buffer = io.BytesIO()
    figure.savefig(buffer, format=format, dpi=_dots(figure))
    return buffer.getvalue()


def _lines(group: list[Panel]) -> list[list[Panel]]:
    """Panels that stand beside one another. Those of an image or a sound are wide and stand alone."""
    alone = group[0].columns.grid or group[0].columns.seconds
    fit = 1 if alone else max(1, int(_WIDTH / _size(group[0])[0]))
    return [group[start : start + fit] for start in range(0, len(group), fit)]


def _size(panel: Panel) -> tuple[float, float]:
    """Width and height in inches, labels included."""
    rows, columns = panel.weights.shape
    if panel.columns.grid:
        across = min(rows, _ACROSS)
        return max(5.0, across * _TILE), -(-rows // _ACROSS) * (_TILE + _LINE) + 0.4
    left = 0.09 * max(map(len, panel.rows)) + 0.3
    high = min(max(1.0, _CELL * rows), _LARGEST) + 0.5
    if panel.columns.seconds:
        return left + 8.0, high + 0.2
    below = 0.08 * max(map(len, panel.columns.units), default=3)
    return left + min(max(2.6, _CELL * columns), _LARGEST), high + below


def _dots(figure: Figure) -> float:
    """Dots an inch: 100, or as many as keep the picture within bounds."""
    width, height = figure.get_size_inches()
    return min(100.0, _SIDE / max(width, height), (_PIXELS / (width * height)) ** 0.5)


def _draw(axes: Any, panel: Panel, fonts: FontFallback) -> None:
    _write(axes.set_title, fonts.shown(panel.title, 80), fonts, 8)
    if panel.columns.grid:
        _on_an_image(axes, panel, fonts)
    elif panel.columns.seconds:
        _along_a_sound(axes, panel, fonts)
    else:
        _over_units(axes, panel, fonts)


def _over_units(axes: Any, panel: Panel, fonts: FontFallback) -> None:
    axes.imshow(panel.weights, cmap="Blues", vmin=0, aspect="auto", interpolation="nearest")
    width, _ = _size(panel)
    columns = panel.columns.units or tuple(map(str, range(panel.columns.count)))
    _label(axes.set_xticks, columns, width, fonts, rotation=90)
    _label_rows(axes, panel, fonts)


def _along_a_sound(axes: Any, panel: Panel, fonts: FontFallback) -> None:
    end, seconds = _duration(panel.columns), panel.columns.seconds
    step = seconds[1] if len(seconds) > 1 else end
    extent = (0, step * len(seconds), len(panel.rows) - 0.5, -0.5)
    axes.imshow(panel.weights, cmap="Blues", vmin=0, aspect="auto", interpolation="nearest", extent=extent)
    axes.set_xlim(0, end)
    axes.tick_params(axis="x", labelsize=7)
    axes.set_xlabel("seconds", fontsize=7)
    _label_rows(axes, panel, fonts)


def _label_rows(axes: Any, panel: Panel, fonts: FontFallback) -> None:
    _label(axes.set_yticks, panel.rows, _size(panel)[1], fonts)


def _label(
    set_ticks: Callable, labels: Sequence[str], inches: float, fonts: FontFallback, **more: Any
) -> None:
    """Labels every position, or every second, third ... where there is no room."""
    step = max(1, round(len(labels) * _LINE / inches))
    places = range(0, len(labels), step)
    shown = [fonts.shown(labels[i]) for i in places]
    set_ticks(places, shown, fontsize=7, fontfamily=fonts.fonts, parse_math=False, **more)


def _duration(sound: Positions) -> float:
    return len(_content(sound)) / audio.SAMPLE_RATE


def _content(positions: Positions) -> np.ndarray:
    """What the model read; an image and a sound have it."""
    assert positions.content is not None
    return positions.content


def _spectrogram(axes: Any, sound: Positions) -> None:
    """The sound's energy below 8 kHz over time, in decibels below the loudest, at least 80."""
    window = np.hanning(400)
    samples = np.pad(_content(sound), (0, max(0, 400 - len(_content(sound)))))
    frames = np.lib.stride_tricks.sliding_window_view(samples, 400)[::160] * window  # [frames, 400]
    decibels = 10 * np.log10(np.abs(np.fft.rfft(frames, 512)).T ** 2 + 1e-9)  # [257, frames]
    extent = (0, _duration(sound), 0, audio.SAMPLE_RATE / 2000)
    top = decibels.max()
    axes.imshow(decibels, cmap="magma", origin="lower", aspect="auto", vmin=top - 80, vmax=top, extent=extent)
    axes.set_ylabel("kHz", fontsize=7)
    axes.tick_params(labelsize=7)


def _on_an_image(axes: Any, panel: Panel, fonts: FontFallback) -> None:
    """An image for each row, one beside another, the brighter the more weight lies on a place."""
    tiles = [_tile(panel.columns, row) for row in panel.weights]
    gap = round(_TILE_PIXELS * _LINE / _TILE)
    across = max(min(len(tiles), _ACROSS), round(_size(panel)[0] / _TILE))
    down = -(-len(tiles) // across)
    mosaic = np.ones((down * (_TILE_PIXELS + gap), across * (_TILE_PIXELS + 2), 3))
    for i, (tile, label) in enumerate(zip(tiles, panel.rows, strict=True)):
        top, left = (i // across) * (_TILE_PIXELS + gap) + gap, (i % across) * (_TILE_PIXELS + 2)
        mosaic[top : top + _TILE_PIXELS, left : left + _TILE_PIXELS] = tile
        write = functools.partial(axes.text, left + _TILE_PIXELS / 2, top - 2, ha="center", va="bottom")
        _write(write, fonts.shown(label, 14), fonts, 7)
    axes.imshow(mosaic, interpolation="bilinear")
    axes.set_axis_off()


def _tile(image: Positions, weights: np.ndarray) -> np.ndarray:
    """`[pixels, pixels, 3]`: the image in gray, with the weights `[positions]` of its grid in color."""
    grey = _resized(_content(image).mean(axis=-1))
    heat = _resized(weights.reshape(image.grid))
    heat = np.clip(heat / max(heat.max(), 1e-9), 0, 1)[..., None]
    return (1 - 0.7 * heat) * (0.15 + 0.6 * grey[..., None]) + 0.7 * heat * colormaps["inferno"](
        heat[..., 0]
    )[..., :3]


def _resized(values: np.ndarray) -> np.ndarray:
    from PIL import Image

    whole = Image.fromarray(np.ascontiguousarray(values, np.float32))
    return np.asarray(whole.resize((_TILE_PIXELS, _TILE_PIXELS), Image.Resampling.BILINEAR))


def _write(set_text: Callable, text: str, fonts: FontFallback, size: float) -> None:
    set_text(text, fontsize=size, fontfamily=fonts.fonts, parse_math=False)
