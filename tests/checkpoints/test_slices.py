"""Checkpoints of shards: written by several workers, read on any number of them, as whole variables, too."""

import threading
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2tlite import shard_values
from t2tlite.checkpoints import averaging, checkpoint
from t2tlite.errors import UserError
from t2tlite.shards import Group, Shard

from ..test_shards import held_by

WHOLE = np.arange(15, dtype=np.float32).reshape(5, 3)


class Worker:
    """One of several threads that stand for processes."""

    def __init__(self, worker, barrier):
        self.worker, self.workers, self._barrier = worker, barrier.parties, barrier

    def any(self, flag):
        self._barrier.wait(timeout=60)
        return flag


def state(group, zeros=False):
    """A model with a shard and an ordinary variable, and an optimizer with a shard."""
    bias = keras.Variable(np.float32([0, 0] if zeros else [1, 2]), name="bias")
    model = types.SimpleNamespace(variables=[held_by(Shard((5, 3), 0, group), zeros), bias])
    optimizer = types.SimpleNamespace(variables=[held_by(Shard((5, 3), 1, group), zeros)])
    return model, optimizer, {}


def saved(folder, replicas, workers):
    barrier = threading.Barrier(workers)

    def save(worker):
        model = state(Group(replicas, workers, worker))
        checkpoint.save(folder, 7, *model, {}, 3, workers=Worker(worker, barrier))

    threads = [threading.Thread(target=save, args=(worker,)) for worker in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return folder / "step-00000007"


@pytest.mark.parametrize(("replicas", "workers"), [(2, 2), (4, 2), (8, 8)])
def test_a_checkpoint_of_shards_is_one_of_whole_variables(tmp_path, replicas, workers):
    """Eight replicas are more than there are rows: some have nothing to write, and still take part."""
    path = saved(tmp_path, replicas, workers)
    stored = averaging.Stored(path)
    np.testing.assert_array_equal(stored.value(stored.names["kernel"]), WHOLE)
    np.testing.assert_array_equal(stored.value(stored.names["bias"]), [1, 2])
    model = types.SimpleNamespace(
        variables=[
            keras.Variable(np.zeros((5, 3), np.float32), name="kernel"),
            keras.Variable(np.zeros(2, np.float32), name="bias"),
        ]
    )
    checkpoint.restore_weights(model, path)
    np.testing.assert_array_equal(model.variables[0], WHOLE)


@pytest.mark.parametrize(("replicas", "workers"), [(2, 2), (3, 3), (4, 1), (8, 8)])
def test_it_is_read_on_another_number_of_replicas(tmp_path, replicas, workers):
    path = saved(tmp_path, 2, 2)
    for worker in range(workers):
        group = Group(replicas, workers, worker)
        restored, expected = state(group, zeros=True), state(group)
        assert checkpoint.restore(path, *restored)["step"] == 7
        for part in (0, 1):
            for one, other in zip(restored[part].variables, expected[part].variables, strict=True):
                np.testing.assert_array_equal(shard_values.here(one), shard_values.here(other))


def test_one_of_whole_variables_is_read_as_shards(tmp_path):
    model = types.SimpleNamespace(
        variables=[
            keras.Variable(WHOLE, name="kernel"),
            keras.Variable(np.float32([1, 2]), name="bias"),
        ]
    )
    optimizer = types.SimpleNamespace(variables=[keras.Variable(WHOLE, name="kernel")])
    checkpoint.save(tmp_path, 7, model, optimizer, {}, {}, 3)
    restored = state(Group(4), zeros=True)
    checkpoint.restore(tmp_path / "step-00000007", *restored)
    np.testing.assert_array_equal(tf.concat(restored[0].variables[0].parts, 0)[:5], WHOLE)
    np.testing.assert_array_equal(tf.concat(restored[1].variables[0].parts, 1)[:, :3], WHOLE)


def test_another_shape_is_refused(tmp_path):
    path = saved(tmp_path, 2, 2)
    model, optimizer, iterators = state(Group(2))
    model.variables[0] = held_by(Shard((4, 3), 0, Group(2)))
    with pytest.raises(UserError, match="is of another model"):
        checkpoint.restore(path, model, optimizer, iterators)
