"""SpecAugment: what is masked is 0, in bands no wider than asked for, within the sound, by row and step."""

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.layers import randomness
from t2tlite.layers.spec_augment import MASKS, spec_augment

BATCH, LENGTH, BINS = 64, 40, 16
FRAMES = np.array([40, 25, 10, 1] * 16, np.int32)


def masked(time=0.0, frequency=0.0, seed=0):
    """Which entries are masked, `[batch, time, bins]`."""
    with randomness.scope(tf.constant([0, seed])):
        x = spec_augment(tf.ones([BATCH, LENGTH, BINS]), tf.constant(FRAMES), time, frequency)
    assert set(np.unique(x)) <= {0, 1}
    return x.numpy() == 0


def runs(mask):
    """Number of stretches of True in a row."""
    return np.count_nonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])) == 1)


def test_masks_over_time_are_within_the_sound():
    mask = masked(time=0.3)
    assert (mask == mask[:, :, :1]).all()
    for row, frames in zip(mask[:, :, 0], FRAMES, strict=True):
        assert not row[frames:].any()
        assert runs(row) <= MASKS and row.sum() <= MASKS * round(0.3 * frames)
    assert mask[FRAMES == 40].any(axis=(1, 2)).mean() > 0.8  # nearly every sound has one
    assert mask[FRAMES == 40, :, 0].any(axis=0).mean() > 0.8  # and they lie anywhere


def test_masks_over_frequency():
    mask = masked(frequency=0.25)
    assert (mask == mask[:, :1]).all()
    for row in mask[:, 0]:
        assert runs(row) <= MASKS and row.sum() <= MASKS * 4
    assert mask[:, 0].any(axis=0).all()
    assert abs(mask[:, 0].mean() - 0.23) < 0.05  # two masks of 2 of 16 bins on average, which may overlap


@pytest.mark.parametrize("which", [{"time": 0.5}, {"frequency": 0.5}])
def test_it_is_drawn_by_step_and_row(which):
    first = masked(**which)
    assert (first == masked(**which)).all()
    assert (first != masked(seed=1, **which)).any()
    assert len({row.tobytes() for row in first}) > BATCH / 2


def test_off():
    assert not masked().any()
