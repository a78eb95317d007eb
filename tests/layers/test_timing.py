"""The timing signal against its formula."""

import numpy as np
import pytest

from t2tlite.layers.timing import timing_signal

from ..models import tiny
from . import reference


@pytest.mark.parametrize(("length", "depth", "start"), [(1, 2, 0), (50, 16, 0), (3, 512, 7)])
def test_the_signal_is_the_formula(length, depth, start):
    tiny.close(timing_signal(length, depth, start), reference.timing(length, depth, start))


def test_no_two_positions_are_alike():
    signal = timing_signal(256, 16).numpy()
    distance = np.linalg.norm(signal[:, None] - signal[None], axis=-1)
    assert distance[~np.eye(256, dtype=bool)].min() > 0.1
