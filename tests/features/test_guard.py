"""Reading that may raise: what is read, what failed, whatever the batch."""

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.features.guard import guarded

MADE = tf.TensorSpec([None, 2], tf.float32), tf.TensorSpec([], tf.int32)


def read(content):
    """So many rows of a number as the text has digits; raises where it is none."""
    number = tf.strings.to_number(content)
    count = tf.strings.length(content)
    return tf.fill([count, 2], number), count


@pytest.fixture(scope="module")
def function():
    return tf.function(
        lambda contents: guarded(read, contents, MADE),
        input_signature=[tf.TensorSpec([None], tf.string)],
        autograph=False,
    )


@pytest.mark.parametrize(
    "contents", [["1", "x", "222", "", "33"], ["x"], ["7"], [], [str(n) if n % 3 else "?" for n in range(50)]]
)
def test_each_is_read_or_fails_alone(function, contents):
    rows, counts, ok = function(tf.constant(contents, tf.string))
    good = [text.isdigit() for text in contents]
    assert ok.numpy().tolist() == good
    assert counts.numpy().tolist() == [
        len(text) if fine else 0 for text, fine in zip(contents, good, strict=True)
    ]
    longest = max((len(text) for text, fine in zip(contents, good, strict=True) if fine), default=0)
    expected = np.zeros([len(contents), longest, 2], np.float32)
    for row, text, fine in zip(expected, contents, good, strict=True):
        if fine:
            row[: len(text)] = float(text)
    np.testing.assert_array_equal(rows, expected)
