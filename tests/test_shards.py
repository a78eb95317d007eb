"""Shards: which part of a variable each replica holds."""

import numpy as np
import pytest

from t2tlite import shard_values, shards
from t2tlite.shards import Group, Shard

SHAPES = [((5, 3), 0, 2), ((9, 2), 0, 8), ((2, 7), 1, 4), ((4, 4), 0, 4), ((3,), 0, 1)]


@pytest.mark.parametrize(("shape", "axis", "replicas"), SHAPES)
def test_the_parts_are_the_whole_in_order(shape, axis, replicas):
    whole = np.arange(np.prod(shape)).reshape(shape)
    shard = Shard(shape, axis, Group(replicas))
    parts = [shard.cut(whole, shard.span(replica)) for replica in range(replicas)]
    np.testing.assert_array_equal(np.concatenate(parts, axis), whole)
    assert all(part.shape[axis] <= shard.part_shape[axis] for part in parts)
    assert shard.length * (replicas - 1) < shape[axis] + shard.length * replicas


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_what_the_processes_hold_is_the_whole(workers):
    whole = np.arange(14).reshape(7, 2)
    held = []
    for worker in range(workers):
        shard = Shard((7, 2), 0, Group(4, workers, worker))
        assert len(shard.group.here) == 4 // workers
        held.append(shard.cut(whole, shard.span_here))
    np.testing.assert_array_equal(np.concatenate(held), whole)


def held_by(shard, zeros=False):
    """A Keras variable and its parts on this process, as tf.distribute has them; filled with 0, 1, ..."""
    import keras
    import tensorflow as tf

    variable = keras.Variable(np.zeros(shard.part_shape, np.float32), name="kernel")
    variable.shard = shard
    variable.parts = tuple(tf.Variable(tf.fill(shard.part_shape, -1.0)) for _ in shard.group.here)
    if not zeros:
        shard_values.assign(variable, np.arange(np.prod(shard.shape), dtype=np.float32).reshape(shard.shape))
    return variable


@pytest.mark.parametrize(("shape", "axis", "replicas"), SHAPES)
def test_values_are_set_and_read_on_all_replicas_of_a_process(shape, axis, replicas):
    variable = held_by(Shard(shape, axis, Group(replicas)))
    whole = np.arange(np.prod(shape)).reshape(shape)
    np.testing.assert_array_equal(shard_values.here(variable), whole)
    filled_up = np.concatenate(variable.parts, axis)
    rest = np.delete(filled_up, np.arange(shape[axis]), axis)
    assert not rest.any()  # zeros, which take no part in a norm
    shard_values.set_here(variable, -shard_values.here(variable))
    np.testing.assert_array_equal(shard_values.here(variable), -whole)


def test_the_size_is_that_of_the_whole_variable():
    variable = held_by(Shard((5, 3), 0, Group(2)))
    assert shards.whole_shape(variable) == (5, 3) and shards.size([variable, variable]) == 30
