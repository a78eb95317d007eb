"""Incremental: one problem's model, a position at a time; what every way of decoding is built on."""

from typing import Any, NamedTuple

import tensorflow as tf


class Start(NamedTuple):
    """Where a decoding starts.

    Attributes:
      memory: what the model keeps of the inputs; the same at every position.
      state: nested tuples of tensors, `[batch, ...]` or scalars, that one position hands to the next.
      x: `[batch, 1, hidden]`, what the model reads at the first position.
    """

    memory: Any
    state: Any
    x: Any


class Incremental:
    """Continues output sequences of one autoregressive problem.

    Inputs are encoded once, and each position costs the same, however long the sequence is.

    Args:
      model: a built `MultiModel`.
      problem: name of the problem.
      length: most positions of an output; a Python int, since the state's shapes follow from it.
    """

    def __init__(self, model, problem: str, length: int):
        self.length = length
        self._model = model
        self._problem = problem

    def start(self, features) -> Start:
        """Encodes the inputs of a batch.

        Args:
          features: `{"inputs": ...}` as the problem's pipeline makes it.
        """
        source, _ = self._model.encode(features, self._problem)
        batch = tf.shape(source.x)[0]
        state = self._model.initial_state(batch, self.length)
        return Start(self._model.memory(source), state, self._model.start(self._problem, batch))

    def step(self, x, memory, state, going):
        """The distribution of the next entry of every sequence.

        Args:
          x: `[batch, 1, hidden]`, the start or `embed` of the entries before.
          going: bool `[batch]`, False for a sequence that has ended; it is not routed to experts.

        Returns:
          float32 log-probabilities `[batch, size]`, and the new state, with the same static shapes.
        """
        logits, _, new_state = self._model.decode(x, memory, self._problem, going[:, None], state=state)
        new_state = tf.nest.map_structure(lambda new, old: tf.ensure_shape(new, old.shape), new_state, state)
        return tf.nn.log_softmax(logits[:, 0]), new_state

    def embed(self, ids):
        """What the model reads after the entries `ids` int32 `[batch]`: `[batch, 1, hidden]`."""
        return self._model.target_net(self._problem).embed_targets(ids[:, None])
