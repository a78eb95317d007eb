"""Sums over the replicas of a step, for figures that are of the whole batch and not of a replica's part."""

import contextlib
import threading

import tensorflow as tf

_local = threading.local()


@contextlib.contextmanager
def apart():
    """Within, `total` is what this replica has: code compiled by XLA can't talk to the other replicas."""
    before = getattr(_local, "apart", False)
    _local.apart = True
    try:
        yield
    finally:
        _local.apart = before


def total(x):
    """The sum of a tensor over all replicas, and through it the gradient; `x` itself where there is one."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1 or getattr(_local, "apart", False):
        return x
    return context.all_reduce(tf.distribute.ReduceOp.SUM, x)


def number() -> int:
    """How many replicas a step runs on."""
    return tf.distribute.get_strategy().num_replicas_in_sync
