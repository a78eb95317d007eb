"""The exchange of tokens between replicas: their order, and what is sent where."""

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.layers import expert_exchange
from t2tlite.layers.expert_exchange import Exchange
from t2tlite.shards import Group, Shard


def rows_of(replica, group, rows):
    """The rows of a batch that a replica reads, as `Replicas.run` gives them out."""
    worker, place = divmod(replica, group.local)
    return np.arange(rows)[worker :: group.workers][place :: group.local]


@pytest.mark.parametrize(("replicas", "workers"), [(2, 1), (2, 2), (4, 2), (4, 4)])
@pytest.mark.parametrize("rows", [4, 5, 7])
def test_tokens_of_the_batch_are_in_its_order_and_find_their_way_back(monkeypatch, replicas, workers, rows):
    """All replicas one after the other: what they would send to each other is put together here."""
    group = Group(replicas, workers)
    length, channels = 3, 2
    batch = np.random.default_rng(0).normal(size=(rows, length, channels)).astype(np.float32)
    own = [batch[rows_of(replica, group, rows)] for replica in range(replicas)]
    sent = {}

    def exchanged(name, value):
        sent.setdefault(name, []).append(value)
        return value

    monkeypatch.setattr(expert_exchange, "total", lambda count: tf.constant(float(rows)))
    monkeypatch.setattr(expert_exchange, "_all_gather", lambda x, group: exchanged("there", x))
    monkeypatch.setattr(expert_exchange, "moved", lambda x, to, back: x)
    exchanges = [Exchange(tf.constant(len(x)), tf.constant(length), group) for x in own]
    for exchange, x in zip(exchanges, own, strict=True):
        exchange.gathered(tf.reshape(x, [-1, channels]))
    monkeypatch.undo()
    [there] = [tf.concat(sent["there"], 0)]
    gathered = expert_exchange.moved(there, exchanges[0]._order, exchanges[0]._places)
    np.testing.assert_array_equal(tf.reshape(gathered, batch.shape), batch)

    back = expert_exchange.moved(gathered, exchanges[0]._places, exchanges[0]._order)
    parts = tf.split(back, replicas)
    monkeypatch.setattr(expert_exchange, "_reduce_scatter", lambda y, group: parts.pop(0))
    for exchange, x in zip(exchanges, own, strict=True):
        returned = exchange.returned(gathered)
        np.testing.assert_array_equal(tf.reshape(returned, x.shape), x)


def test_the_gradient_of_moving_rows_moves_them_back():
    to, back = tf.constant([2, 0, 3]), tf.constant([1, 3, 0])  # the last row of `to` is past the end: zeros
    x = tf.constant([[1.0], [2.0], [3.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        moved = expert_exchange.moved(x, to, back)
        loss = tf.reduce_sum(moved * [[10.0], [20.0], [30.0]])
    np.testing.assert_array_equal(moved, [[3.0], [1.0], [0.0]])
    np.testing.assert_array_equal(tape.gradient(loss, x), [[20.0], [0.0], [10.0]])


@pytest.mark.parametrize("replica", [0, 1, 2])
def test_choices_and_counts_of_a_replicas_own_experts(monkeypatch, replica):
    """Five experts on three replicas, of which the last has one."""
    monkeypatch.setattr(expert_exchange, "_replica", lambda: tf.constant(replica))
    shard = Shard((5, 1), 0, Group(3))
    own = expert_exchange.own_choices(tf.range(5), shard).numpy()
    held = np.arange(5)[shard.span(replica)]
    assert (own[held] == np.arange(len(held))).all() and (np.delete(own, held) == 2).all()
    counts = expert_exchange.placed(tf.constant([7.0, 8.0]), shard).numpy()
    expected = np.zeros(6)
    expected[2 * replica : 2 * replica + 2] = 7, 8
    np.testing.assert_array_equal(counts, expected[:5])


def test_exchanges_of_other_shapes_and_places_have_other_keys():
    """Between workers one key stands for one shape, and batches have many."""
    keys = [int(expert_exchange._key(tf.zeros([rows, 2]))) for rows in (4, 4, 5)]
    assert len(set(keys)) == 3
    traced = tf.function(expert_exchange._key, input_signature=[tf.TensorSpec([None, 2])], autograph=False)
    assert int(traced(tf.zeros([4, 2]))) != int(traced(tf.zeros([5, 2])))
    assert int(traced(tf.zeros([4, 2]))) == int(traced(tf.zeros([4, 2])))
