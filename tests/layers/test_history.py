"""History against lists of what was written, and writing in place within a graph."""

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.layers import history
from t2tlite.layers.history import History

ROWS, LENGTH = 4, 11


def values(length=LENGTH):
    return np.arange(length * ROWS * 2, dtype=np.float32).reshape(length, ROWS, 2) + 1


@pytest.mark.parametrize("slots", [1, 3, LENGTH])
@pytest.mark.parametrize("chunks", [(1,) * LENGTH, (4, 1, 6), (LENGTH,)])
def test_a_ring_keeps_the_last_positions(slots, chunks):
    one, written = history.empty(slots, ROWS, [2], tf.float32), 0
    for count in chunks:
        new = values()[written : written + count]
        one = history.append(one, new[0]) if count == 1 else history.write(one, new)
        written += count
        positions = np.arange(written - slots, written)
        expected = [values()[p] if p >= 0 else np.zeros((ROWS, 2)) for p in positions]
        np.testing.assert_array_equal(history.read(one, tf.constant(positions, tf.int32)), expected)
    assert one.position == LENGTH
    if slots == LENGTH:
        np.testing.assert_array_equal(history.read_all(one), values())


@pytest.mark.parametrize("moves", [False, True])
def test_all_that_was_written_is_read_and_nothing_else(moves):
    one = history.write(history.empty(LENGTH, ROWS, [2], tf.float32), values()[:4])
    expected = values()[:4]
    if moves:
        origin = np.random.default_rng(0).integers(0, ROWS, (LENGTH, ROWS)).astype(np.int32)
        one = one._replace(origin=tf.constant(origin))
        expected = [values()[p][origin[p]] for p in range(4)]
    np.testing.assert_array_equal(history.read_all(one), expected)


@pytest.mark.parametrize("slots", [3, LENGTH])
def test_rows_that_change_places_take_their_past_along(slots):
    """In a loop of a graph, as a search does it, against lists that are moved."""
    parents = np.random.default_rng(0).integers(0, ROWS, (LENGTH, ROWS)).astype(np.int32)

    @tf.function(autograph=False)
    def run():
        def step(position, entries, origin, window_of_row, everything):
            origin = tf.tensor_scatter_nd_update(origin, [[position]], tf.range(ROWS)[None])
            one = history.append(History(entries, position, origin), tf.gather(values(), position))
            window = history.read(one, position - tf.range(slots))
            one = history.after(one, window)
            total = tf.reduce_sum(history.read_all(one), 0) if slots == LENGTH else tf.zeros([ROWS, 2])
            window_of_row = tf.tensor_scatter_nd_update(window_of_row, [[position]], window[None])
            everything = tf.tensor_scatter_nd_update(everything, [[position]], total[None])
            origin = tf.gather(origin, tf.gather(parents, position), axis=1)
            return position + 1, one.entries, origin, window_of_row, everything

        start = history.empty(slots, ROWS, [2], tf.float32).entries
        return tf.while_loop(
            lambda position, *_: position < LENGTH,
            step,
            (
                tf.constant(0),
                start,
                tf.zeros([LENGTH, ROWS], tf.int32),
                tf.zeros([LENGTH, slots, ROWS, 2]),
                tf.zeros([LENGTH, ROWS, 2]),
            ),
        )[3:]

    for _ in range(2):  # the second call finds nothing of the first
        window_of_row, everything = run()
        past = [[] for _ in range(ROWS)]
        for position in range(LENGTH):
            past = [[*one, values()[position][row]] for row, one in enumerate(past)]
            for back in range(slots):
                expected = [one[-1 - back] if back < len(one) else np.zeros(2) for one in past]
                np.testing.assert_array_equal(window_of_row[position, back], expected)
            if slots == LENGTH:
                np.testing.assert_array_equal(everything[position], [np.sum(one, axis=0) for one in past])
            past = [past[parent] for parent in parents[position]]


def test_equal_histories_are_not_one():
    """What is written in place must not be seen in another that began with the same zeros."""

    @tf.function(autograph=False)
    def run():
        first, second = (history.empty(3, 2, [1], tf.float32) for _ in range(2))
        first = history.append(first, tf.ones([2, 1]))
        return first.entries, second.entries

    for _ in range(2):
        first, second = run()
        assert tf.reduce_sum(first) == 2 and not second.numpy().any()


def test_map_state_finds_histories_in_any_nesting():
    one = history.empty(2, 3, [1], tf.float32)
    state = ((one, tf.constant(1)), {"a": [one, tf.constant(2)]}, ())
    actual = history.map_state(lambda h: "history", lambda x: int(x), state)
    assert actual == (("history", 1), {"a": ["history", 2]}, ())
