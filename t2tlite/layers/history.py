"""History: what a layer keeps of earlier positions, written and read at a cost that no length changes.

Positions come first, so that a new one is written in place and those used so far are read without a copy.
In a beam search outputs change their rows at every position. What was written stays where it is: `origin`
says in which row each position of a row's output was written. A convolution then reads a few taps, where
otherwise all that it keeps would move.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf


class History(NamedTuple):
    """Part of a layer's state.

    Attributes:
      entries: `[slots, rows, ...]`, a ring: position p is at slot p modulo slots, zeros before any position.
      position: int32 scalar, how many were written.
      origin: int32 `[length, rows]`, the row in which the position of each row's output was written; None
        where rows never change places.
    """

    entries: tf.Tensor
    position: tf.Tensor
    origin: tf.Tensor | None = None


def empty(slots: int, rows: int | tf.Tensor, shape: Sequence[int], dtype: tf.DType | str) -> History:
    """A history of the last `slots` positions, of zeros of a shape for each row."""
    # Not tf.zeros, which is folded to constants that several histories share, and `append` writes in place.
    entries = tf.raw_ops.Empty(shape=[slots, rows, *shape], dtype=dtype, init=True)
    return History(tf.ensure_shape(entries, [slots, None, *shape]), tf.zeros([], tf.int32))


def write(history: History, new: tf.Tensor) -> History:
    """Puts `new` `[positions, rows, ...]` behind what is there; what falls out of the ring is lost."""
    slots = history.entries.shape[0]
    count = tf.shape(new)[0]
    kept = tf.minimum(count, slots)
    positions = history.position + tf.range(count - kept, count)
    entries = tf.tensor_scatter_nd_update(history.entries, positions[:, None] % slots, new[count - kept :])
    return history._replace(entries=entries, position=history.position + count)


def append(history: History, new: tf.Tensor) -> History:
    """`write` of one position, `new` `[rows, ...]`; in a graph it uses the old history up.

    There it writes in place: `tensor_scatter_nd_update` in a loop copies all that is there.
    """
    slot = (history.position % history.entries.shape[0])[None]
    if tf.executing_eagerly():
        entries = tf.tensor_scatter_nd_update(history.entries, slot[None], new[None])
    else:
        entries = tf.raw_ops.InplaceUpdate(x=history.entries, i=slot, v=new[None])
    return history._replace(entries=entries, position=history.position + 1)


def after(history: History, *reads: tf.Tensor) -> History:
    """The history, to be written only when this has been read."""
    with tf.control_dependencies(reads):
        return history._replace(entries=tf.identity(history.entries))


def read(history: History, positions: tf.Tensor) -> tf.Tensor:
    """`[positions, rows, ...]` at int32 `[positions]`, each at most `slots` back; zeros before the first."""
    slots = history.entries.shape[0]
    if history.origin is None:
        return tf.gather(history.entries, positions % slots)
    rows = tf.gather(history.origin, tf.maximum(positions, 0))
    return _at(history.entries, (positions % slots)[:, None], rows)


def read_all(history: History) -> tf.Tensor:
    """`[positions, rows, ...]` of all that was written, where there is a slot for each."""
    used = history.entries[: history.position]
    if history.origin is None:
        return used
    return _at(used, tf.range(history.position)[:, None], history.origin[: history.position])


def _at(entries: tf.Tensor, slots: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
    """`[positions, rows, ...]`, from slots `[positions, 1]` and rows `[positions, rows]`."""
    shape = tf.shape(entries)
    flat = tf.reshape(entries, tf.concat([[shape[0] * shape[1]], shape[2:]], axis=0))
    gathered = tf.gather(flat, slots * shape[1] + rows)
    return tf.ensure_shape(gathered, [None, None, *entries.shape[2:]])


def map_state(of_history: Callable[[History], Any], of_tensor: Callable[[tf.Tensor], Any], state: Any) -> Any:
    """A state with every `History` and every other tensor replaced; tuples, lists and dictionaries stay."""
    if isinstance(state, History):
        return of_history(state)
    if isinstance(state, dict):
        return {key: map_state(of_history, of_tensor, value) for key, value in state.items()}
    if isinstance(state, tuple | list):
        parts = [map_state(of_history, of_tensor, value) for value in state]
        return type(state)(*parts) if hasattr(state, "_fields") else type(state)(parts)
    return of_tensor(state)
