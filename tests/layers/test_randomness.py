"""Stateless draws: the same seed gives the same step, and no two draws of a step are the same."""

import threading

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.layers import randomness

ONES = tf.ones([40, 50])


def draws(seed, count=2, rate=0.3):
    with randomness.scope(tf.constant(seed)):
        return [randomness.dropout(ONES, rate, True).numpy() for _ in range(count)]


def test_the_same_seed_gives_the_same_masks():
    for one, other in zip(draws([1, 2]), draws([1, 2]), strict=True):
        assert (one == other).all()


def test_other_seeds_and_other_draws_give_other_masks():
    first, second = draws([1, 2])
    for other in (second, *draws([1, 3]), *draws([2, 2])):
        assert 0.3 < np.mean((first == 0) != (other == 0)) < 0.54  # 2 x 0.3 x 0.7 = 0.42 where independent


def test_outside_a_scope_draws_differ_and_follow_the_global_seed():
    one, other = (randomness.dropout(ONES, 0.3, True).numpy() for _ in range(2))
    assert (one != other).any()
    again = []
    for _ in range(2):
        tf.random.set_seed(5)
        again.append(randomness.dropout(ONES, 0.3, True).numpy())
    assert (again[0] == again[1]).all()


@pytest.mark.parametrize("rate", [0.1, 0.4])
def test_dropout_drops_at_its_rate_and_keeps_the_mean(rate):
    (y,) = draws([3, 4], 1, rate)
    assert abs(np.mean(y == 0) - rate) < 5 * (rate * (1 - rate) / y.size) ** 0.5
    np.testing.assert_allclose(y[y != 0], 1 / (1 - rate), rtol=1e-6)


def test_no_dropout_outside_training_or_at_rate_zero():
    assert randomness.dropout(ONES, 0.3, False) is ONES
    assert randomness.dropout(ONES, 0.0, True) is ONES


def test_scopes_of_threads_are_apart():
    """Replicas of a step are threads; so are calls of a server."""
    seeds = ([1, 2], [3, 4], [5, 6])
    alone = [draws(seed) for seed in seeds]
    barrier, together = threading.Barrier(len(seeds)), {}

    def draw(number):
        with randomness.scope(tf.constant(seeds[number])):
            together[number] = []
            for _ in range(2):
                barrier.wait()
                together[number].append(randomness.dropout(ONES, 0.3, True).numpy())

    threads = [threading.Thread(target=draw, args=(number,)) for number in range(len(seeds))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, expected in enumerate(alone):
        np.testing.assert_array_equal(together[number], expected)


def test_a_scope_ends_and_scopes_nest():
    with randomness.scope(tf.constant([1, 2])):
        randomness.next_seed()
        with randomness.scope(tf.constant([1, 2])):
            inner = randomness.next_seed()
        outer = randomness.next_seed()
    with randomness.scope(tf.constant([1, 2])):
        expected = [randomness.next_seed().numpy().tolist() for _ in range(2)]
    assert [inner.numpy().tolist(), outer.numpy().tolist()] == expected


def test_one_function_draws_anew_for_each_seed():
    @tf.function
    def step(seed):
        with randomness.scope(seed):
            return randomness.dropout(ONES, 0.3, True)

    first, again, other = (step(tf.constant(s)).numpy() for s in ([1, 2], [1, 2], [1, 3]))
    assert (first == again).all() and (first != other).any()
    assert (first == draws([1, 2])[0]).all()
