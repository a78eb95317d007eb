"""Chunks: every row that is wanted is computed once, beside others of similar length, and not too many."""

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.export.chunks import in_chunks

MADE = {"name": tf.TensorSpec([None], tf.string), "squares": tf.TensorSpec([None, 2], tf.float32)}


def computed(selected, length, size):
    """The outputs, and the rows of each chunk."""
    chunks = []

    def write(rows):
        tf.numpy_function(lambda here: chunks.append(here.tolist()), [rows], [])
        number = tf.cast(rows, tf.float32)
        return {"name": tf.strings.as_string(rows), "squares": tf.stack([number, number**2], axis=1)}

    @tf.function(autograph=False)
    def function():
        return in_chunks(write, MADE, tf.constant(selected, tf.bool), tf.constant(length, tf.float32), size)

    return {name: value.numpy() for name, value in function().items()}, chunks


@pytest.mark.parametrize("count", [0, 1, 5, 23])
@pytest.mark.parametrize("size", [1, 4, 100])
def test_rows(count, size):
    draw = np.random.default_rng(count)
    selected = draw.random(count) < 0.7
    length = 4 * draw.random(count) ** 2
    actual, chunks = computed(selected, length, size)
    assert actual["name"].tolist() == [str(i).encode() if want else b"" for i, want in enumerate(selected)]
    expected = np.array([[i, i * i] if want else [0, 0] for i, want in enumerate(selected)], np.float32)
    np.testing.assert_array_equal(actual["squares"], expected.reshape(-1, 2))
    assert sorted(sum(chunks, [])) == np.flatnonzero(selected).tolist()
    computed_lengths = [length[i] for i in sum(chunks, [])]
    assert computed_lengths == sorted(computed_lengths, reverse=True)
    for chunk in chunks:
        longest = max(1.0, *(length[i] for i in chunk), 0.0)
        assert len(chunk) == 1 or len(chunk) * longest <= size + 1e-4


def test_inputs_as_long_as_in_training_fill_the_chunks():
    _, chunks = computed([True] * 10, [0.5] * 10, 4)
    assert [len(chunk) for chunk in chunks] == [4, 4, 2]
