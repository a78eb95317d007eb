"""Constraints: which entries may come next, by the kind of output and by its length."""

from typing import Any

import tensorflow as tf

from t2tlite.decoding.outputs import EOS, PAD


class Constraint:
    """What a problem says of its outputs, in the graph; see `Problem.constraint`.

    Its state is nested tensors `[rows, ...]`, which decoding hands on and reorders with the outputs so far.
    At least one entry must always be allowed.
    """

    def initial(self, rows) -> Any:
        """The state before the first entry."""
        raise NotImplementedError(f"{type(self).__name__} defines no initial(rows)")

    def allowed(self, state, remaining):
        """bool `[rows, size]`: which entries may come next.

        Args:
          remaining: int32 scalar, how many entries may still come, the end token among them.
        """
        raise NotImplementedError(f"{type(self).__name__} defines no allowed(state, remaining)")

    def advance(self, state, ids):
        """The state after the entries `ids` int32 `[rows]`; a row that has ended gets 0."""
        raise NotImplementedError(f"{type(self).__name__} defines no advance(state, ids)")


class Rules:
    """What no output does: emit padding, end before the least length, break the problem's constraint.

    The least length gives way where the constraint allows the end alone.

    Args:
      length: most entries of an output, its end token included.
      min_length: int32 scalar, fewest entries before the end.
      constraint: a `Constraint`, or None.
    """

    def __init__(self, length: int, min_length, constraint: Constraint | None = None):
        self.length = length
        self.min_length = min_length
        self._constraint = constraint

    def initial(self, rows):
        return self._constraint.initial(rows) if self._constraint else ()

    def apply(self, log_probabilities, position, state):
        """float32 `[rows, size]`, -inf for what must not come at this position."""
        size = log_probabilities.shape[-1]
        ids = tf.range(size)  # [size]
        may_end = position >= self.min_length
        possible = (ids != PAD) & (may_end | (ids != EOS))
        if self._constraint:
            allowed = self._constraint.allowed(state, self.length - position) & (ids != PAD)  # [rows, size]
            others = tf.reduce_any(allowed & (ids != EOS), axis=-1, keepdims=True)
            possible = allowed & (possible | ~others)
        return tf.where(possible, log_probabilities, float("-inf"))

    def advance(self, state, ids):
        return self._constraint.advance(state, ids) if self._constraint else ()
