"""Inputs are batched with those of similar length, and no batch is too large."""

import numpy as np
import pytest

from t2tlite.decoding.batches import batch_by_length


@pytest.mark.parametrize("seed", range(5))
def test_every_input_is_in_one_batch_with_outputs_of_one_length(seed):
    draw = np.random.default_rng(seed)
    read = {int(i): "x" * n for i, n in zip(draw.permutation(60), draw.integers(1, 40, 60), strict=True)}
    room = {i: int(draw.choice([16, 32])) for i in read}
    actual = list(batch_by_length(read, room.get, 8, 100))
    assert sorted(i for _, batch in actual for i in batch) == sorted(read)
    for length, batch in actual:
        assert {room[i] for i in batch} == {length}
        lengths = [len(read[i]) for i in batch]
        assert lengths == sorted(lengths)
        assert len(batch) <= 8 and (len(batch) * lengths[-1] <= 100 or len(batch) == 1)
    for (length, batch), (following, others) in zip(actual, actual[1:], strict=False):
        full = len(batch) == 8 or (len(batch) + 1) * len(read[others[0]]) > 100
        assert full or following != length, "or else the next one would have had a place"


def test_long_inputs_are_alone():
    assert list(batch_by_length({0: "x" * 9, 1: "x" * 9}, lambda i: 16, 8, 10)) == [(16, [0]), (16, [1])]


def test_no_inputs():
    assert list(batch_by_length({}, {}.get, 8, 10)) == []
