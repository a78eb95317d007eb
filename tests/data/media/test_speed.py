"""Sounds at other speeds, against NumPy's interpolation."""

import numpy as np
import tensorflow as tf

from t2tlite.data.media import speed

LENGTHS = np.array([100, 90, 37, 1], np.int32)


def sounds(longest=100):
    generator = np.random.default_rng(0)
    mask = np.arange(longest) < LENGTHS[:, None]
    return (generator.normal(size=(4, longest)) * mask).astype(np.float32)


def test_lines_between_samples():
    samples = sounds()
    speeds = np.array([1.1, 0.95, 0.9, 1.1], np.float32)
    result, lengths = speed.changed(tf.constant(samples), tf.constant(LENGTHS), tf.constant(speeds))
    np.testing.assert_array_equal(lengths, [91, 95, 41, 1])
    for row, length, old, new in zip(result.numpy(), LENGTHS, samples, lengths.numpy(), strict=True):
        expected = np.interp(np.arange(new) * length / new, np.arange(100), old)
        np.testing.assert_allclose(row[:new], expected, atol=1e-6)
        assert not row[new:].any()


def test_at_its_own_speed_a_sound_stays_what_it_is():
    samples = sounds()
    result, lengths = speed.changed(tf.constant(samples), tf.constant(LENGTHS), tf.ones([4]))
    np.testing.assert_array_equal(result, samples)
    np.testing.assert_array_equal(lengths, LENGTHS)


def test_a_slower_sound_is_no_longer_than_the_padding():
    result, lengths = speed.changed(tf.constant(sounds()), tf.constant(LENGTHS), tf.fill([4], 0.5))
    np.testing.assert_array_equal(lengths, [100, 100, 74, 2])
    np.testing.assert_array_equal(result[0], sounds()[0])


def test_long_sounds_keep_their_pitch():
    """At 30 seconds positions need more than float32."""
    place = np.arange(480_000)
    samples = tf.constant(np.sin(place * 0.05)[None], tf.float32)
    result, lengths = speed.changed(samples, tf.constant([480_000]), tf.constant([1.1]))
    new = lengths.numpy()[0]
    expected = np.sin(np.arange(new) * (480_000 / new) * 0.05)
    np.testing.assert_allclose(result[0, : new - 1], expected[: new - 1], atol=1e-3)


def test_the_three_speeds_are_as_likely():
    seeds = tf.stack([tf.zeros([3000], tf.int64), tf.range(3000, dtype=tf.int64)], axis=1)
    drawn = speed.drawn(seeds, 0.1).numpy()
    values, counts = np.unique(drawn, return_counts=True)
    np.testing.assert_allclose(values, [0.9, 1.0, 1.1], rtol=1e-6)
    assert (abs(counts - 1000) < 130).all()  # five standard deviations
    np.testing.assert_array_equal(speed.drawn(seeds[::-1], 0.1), drawn[::-1])
