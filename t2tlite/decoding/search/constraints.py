"""Constraints: which entries may come next, by the kind of output, by its input and by its length."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from t2tlite.ids import EOS, PAD


class Constraint:
    """What a problem says of its outputs, in the graph; see `Problem.constraint`.

    What an output must have of its input is computed from the input's text, before decoding starts
    (`conditions`). Decoding then hands a state on and reorders it with the outputs so far: nested tensors
    `[rows, ...]`, the rows being copies of each input one after the other. At least one entry must always be
    allowed.

    Attributes:
      spec: `{name: TensorSpec}` of `conditions`, `[None, ...]`.
    """

    spec: dict[str, tf.TensorSpec] = {}

    def conditions(self, texts: tf.Tensor) -> dict[str, Any]:
        """What the outputs for some inputs must keep to, `{name: [batch, ...]}`; eagerly or in a graph.

        Args:
          texts: UTF-8 strings `[batch]`, the inputs as the model reads them.
        """
        return {}

    def positions(self, texts: tf.Tensor) -> Any:
        """int32 `[batch]`: the entries that outputs for these inputs should have room for.

        The predictor gives them as much, unless the options say what is the greatest length.
        """
        return tf.zeros(tf.shape(texts), tf.int32)

    def initial(self, rows: tf.Tensor, conditions: Mapping[str, Any], length: int) -> Any:
        """The state before the first entry.

        Args:
          rows: int32 scalar.
          conditions: `{name: [rows, ...]}`; empty where inputs are no text, so that nothing is known of them.
          length: most entries of an output, the end token among them.
        """
        raise NotImplementedError(f"{type(self).__name__} defines no initial(rows, conditions, length)")

    def allowed(self, state: Any, remaining: tf.Tensor) -> tf.Tensor:
        """bool `[rows, size]`: which entries may come next.

        Args:
          remaining: int32 scalar, how many entries may still come, the end token among them.
        """
        raise NotImplementedError(f"{type(self).__name__} defines no allowed(state, remaining)")

    def advance(self, state: Any, ids: tf.Tensor) -> Any:
        """The state after the entries `ids` int32 `[rows]`; a row that has ended gets 0."""
        raise NotImplementedError(f"{type(self).__name__} defines no advance(state, ids)")


class Rules:
    """What no output does: emit padding, end before the least length, break the problem's constraint.

    The least length gives way where the constraint allows the end alone.

    Args:
      length: most entries of an output, its end token included.
      min_length: int32 scalar, fewest entries before the end.
      constraint: a `Constraint`, or None.
      conditions: of the constraint, `{name: [batch, ...]}`; empty where nothing is known of the inputs.
    """

    def __init__(
        self,
        length: int,
        min_length: tf.Tensor | int,
        constraint: Constraint | None = None,
        conditions: Mapping[str, Any] | None = None,
    ) -> None:
        self.length = length
        self.min_length = min_length
        self._constraint = constraint
        self._conditions = conditions or {}

    def initial(self, rows: tf.Tensor, copies: int) -> Any:
        """The state of `rows` = batch * copies sequences before the first entry."""
        if not self._constraint:
            return ()
        repeated = {name: tf.repeat(x, copies, axis=0) for name, x in self._conditions.items()}
        return self._constraint.initial(rows, repeated, self.length)

    def apply(self, log_probabilities: tf.Tensor, position: tf.Tensor, state: Any) -> tf.Tensor:
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

    def advance(self, state: Any, ids: tf.Tensor) -> Any:
        return self._constraint.advance(state, ids) if self._constraint else ()
