"""The picture of the demo: a row for each problem, and what is wrong stands out."""

import importlib.util
import io
import pathlib

import numpy as np
import PIL.Image
import pytest

FILE = pathlib.Path(__file__).parents[2] / "tools" / "demo_picture.py"


@pytest.fixture(scope="module")
def demo_picture():
    spec = importlib.util.spec_from_file_location("demo_picture", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def row(inputs, output, right):
    shown = {"inputs": inputs, "output": output, "right": right, "text": isinstance(inputs, str)}
    return {**shown, "command": "to_english", "score": "97.2", "metric": "BLEU"}


def test_rows(demo_picture):
    png = io.BytesIO()
    PIL.Image.new("RGB", (8, 8), "red").save(png, "png")
    sound = np.sin(np.arange(8000) / 5).astype(np.float32)
    rows = [row("eins", "one", True), row(png.getvalue(), "red", False), row(sound, "hum " * 60, True)]
    figure = demo_picture.draw(rows)
    colors = {text.get_text(): text.get_color() for text in figure.texts}
    assert colors["one"] == demo_picture.RIGHT and colors["red"] == demo_picture.WRONG
    assert len(figure.axes) == 2 and len(figure.axes[0].images) == 1
    assert sum("97.2" in text for text in colors) == 1
    assert max(len(line) for text in colors for line in text.splitlines()) <= demo_picture.WIDTH
    assert demo_picture.height_of(rows[2]) > demo_picture.height_of(rows[1])
