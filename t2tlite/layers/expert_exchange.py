"""Experts on different replicas: tokens travel to them, and what they make of the tokens back.

Every replica gets the tokens of the whole batch and gives its own experts theirs. What they make of a token
is summed where the token came from. So an exchange is an all-gather there and a reduce-scatter back, and each
is the gradient of the other. For n replicas that is n - 1 times a replica's tokens in each direction, where
to send every token to its k experts alone would take up to k times as many as it has.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from t2tlite import shard_values
from t2tlite.layers.dispatch import moved
from t2tlite.layers.once import once
from t2tlite.layers.replicas import total
from t2tlite.shards import Group, Shard

_local = threading.local()
_GROUP = 2**20  # of what is exchanged here; tf.distribute counts its groups from 1
_MOST = 2**20  # tokens of an exchange
_places = 0  # in graphs, counted


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
        variable = layer.add_weight(name=name, shape=shape, initializer=initializer, **options)
        variable.holds_experts = True
        return variable
    shard = Shard(shape, 0, group)
    variable = layer.add_weight(name=name, shape=shard.part_shape, initializer="zeros", **options)
    variable.holds_experts = True
    shard_values.mark(variable, shard)
    # In a graph, where what is drawn is scaled in place, and given up before the next weight is drawn.
    drawn = tf.function(lambda: shard.cut(initializer(shape, dtype=variable.dtype), shard.span_here))
    shard_values.set_here(variable, drawn())
    return variable


def holds_experts(variable: keras.Variable) -> bool:
    """Whether a variable is what `add_weight` makes."""
    return getattr(variable, "holds_experts", False)


class Exchange:
    """An exchange of the tokens of one layer; to be made on a replica.

    Args:
      rows: int32 scalar, of this replica's part of the batch. Of a batch of which every replica has all rows
        (an evaluation) each row comes as often as there are replicas.
      length: int32 scalar, tokens of a row; the same on all replicas.
      group: the replicas.
    """

    def __init__(self, rows: tf.Tensor, length: tf.Tensor, group: Group) -> None:
        self._rows, self._length, self._group = rows, length, group
        whole = tf.cast(total(tf.cast(rows, tf.float32)), tf.int32)
        most = (whole + group.replicas - 1) // group.replicas  # rows of a replica, filled up
        first_rows = [group.first_row(replica) for replica in range(group.replicas)]
        replica_of_row = [first_rows.index(row) for row in range(group.replicas)]  # and of every n-th on
        row = tf.range(whole)
        order = tf.gather(replica_of_row, row % group.replicas) * most + row // group.replicas
        place = tf.constant(first_rows)[:, None] + group.replicas * tf.range(most)  # [replicas, rows]
        self._most = most
        self._order = self._of_tokens(order)
        self._places = tf.minimum(self._of_tokens(tf.reshape(place, [-1])), whole * length)

    def gathered(self, x: tf.Tensor) -> tf.Tensor:
        """The tokens of all replicas, in the order of the batch: `[tokens, ...]` -> `[all tokens, ...]`."""
        missing = (self._most - self._rows) * self._length
        x = tf.pad(x, [[0, missing], [0, 0]])
        return moved(_all_gather(x, self._group), self._order, self._places)

    def returned(self, y: tf.Tensor) -> tf.Tensor:
        """The sums over all replicas of this one's tokens: `[all tokens, ...]` -> `[tokens, ...]`."""
        sums = _reduce_scatter(moved(y, self._places, self._order), self._group)
        return sums[: self._rows * self._length]

    def _of_tokens(self, rows: tf.Tensor) -> tf.Tensor:
        return tf.reshape(rows[:, None] * self._length + tf.range(self._length), [-1])


def own_choices(experts: tf.Tensor, shard: Shard) -> tf.Tensor:
    """Chosen experts, numbered among this replica's; `shard.length`, an expert that isn't there, for others.

    Args:
      experts: int32, any shape.
    """
    own = experts - _replica() * shard.length
    return tf.where((own >= 0) & (own < shard.length), own, shard.length)


def placed(counts: tf.Tensor, shard: Shard) -> tf.Tensor:
    """Counts of this replica's experts as counts of all, zero for others: `[part]` -> `[experts]`."""
    start = _replica() * shard.length
    after = (shard.group.replicas - 1) * shard.length - start
    return tf.ensure_shape(tf.pad(counts, [[start, after]])[: shard.shape[0]], shard.shape[:1])


def _all_gather(x: tf.Tensor, group: Group) -> tf.Tensor:
    """What the replicas have, one after the other: `[n, channels]` -> `[replicas * n, channels]`."""
    if group.workers > 1:
        return _gathered_by_workers(x, group.replicas, _key(x), _key(x))
    return tf.distribute.get_replica_context().all_gather(x, axis=0)


def _reduce_scatter(y: tf.Tensor, group: Group) -> tf.Tensor:
    """This replica's part of the sum: `[replicas * n, channels]` -> `[n, channels]`."""
    count = tf.shape(y)[0] // group.replicas
    if group.workers > 1:
        return _scattered_by_workers(y, group.replicas, _key(y), _key(y))
    sums = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, y)
    return tf.slice(sums, [_replica() * count, 0], [count, -1])


# Between workers TensorFlow remembers the shape of an exchange by its key, and refuses another one. What
# tf.distribute offers has one key for each place in a graph. Batches have many shapes: so has the key here.


@once
def _gathered_by_workers(x: tf.Tensor, replicas: int, key: tf.Tensor, key_back: tf.Tensor) -> tf.Tensor:
    @tf.custom_gradient
    def forward(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        return _send_all(x, replicas, key), lambda dy: _send_sums(dy, replicas, key_back)

    return forward(x)


@once
def _scattered_by_workers(y: tf.Tensor, replicas: int, key: tf.Tensor, key_back: tf.Tensor) -> tf.Tensor:
    @tf.custom_gradient
    def forward(y: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        return _send_sums(y, replicas, key), lambda dz: _send_all(dz, replicas, key_back)

    return forward(y)


def _send_all(x: tf.Tensor, replicas: int, key: tf.Tensor) -> tf.Tensor:
    return tf.raw_ops.CollectiveGatherV2(
        input=x, group_size=replicas, group_key=_GROUP, instance_key=key, ordering_token=[]
    )


def _send_sums(y: tf.Tensor, replicas: int, key: tf.Tensor) -> tf.Tensor:
    """A reduce-scatter, of which a CPU has none: each replica gets its part of each, and adds them up."""
    parts = tf.reshape(y, [replicas, -1, y.shape[1]])
    sent = tf.raw_ops.CollectiveAllToAllV2(
        input=parts, group_size=replicas, group_key=_GROUP, instance_key=key, ordering_token=[]
    )
    return tf.reduce_sum(tf.reshape(sent, tf.shape(parts)), axis=0)


def _key(x: tf.Tensor) -> tf.Tensor:
    """A key of an exchange of tensors of this shape, for this place in the graph that is being traced.

    All workers trace the same graphs in the same order, as tf.distribute, too, needs it.
    """
    global _places
    _places += 1
    tokens = tf.shape(x)[0]
    with tf.control_dependencies([tf.debugging.assert_less(tokens, _MOST)]):
        return _places * _MOST + tokens


def _replica() -> tf.Tensor:
    return tf.convert_to_tensor(tf.distribute.get_replica_context().replica_id_in_sync_group, tf.int32)
