"""Incremental: one problem's model, a position at a time; what every way of decoding is built on."""

from typing import Any, NamedTuple

import tensorflow as tf

from t2tlite.layers.history import History, map_state
from t2tlite.types import Batch


class Start(NamedTuple):
    """Where a decoding starts.

    Attributes:
      memory: what the model keeps of the inputs; the same at every position.
      state: nested tuples of tensors, `[rows, ...]` or scalars, that one position hands to the next.
      x: `[rows, 1, hidden]`, what the model reads at the first position.
    """

    memory: Any
    state: Any
    x: Any


class _State(NamedTuple):
    """What positions hand on.

    Attributes:
      layers: the model's state. Of each `History` it has the entries; position and origin are here, for all.
      position: int32 scalar.
      origin: as of `History`; () where rows never change places.
    """

    layers: Any
    position: Any
    origin: Any


class Incremental:
    """Continues output sequences of one autoregressive problem.

    Inputs are encoded once, and each position costs the same, however long the sequence is.

    Args:
      model: a built `Decodable`.
      problem: name of the problem.
      length: most positions of an output; a Python int, since the state's shapes follow from it.
    """

    def __init__(self, model: Any, problem: str, length: int) -> None:
        self.length = length
        self._model = model
        self._problem = problem

    def start(self, features: Batch, copies: int = 1, moves: bool = False) -> Start:
        """Encodes the inputs of a batch.

        Args:
          features: `{"inputs": ...}` as the problem's pipeline makes it.
          copies: sequences of each input, which are rows one after the other: rows = batch * copies.
          moves: whether `select` will be called.
        """
        source, _ = self._model.encode(features, self._problem)
        rows = tf.shape(source.x)[0] * copies
        layers = map_state(_without_place, tf.identity, self._model.initial_state(rows, self.length))
        origin = tf.zeros([self.length, rows], tf.int32) if moves else ()
        state = _State(layers, tf.constant(0), origin)
        return Start(self._model.memory(source, copies), state, self._model.start(self._problem, rows))

    def step(self, x: tf.Tensor, memory: Any, state: Any, going: tf.Tensor) -> tuple[tf.Tensor, _State]:
        """The distribution of the next entry of every sequence.

        Args:
          x: `[rows, 1, hidden]`, the start or `embed` of the entries before.
          going: bool `[rows]`, False for a sequence that has ended; it is not routed to experts.

        Returns:
          float32 log-probabilities `[rows, size]`, and the new state, with the same static shapes.
        """
        layers, position, origin = state
        if self._moves(state):
            here = tf.range(tf.shape(x)[0])[None]
            origin = tf.tensor_scatter_nd_update(origin, [[position]], here)
        placed = map_state(
            lambda one: one._replace(position=position, origin=origin if self._moves(state) else None),
            lambda x: x,
            layers,
        )
        logits, _, after = self._model.decode(x, memory, self._problem, going[:, None], state=placed)
        after = map_state(_without_place, lambda x: x, after)
        after = tf.nest.map_structure(lambda new, old: tf.ensure_shape(new, old.shape), after, layers)
        return tf.nn.log_softmax(logits[:, 0]), _State(after, position + 1, origin)

    def embed(self, ids: tf.Tensor) -> tf.Tensor:
        """What the model reads after the entries `ids` int32 `[rows]`: `[rows, 1, hidden]`."""
        return self._model.embed(ids[:, None], self._problem)

    def select(self, state: _State, parents: tf.Tensor) -> _State:
        """The state in which each row goes on from what was the row `parents` int32 `[rows]`."""
        layers = map_state(lambda one: one, lambda x: gather_rows(x, parents), state.layers)
        return state._replace(layers=layers, origin=tf.gather(state.origin, parents, axis=1))

    @staticmethod
    def _moves(state: _State) -> bool:
        return not isinstance(state.origin, tuple)


def gather_rows(state: Any, parents: tf.Tensor) -> Any:
    """Nested tensors `[rows, ...]` of which each row becomes that of its parent; scalars stay."""
    return tf.nest.map_structure(lambda x: tf.gather(x, parents) if x.shape.rank else x, state)


def _without_place(history: History) -> History:
    """What of a history differs from layer to layer."""
    return history._replace(position=(), origin=())
