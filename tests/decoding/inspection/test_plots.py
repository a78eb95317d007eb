"""Pictures of views: what is drawn follows the weights, and stays within bounds whatever the view."""

import io
import warnings

import numpy as np
import PIL.Image
import pytest

from t2tlite.decoding.inspection import plots
from t2tlite.decoding.inspection.results import Positions

from . import looks


@pytest.fixture(autouse=True)
def no_warnings():
    """Matplotlib warns of missing characters, of labels that do not fit, and of much else."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def pixels(picture: bytes) -> np.ndarray:
    assert picture.startswith(b"\x89PNG\r\n")
    return np.asarray(PIL.Image.open(io.BytesIO(picture)).convert("RGB"), np.float64)


@pytest.mark.parametrize("make", [looks.attention, looks.experts])
@pytest.mark.parametrize("kind", looks.INPUTS)
def test_a_picture_follows_its_weights(kind, make):
    one, other = (pixels(make(kind, seed=seed).picture()) for seed in (0, 5))
    assert one.shape == other.shape and 0.01 < np.mean(one != other) < 0.9
    assert one.std() > 10  # not empty


def test_an_attention_map_shows_the_weights_where_they_are():
    """With weight 1 on the diagonal alone, the dark cells of the first panel run from corner to corner."""
    view = looks.attention(inputs=Positions(4, looks.OUTPUTS), heads=1)
    for name in view.weights:
        view.weights[name] = np.eye(4, dtype=np.float32)[None]
    image = pixels(view.picture())
    dark = np.abs(image - np.array([8, 48, 107])).max(axis=-1) < 3  # the end of the colour map
    down, across = np.nonzero(dark[:, : dark.shape[1] // 2])
    assert np.corrcoef(down, across)[0, 1] > 0.9
    assert dark.sum() > 1000


def test_an_image_is_seen_where_no_weight_is():
    """The grey of a tile is the picture's; the colour is where the weight is."""
    positions = Positions(
        4, grid=(2, 2), content=np.linspace(0, 1, 300).reshape(10, 10, 3).astype(np.float32)
    )
    tile = plots._tile(positions, np.array([0, 0, 0, 1.0]))
    colour = tile.max(axis=-1) - tile.min(axis=-1)
    assert colour[:20, :20].max() < 1e-6 and colour[70:, 70:].max() > 0.2
    assert tile[2, 10].mean() < tile[20, 10].mean()
    assert 0 <= tile.min() and tile.max() <= 1


def test_the_same_view_gives_the_same_picture():
    assert looks.attention().picture() == looks.attention().picture()


def test_heads():
    mean, every = (pixels(looks.attention(heads=5).picture(heads)) for heads in (False, True))
    assert every.size > 3 * mean.size


def test_only_self_attention():
    view = looks.attention()
    view.weights.clear()
    assert pixels(view.picture()).std() > 10


@pytest.mark.parametrize("units", [1, 400])
def test_any_number_of_units(units):
    names = tuple(f"\u2581unit{i}" for i in range(units))
    view = looks.attention(outputs=names, inputs=Positions(units, names))
    del view.weights["mixer/attention"]
    image = pixels(view.picture())
    assert max(image.shape) < 4000


def test_many_tiles_and_no_sound_shorter_than_a_window():
    outputs = tuple(map(str, range(45)))
    assert pixels(looks.attention("image", outputs).picture()).shape[1] < 1500
    click = Positions(1, seconds=(0.0,), content=np.zeros(30, np.float32))
    assert pixels(looks.attention(inputs=click).picture()).std() > 10


def test_a_picture_that_would_be_too_large_gets_coarser(monkeypatch):
    monkeypatch.setattr(plots, "_PIXELS", 1e5)
    assert 0.9e5 < pixels(looks.attention(heads=3).picture(True))[..., 0].size < 1.1e5
    monkeypatch.setattr(plots, "_SIDE", 200)
    assert max(pixels(looks.attention(heads=3).picture(True)).shape) <= 200


def test_of_many_experts_those_that_were_chosen():
    few, many = (pixels(looks.experts(count=count).picture()) for count in (32, 1000))
    assert many.shape[0] < few.shape[0]


@pytest.mark.parametrize(("format", "start"), [("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_other_formats(format, start):
    assert looks.attention().picture(format=format).startswith(start)


def test_any_text():
    """No character stops it, and none is worth a warning."""
    strange = (
        "中文",
        "\u2581שלום",
        "$x^2",
        "\x00\x01\n",
        "\ud800",
        "\U0001f600\u200d\U0001f525",
        "\ue000",
        "%",
        "",
    )
    view = looks.attention(outputs=strange, inputs=Positions(len(strange), strange))
    object.__setattr__(view, "output", "$\\frac{ 中 \ud800\n" * 30)
    assert pixels(view.picture()).std() > 10
    assert view.picture(format="svg").startswith(b"<?xml")
