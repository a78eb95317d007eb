"""Stateless randomness: each draw of a step is a function of the step's seed and of its place in it."""

import contextlib
import threading
from collections.abc import Callable, Iterator

import tensorflow as tf

_local = threading.local()


@contextlib.contextmanager
def scope(
    seed: tf.Tensor, row: int | tf.Tensor = 0, stride: int = 1, whole: tf.Tensor | None = None
) -> Iterator[None]:
    """Within this scope, `next_seed` derives from `seed`, numbering the draws in the order of tracing.

    A replica has only some rows of a batch, every n-th one. It draws for all rows of the batch and keeps its
    own, so a step is the same on any number of replicas. Every replica draws the same shape: under XLA the
    first rows of a larger draw are not those of a smaller one.

    Args:
      seed: int32 `[2]`, e.g. folded from the run's seed and the step.
      row: which row of the whole batch is the first here.
      stride: how many rows of the whole batch lie between two that are neighbors here.
      whole: `[rows of the whole batch, 0]`; not needed with a stride of 1. Only the shape of this tensor
        counts: code compiled by XLA knows shapes, but not values, when it is compiled.
    """
    before = getattr(_local, "state", None), getattr(_local, "rows", (0, 1, None))
    _local.state, _local.rows = [seed, 0], (row, stride, whole)
    try:
        yield
    finally:
        _local.state, _local.rows = before


def next_seed() -> tf.Tensor:
    """A fresh int32 `[2]` seed; outside any scope it comes from TensorFlow's global generator."""
    state = getattr(_local, "state", None)
    if state is None:
        return tf.random.uniform([2], maxval=2**31 - 1, dtype=tf.int32)
    state[1] += 1
    return tf.random.experimental.stateless_fold_in(state[0], state[1])


def dropout(x: tf.Tensor, rate: float, training: bool) -> tf.Tensor:
    """Inverted dropout with a stateless mask; `x` itself outside training or at rate 0.

    Args:
      x: `[batch, ...]`.
    """
    if not training or not rate:
        return x
    kept = _rows(tf.random.stateless_uniform, tf.shape(x)) >= rate
    return tf.where(kept, x / tf.cast(1 - rate, x.dtype), tf.zeros([], x.dtype))


def uniform(shape: tf.Tensor) -> tf.Tensor:
    """Float32 numbers in [0, 1) of a shape `[batch, ...]`."""
    return _rows(tf.random.stateless_uniform, shape)


def normal(shape: tf.Tensor) -> tf.Tensor:
    """Standard normal float32 numbers of a shape `[batch, ...]`."""
    return _rows(tf.random.stateless_normal, shape)


def bernoulli(probabilities: tf.Tensor) -> tf.Tensor:
    """1 with these probabilities, float `[batch, ...]`, and else 0: of their shape and type."""
    drawn = _rows(tf.random.stateless_uniform, tf.shape(probabilities))
    return tf.cast(drawn < tf.cast(probabilities, tf.float32), probabilities.dtype)


def _rows(draw: Callable[..., tf.Tensor], shape: tf.Tensor) -> tf.Tensor:
    """This replica's rows of what is drawn for the whole batch."""
    row, stride, whole = getattr(_local, "rows", (0, 1, None))
    if stride == 1:
        return draw(shape, seed=next_seed(), alg="philox")
    drawn = draw(tf.concat([tf.shape(whole)[:1], shape[1:]], axis=0), seed=next_seed(), alg="philox")
    return tf.gather(drawn, row + stride * tf.range(shape[0]))
