"""The optimizer in parts: each replica updates its part of the weights and gathers those of the others.

"ZeRO: Memory Optimizations Toward Training Trillion Parameter Models" (Rajbhandari et al. 2020,
arXiv 1910.02054), stage 1: every replica holds all weights, and moments of a part of them.
"""

import contextlib
import itertools
import math
from collections.abc import Sequence

import keras
import tensorflow as tf

from t2tlite import shard_values, shards
from t2tlite.layers.replicas import BUCKET, buckets
from t2tlite.shards import Group, Shard

_LEAST = 4096


class Parts:
    """What a replica updates of each weight: a variable of its own, which is taken from the weight each time.

    So it is a place to compute in and no state: weights may be changed by others at any time.

    Args:
      weights: on every replica; in the scope of the strategy.
      group: the replicas.

    Attributes:
      weights: the same.
    """

    def __init__(self, weights: Sequence[keras.Variable], group: Group) -> None:
        self.weights = list(weights)
        large = [weight for weight in weights if is_cut(tuple(weight.shape))]
        self._parts = {weight.path: _part(weight, group) for weight in large}
        self._group = group
        strategy = tf.distribute.get_strategy()
        self._give_all = tf.function(lambda: strategy.run(self.give, args=(self.weights,)), autograph=False)

    def of(self, weight: keras.Variable) -> keras.Variable:
        """What is updated in the place of a weight: a part of it, or itself where it is small."""
        return self._parts.get(weight.path, weight)

    def gradient(self, gradient: tf.Tensor, weight: keras.Variable) -> tf.Tensor:
        """This replica's part of the gradient of a weight."""
        return self._own(tf.convert_to_tensor(gradient), weight)

    def take(self, weights: Sequence[keras.Variable]) -> None:
        """Gives parts the values of their weights; on a replica."""
        for weight in weights:
            if weight.path in self._parts:
                self._parts[weight.path].assign(self._own(tf.convert_to_tensor(weight), weight))

    def give(self, weights: Sequence[keras.Variable]) -> None:
        """Gives weights the values of all replicas' parts of them; on a replica."""
        cut = [weight for weight in weights if weight.path in self._parts]
        rest = iter(cut)
        sizes = (4 * math.prod(weight.shape) for weight in cut)
        for count in buckets(sizes, BUCKET):
            self._give_together(list(itertools.islice(rest, count)))

    def give_all(self) -> None:
        """The same for all weights; to be called outside of replicas."""
        self._give_all()

    def _give_together(self, weights: Sequence[keras.Variable]) -> None:
        parts = [self._parts[weight.path] for weight in weights]
        flat = tf.concat([tf.reshape(tf.convert_to_tensor(part), [-1]) for part in parts], axis=0)
        gathered = tf.distribute.get_replica_context().all_gather(flat, axis=0)
        by_replica = tf.reshape(gathered, [self._group.replicas, -1])
        pieces = tf.split(by_replica, [math.prod(part.shape) for part in parts], axis=1)
        for weight, part, piece in zip(weights, parts, pieces, strict=True):
            shard = part.shard
            each = tf.unstack(tf.reshape(piece, [shard.group.replicas, *shard.part_shape]))
            whole = tf.concat(each, axis=shard.axis)
            weight.assign(shard.cut(whole, slice(0, shard.shape[shard.axis])))

    def _own(self, whole: tf.Tensor, weight: keras.Variable) -> tf.Tensor:
        shard = shards.of(self.of(weight))
        if shard is None:
            return whole
        missing = shard.length * shard.group.replicas - shard.shape[shard.axis]
        if missing:
            whole = tf.pad(whole, shard.padding(missing))
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        begin = tf.one_hot(shard.axis, len(shard.shape), dtype=tf.int32) * (replica * shard.length)
        return tf.ensure_shape(tf.slice(whole, begin, shard.part_shape), shard.part_shape)


def is_cut(shape: tuple[int, ...]) -> bool:
    """Whether a weight of a shape has parts."""
    return math.prod(shape) >= _LEAST


def shard_of(shape: tuple[int, ...], group: Group) -> Shard:
    """How a weight of a shape is cut: along its longest axis."""
    return Shard(shape, shape.index(max(shape)), group)


def _part(weight: keras.Variable, group: Group) -> keras.Variable:
    """A variable for parts of a weight, with the weight's path."""
    shard = shard_of(tuple(weight.shape), group)
    *folders, name = weight.path.split("/")
    with contextlib.ExitStack() as stack:
        for folder in folders:
            stack.enter_context(keras.name_scope(folder))
        part = keras.Variable("zeros", shard.part_shape, weight.dtype, name=name)
    shard_values.mark(part, shard)
    return part
