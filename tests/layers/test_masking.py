"""Masks: zeroes, means over what is there, and no gradient through padding."""

import numpy as np
import tensorflow as tf

from t2tlite.layers.masking import apply_mask, masked_mean

from ..models import tiny

MASK = np.array([[True, True, False], [True, False, False]])


def test_only_padding_is_zeroed():
    for shape in ((2, 3), (2, 3, 4), (2, 3, 4, 5)):
        x = tiny.noise(*shape)
        y = apply_mask(x, MASK).numpy()
        assert (y[~MASK] == 0).all() and (y[MASK] == x.numpy()[MASK]).all()
        assert apply_mask(x, None) is x


def test_the_mean_is_over_what_is_there():
    x = tiny.noise(2, 3, 4)
    tiny.close(masked_mean(x, MASK), [np.mean(x[0, :2], 0), x[1, 0]])
    tiny.close(masked_mean(x, None), np.mean(x, 1))


def test_masks_keep_the_dtype():
    x = tf.cast(tiny.noise(2, 3, 4), tf.bfloat16)
    assert apply_mask(x, MASK).dtype == masked_mean(x, MASK).dtype == tf.bfloat16
    tiny.close(tf.cast(masked_mean(x, MASK), tf.float32)[1], tf.cast(x, tf.float32)[1, 0])


def test_the_mean_of_nothing_is_zero():
    assert not masked_mean(tiny.noise(1, 3, 4), tf.zeros([1, 3], tf.bool)).numpy().any()
