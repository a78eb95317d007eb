"""The k greatest numbers against sorting."""

import numpy as np
import pytest

from t2tlite.decoding.search.fast_top_k import fast_top_k


@pytest.mark.parametrize("size", [5, 1024, 2048, 2051, 8191])
@pytest.mark.parametrize("k", [1, 5])
def test_the_greatest_by_sorting(size, k):
    x = np.random.default_rng(size).normal(size=(3, 4, size)).astype(np.float32)
    x[0, 0, -1] = 9  # in the last group, which may be filled up
    x[0, 1] = -np.inf
    x[0, 2, : size // 2] = 7  # equal ones
    x[1, 0, 3:] = -np.inf  # fewer than k
    values, places = (y.numpy() for y in fast_top_k(x, k))
    np.testing.assert_array_equal(values, -np.sort(-x, axis=-1)[..., :k])
    np.testing.assert_array_equal(
        np.take_along_axis(x, places, axis=-1)[values > -np.inf], values[values > -np.inf]
    )
    assert all(len(set(row)) == k for row in places[values.min(-1) > -np.inf]), "none twice"
