"""Stateless randomness: each draw of a step is a function of the step's seed and of its place in it."""

import contextlib
import threading

import tensorflow as tf

_local = threading.local()


@contextlib.contextmanager
def scope(seed):
    """Within this scope, `next_seed` derives from `seed`, numbering the draws in the order of tracing.

    Args:
      seed: int32 `[2]`, e.g. folded from the run's seed, the step and the replica.
    """
    before = getattr(_local, "state", None)
    _local.state = [seed, 0]
    try:
        yield
    finally:
        _local.state = before


def next_seed():
    """A fresh int32 `[2]` seed; outside any scope it comes from TensorFlow's global generator."""
    state = getattr(_local, "state", None)
    if state is None:
        return tf.random.uniform([2], maxval=2**31 - 1, dtype=tf.int32)
    state[1] += 1
    return tf.random.experimental.stateless_fold_in(state[0], state[1])


def dropout(x, rate: float, training: bool):
    """Inverted dropout with a stateless mask; `x` itself outside training or at rate 0."""
    if not training or not rate:
        return x
    return tf.nn.experimental.stateless_dropout(x, rate, seed=next_seed(), rng_alg="philox")
