"""The image net against the entry flow's formula, and its sizes."""

import numpy as np
import pytest

from t2tlite import hparam, registry

from ..layers import reference
from ..models import tiny


def built(**changes):
    net = registry.get("modality", "image").from_hparams(tiny.HPARAMS.replace(**changes))
    net.build(None)
    return tiny.randomise(net)


@pytest.mark.parametrize("complement", [True, False])
def test_the_net_is_the_entry_flow(complement):
    net = built(image_complement=complement)
    images = tiny.batch("pictures", 2)["inputs"][:, :20, :33]
    x, mask, grid = net.bottom({"inputs": images}, "inputs")
    assert mask is None and tuple(grid) == (2, 3)
    for row, image in enumerate(np.float64(images)):
        read = np.concatenate([image, 1 - image], axis=-1) if complement else image
        expected, size = reference.image_entry_flow(read, reference.weights(net))
        assert size == (2, 3)
        tiny.close(x[row], expected)


def test_an_image_of_the_paper_has_361_positions():
    """Only the three strides and the last width matter for that, so all other widths are small here."""
    hparams = hparam.get("multimodel_paper").replace(image_widths=(2, 2, 2, 2))
    net = registry.get("modality", "image").from_hparams(hparams)
    net.build(None)
    x, _, grid = net.bottom({"inputs": np.zeros((1, 299, 299, 3), np.float32)}, "inputs")
    assert x.shape == (1, 361, 1024)
    assert tuple(grid) == (19, 19)
    assert hparam.get("multimodel_paper").image_size == 299
    assert hparam.get("multimodel_paper").image_widths == (32, 64, 128, 256)


@pytest.mark.parametrize("size", [1, 16, 17])
def test_any_size_is_read(size):
    x, _, grid = built().bottom({"inputs": np.zeros((2, size, size, 3), np.float32)}, "inputs")
    side = -(-size // 16)
    assert x.shape == (2, side * side, 16) and tuple(grid) == (side, side)


def test_dark_and_bright_differ():
    net = built()
    dark, bright = (
        net.bottom({"inputs": np.full((1, 33, 33, 3), v, np.float32)}, "inputs").x for v in (0.1, 0.9)
    )
    assert not tiny.same(dark, bright)
