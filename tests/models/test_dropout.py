"""Dropout of what blocks add and of the input of a stack; see also tests/models/test_components.py."""

import numpy as np
import pytest

from t2tlite.layers import randomness
from t2tlite.models.dropout import branch_dropout, input_dropout

from . import tiny
from .test_components import built, source

BRANCH = tiny.HPARAMS.replace(dropout=0.5, dropout_per="branch")


def test_what_a_block_adds_is_dropped_and_what_it_reads_stays():
    x, y = tiny.noise(8, 20, 16), tiny.noise(8, 20, 16, seed=1)
    result = branch_dropout(x, y, BRANCH, training=True)
    added = np.asarray(result - x)
    stays = np.abs(added) > 0
    assert abs(stays.mean() - 0.5) < 0.05  # 2560 draws: five standard deviations
    tiny.close(added[stays], 2 * (y - x).numpy()[stays])
    np.testing.assert_array_equal(branch_dropout(x, y, BRANCH, training=False), y)


@pytest.mark.parametrize("per", ["block", "stack"])
def test_others_have_no_dropout_there(per):
    x, y = tiny.noise(8, 20, 16), tiny.noise(8, 20, 16, seed=1)
    hparams = BRANCH.replace(dropout_per=per)
    np.testing.assert_array_equal(branch_dropout(x, y, hparams, training=True), y)
    np.testing.assert_array_equal(input_dropout(x, hparams, training=True), x)


@pytest.mark.parametrize("kind", ["encoder", "mixer", "decoder"])
def test_a_stack_has_it_of_its_input_and_of_each_branch(kind, monkeypatch):
    """As often as there are branches, and once more where the input comes in, in encoder and mixer."""
    drawn = []
    draw = randomness._rows

    def counted(*arguments):
        drawn.append(arguments)
        return draw(*arguments)

    layer = built(kind, dropout=0.5, dropout_per="branch", **({} if kind == "mixer" else {"moe": "none"}))
    x = tiny.noise(2, 10, 16)
    arguments = () if kind == "encoder" else (layer.memory(source()),)
    monkeypatch.setattr(randomness, "_rows", counted)
    layer(x, *arguments, training=False)
    assert not drawn
    layer(x, *arguments, training=True)
    blocks = len(layer.blocks)
    assert len(drawn) == {"encoder": 1 + blocks + 1, "mixer": 1 + 1 + blocks, "decoder": 2 * blocks + 1}[kind]
