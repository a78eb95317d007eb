"""The categorical net against the exit flow's formula, with and without a grid, masks, and its loss."""

import numpy as np
import pytest
import tensorflow as tf

from t2tlite import registry
from t2tlite.modality import Representation

from ..layers import reference
from ..models import tiny

MASK = np.array([[True] * 5 + [False] * 4, [True] * 9])


@pytest.fixture(scope="module")
def net():
    modality_net = registry.get("modality", "categorical").from_hparams(tiny.HPARAMS, size=5)
    modality_net.build(None)
    return tiny.randomise(modality_net)


def test_a_grid_is_read_in_two_dimensions(net):
    x, w = tiny.noise(2, 12, 16), reference.weights(net)
    logits = net.top(Representation(x, None, (4, 3)))
    tiny.close(logits, [reference.categorical_exit_flow(row.reshape(4, 3, 16), w) for row in x.numpy()])
    assert not tiny.same(net.top(Representation(x, None, (3, 4))), logits)


@pytest.mark.parametrize("mask", [None, MASK])
def test_a_sequence_is_read_as_a_grid_of_width_one(net, mask):
    x, w = tiny.noise(2, 9, 16), reference.weights(net)
    rows = [None, None] if mask is None else mask
    expected = [
        reference.categorical_exit_flow(row[:, None], w, m)
        for row, m in zip(np.float64(x), rows, strict=True)
    ]
    tiny.close(net.top(Representation(x, mask)), expected)


def test_padding_changes_nothing(net):
    x = tiny.noise(2, 9, 16)
    longer = tf.concat([x, 9 * tiny.noise(2, 4, 16)], axis=1)
    padded = net.top(Representation(longer, np.pad(MASK, [[0, 0], [0, 4]])))
    tiny.close(padded, net.top(Representation(x, MASK)))


def test_the_widths_keep_the_papers_proportion(net):
    assert [net.h4.filters, net.h5.filters] == [24, 32]
    paper = registry.get("modality", "categorical").from_hparams(
        tiny.HPARAMS.replace(hidden_size=1024), size=5
    )
    assert [paper.h4.filters, paper.h5.filters] == [1536, 2048]


def test_labels_make_the_net():
    cls = registry.get("modality", "categorical")
    keys = [
        cls.sharing(None, "targets", None, names)
        for names in (("a", "b"), ("b", "a"), ("ab",), ("a b",), ("a", "b", "c"))
    ]
    assert len(set(keys)) == 5
    assert [size for _, size in keys] == [2, 2, 1, 1, 3]
    assert cls.sharing(None, "targets", None, ("a", "b")) == keys[0]
