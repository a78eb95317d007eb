"""Experts on different replicas: tokens travel to them, and what they make of the tokens back.

Every replica gets the tokens of the whole batch and gives its own experts theirs. What they make of a token
is summed where the token came from. So an exchange is an all-gather there and a reduction back, which every
strategy of tf.distribute has, with gradients. For n replicas and k experts of a token that is (n - 1) times a
replica's tokens there, and twice that back, where an all-to-all would take k times there and back.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from t2tlite import shard_values
from t2tlite.layers.once import once
from t2tlite.shards import Group, Shard

_local = threading.local()


@contextlib.contextmanager
def scope(group: Group) -> Iterator[None]:
    """The experts of layers that are built within, in this thread, are cut among the replicas of a group."""
    before = getattr(_local, "group", None)
    _local.group = group
    try:
        yield
    finally:
        _local.group = before


def add_weight(
    layer: keras.layers.Layer, name: str, shape: tuple[int, ...], initializer: Any, **options: Any
) -> keras.Variable:
    """`layer.add_weight` of a weight `[experts, ...]`: within a `scope` a shard of what it would be.

    The whole of it is drawn, so that the experts are those of one replica, and forgotten again.
    """
    group = getattr(_local, "group", None)
    if group is None:
        return layer.add_weight(name=name, shape=shape, initializer=initializer, **options)
    shard = Shard(shape, 0, group)
    variable = layer.add_weight(name=name, shape=shard.part_shape, initializer="zeros", **options)
    shard_values.mark(variable, shard)
    shard_values.assign(variable, initializer(shape, dtype=variable.dtype))
    return variable


def gathered(x: tf.Tensor, group: Group) -> tf.Tensor:
    """The rows of all replicas in the order of the batch: `[rows, ...]` -> `[rows of the batch, ...]`.

    Of a batch of which every replica has all rows (an evaluation) each row comes as often as there are
    replicas.
    """
    whole = tf.distribute.get_replica_context().all_gather(x, axis=0)
    return _permuted(whole, _order(tf.shape(whole)[0], group))


def own_choices(experts: tf.Tensor, shard: Shard) -> tf.Tensor:
    """Chosen experts, numbered among this replica's; `shard.length`, an expert that isn't there, for others.

    Args:
      experts: int32, any shape.
    """
    own = experts - _replica() * shard.length
    return tf.where((own >= 0) & (own < shard.length), own, shard.length)


def returned(y: tf.Tensor, group: Group) -> tf.Tensor:
    """The sums over all replicas of this replica's rows: `[rows of the batch, ...]` -> `[rows, ...]`."""
    sums = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, y)
    first = tf.gather([_first_row(replica, group) for replica in range(group.replicas)], _replica())
    return sums[first :: group.replicas]


def placed(counts: tf.Tensor, shard: Shard) -> tf.Tensor:
    """Counts of this replica's experts as counts of all, zero for others: `[part]` -> `[experts]`."""
    start = _replica() * shard.length
    after = (shard.group.replicas - 1) * shard.length - start
    return tf.ensure_shape(tf.pad(counts, [[start, after]])[: shard.shape[0]], shard.shape[:1])


@once
def _permuted(x: tf.Tensor, order: tf.Tensor) -> tf.Tensor:
    """Rows in another order; the gradient is dense, as an all-gather needs it."""

    @tf.custom_gradient
    def forward(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        return tf.gather(x, order), lambda dy: tf.gather(dy, tf.math.invert_permutation(order))

    return forward(x)


def _replica() -> tf.Tensor:
    return tf.convert_to_tensor(tf.distribute.get_replica_context().replica_id_in_sync_group, tf.int32)


def _first_row(replica: int, group: Group) -> int:
    """Which row of a batch is a replica's first; see `training.strategy.Replicas`."""
    return replica // group.local + group.workers * (replica % group.local)


def _order(rows: tf.Tensor, group: Group) -> tf.Tensor:
    """Where in what was gathered from the replicas, one after the other, each row of the batch is."""
    first_rows = [_first_row(replica, group) for replica in range(group.replicas)]
    replica_of_row = [first_rows.index(row) for row in range(group.replicas)]  # and of every n-th from there
    counts = (rows - tf.constant(first_rows) + group.replicas - 1) // group.replicas
    starts = tf.cumsum(counts, exclusive=True)
    row = tf.range(rows)
    replica = tf.gather(replica_of_row, row % group.replicas)
    return tf.gather(starts, replica) + row // group.replicas
