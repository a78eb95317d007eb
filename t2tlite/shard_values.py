"""The values of shards: what this process's replicas hold of variables, to be read and set."""

from typing import Any

import numpy as np
import tensorflow as tf

from t2tlite import shards
from t2tlite.shards import Shard


def mark(variable: Any, shard: Shard) -> None:
    """Notes that a Keras variable of the shape of a part is a shard; in the scope that it was made in."""
    variable.shard = shard
    variable.parts = tf.distribute.get_strategy().experimental_local_results(variable.value)


def mark_like(variable: Any, other: Any) -> None:
    """A variable that was made for another one, such as a moment, is cut as that is."""
    shard = shards.of(other)
    if shard and tuple(variable.shape) == shard.part_shape:
        mark(variable, shard)


def assign(variable: Any, whole: np.ndarray | tf.Tensor) -> None:
    """Gives a variable a value, of which a shard takes its part."""
    shard = shards.of(variable)
    set_here(variable, shard.cut(whole, shard.span_here) if shard else whole)


def here(variable: Any) -> tf.Tensor:
    """The value of a variable; of a shard, what of it this process holds (`Shard.span_here`)."""
    shard = shards.of(variable)
    if shard is None:
        return tf.identity(variable)
    held = []
    for replica, part in zip(shard.group.here, variable.parts, strict=True):
        span = shard.span(replica)
        count = span.stop - span.start
        held.append(tf.convert_to_tensor(part) if count == shard.length else shard.cut(part, slice(0, count)))
    return held[0] if len(held) == 1 else tf.concat(held, axis=shard.axis)


def set_here(variable: Any, value: np.ndarray | tf.Tensor) -> None:
    """Gives a variable what `here` has given."""
    shard = shards.of(variable)
    if shard is None:
        variable.assign(value)
        return
    offset = shard.span_here.start
    for replica, part in zip(shard.group.here, variable.parts, strict=True):
        span = shard.span(replica)
        mine = shard.cut(value, slice(span.start - offset, span.stop - offset))
        missing = shard.length - (span.stop - span.start)
        # A copy, since the slice of a tensor keeps all of it in memory.
        part.assign(tf.pad(mine, shard.padding(missing)) if missing else tf.raw_ops.DeepCopy(x=mine))
