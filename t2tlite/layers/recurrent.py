"""Recurrent layers, LSTM and GRU: a loop along the length, in which padding leaves the state as it is."""

from collections.abc import Callable
from typing import Any, TypeAlias

import keras
import tensorflow as tf

from t2tlite.layers.linear import project
from t2tlite.types import Shape

RecurrentState: TypeAlias = tuple[tf.Tensor, ...]
"""Float32 `[batch, units]` each, the output first."""


class _Recurrent(keras.layers.Layer):
    """Base of the recurrent layers: the weights and the loop. A subclass has the cell.

    The state is a tuple of float32 `[batch, units]`, the output first. It is float32 in mixed precision as
    well, since what a cell remembers is a sum over the positions. Weights are as in Keras's layers.

    Args:
      units: channels of the output.
      backwards: from the last position to the first.
    """

    gates: int  # matrices that stand beside each other in a kernel
    parts: int  # tensors of the state

    def __init__(self, units: int, backwards: bool = False, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)  # which would cast the state as well
        self.units = units
        self.backwards = backwards

    def build(self, input_shape: Shape) -> None:
        width = self.gates * self.units
        self.kernel = self.add_weight(
            name="kernel", shape=(input_shape[-1], width), initializer="glorot_uniform"
        )
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel", shape=(self.units, width), initializer="orthogonal"
        )

    def cell(self, x: tf.Tensor, recurrent: tf.Tensor, state: RecurrentState) -> RecurrentState:
        """One position.

        Args:
          x, recurrent: float32 `[batch, gates * units]`, what the kernels make of input and output.
          state: before the position.

        Returns:
          The state after it.
        """
        raise NotImplementedError

    def initial_state(self, batch: int | tf.Tensor) -> RecurrentState:
        """Zeros, float32 `[batch, units]` each."""
        return tuple(tf.zeros([batch, self.units]) for _ in range(self.parts))

    def call(
        self, x: tf.Tensor, padding_mask: tf.Tensor | None = None, state: RecurrentState | None = None
    ) -> tf.Tensor | tuple[tf.Tensor, RecurrentState]:
        """Runs along the length.

        Args:
          x: `[batch, length, channels]`.
          padding_mask: bool `[batch, length]` or None, False for padding, where the state stays as it is.
          state: from `initial_state` or the call before, to continue a sequence.

        Returns:
          `[batch, length, units]`, or `(that, new state)` where `state` is given.
        """
        x = tf.cast(x, self.compute_dtype)
        kernel = tf.cast(self.recurrent_kernel, x.dtype)
        projected = tf.cast(project(x, tf.cast(self.kernel, x.dtype)), tf.float32)
        projected = tf.transpose(projected, [1, 0, 2])  # [length, batch, gates * units]
        valid = None if padding_mask is None else tf.transpose(padding_mask)[:, :, None]

        def advance(position: int | tf.Tensor, x: tf.Tensor, before: RecurrentState) -> RecurrentState:
            recurrent = tf.cast(tf.matmul(tf.cast(before[0], kernel.dtype), kernel), tf.float32)
            after = self.cell(x, recurrent, before)
            if valid is None:
                return after
            pairs = zip(after, before, strict=True)
            return tuple(tf.where(valid[position], new, old) for new, old in pairs)

        before = self.initial_state(tf.shape(x)[0]) if state is None else state
        if x.shape[1] == 1:  # a step of a decoding, which has no time for a loop in a loop
            after = advance(0, projected[0], before)
            y = after[0][:, None]
        else:
            outputs, after = self._along(advance, projected, before)
            y = tf.transpose(outputs, [1, 0, 2])
        y = tf.cast(y, x.dtype)
        return y if state is None else (y, after)

    def _along(
        self,
        advance: Callable[[int | tf.Tensor, tf.Tensor, RecurrentState], RecurrentState],
        inputs: tf.Tensor,
        before: RecurrentState,
    ) -> tuple[tf.Tensor, RecurrentState]:
        """The outputs `[length, batch, units]` of all positions, and the state after the last."""
        length = tf.shape(inputs)[0]
        # Arrays, since the gradient of a slice is as large as what it was cut from.
        unstacked = tf.TensorArray(inputs.dtype, length).unstack(inputs)
        outputs = tf.TensorArray(tf.float32, length, element_shape=[None, self.units])

        def body(
            count: tf.Tensor, state: RecurrentState, outputs: tf.TensorArray
        ) -> tuple[tf.Tensor, RecurrentState, tf.TensorArray]:
            position = length - 1 - count if self.backwards else count
            state = advance(position, unstacked.read(position), state)
            return count + 1, state, outputs.write(position, state[0])

        _, after, outputs = tf.while_loop(
            lambda count, *_: count < length,
            body,
            (tf.constant(0), before, outputs),
            maximum_iterations=length,  # for XLA, which must know what a gradient can need
        )
        return outputs.stack(), after


@keras.saving.register_keras_serializable("t2tlite")
class LSTM(_Recurrent):
    """Long short-term memory (Hochreiter & Schmidhuber 1997) with a forget gate (Gers et al. 2000).

    `c' = sigmoid(f) c + sigmoid(i) tanh(g)`, `h' = sigmoid(o) tanh(c')`, where i, f, g and o stand in this
    order in `x W + h U + b`. The state is (h, c). The forget gate's bias begins at 1.
    """

    gates, parts = 4, 2

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        self.bias = self.add_weight(
            name="bias", shape=(4 * self.units,), initializer=_forget_bias, autocast=False
        )

    def cell(self, x: tf.Tensor, recurrent: tf.Tensor, state: RecurrentState) -> RecurrentState:
        gates = x + recurrent + tf.convert_to_tensor(self.bias)
        i, f, g, o = tf.split(gates, 4, axis=-1)
        c = tf.sigmoid(f) * state[1] + tf.sigmoid(i) * tf.tanh(g)
        return tf.sigmoid(o) * tf.tanh(c), c


def _forget_bias(shape: tuple[int, ...], dtype: tf.DType | str | None = None) -> tf.Tensor:
    return tf.repeat(tf.constant([0, 1, 0, 0], dtype), shape[0] // 4)


@keras.saving.register_keras_serializable("t2tlite")
class GRU(_Recurrent):
    """Gated recurrent unit (Cho et al. 2014, arXiv 1406.1078, section 2.3), as cuDNN and Keras compute it.

    `h' = z h + (1 - z) tanh(x W + b + r (h U + b'))` with the update gate z and the reset gate r, which are
    sigmoids of such sums. The reset gate comes after the product with U, so that one product serves all
    three. They stand in the order z, r, candidate. The state is (h,).
    """

    gates, parts = 3, 1

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        self.bias = self.add_weight(
            name="bias", shape=(2, 3 * self.units), initializer="zeros", autocast=False
        )

    def cell(self, x: tf.Tensor, recurrent: tf.Tensor, state: RecurrentState) -> RecurrentState:
        bias = tf.convert_to_tensor(self.bias)
        of_x = tf.split(x + bias[0], 3, axis=-1)
        of_h = tf.split(recurrent + bias[1], 3, axis=-1)
        z, r = (tf.sigmoid(a + b) for a, b in zip(of_x[:2], of_h[:2], strict=True))
        g = tf.tanh(of_x[2] + r * of_h[2])
        return (z * state[0] + (1 - z) * g,)


CELLS = {"lstm": LSTM, "gru": GRU}


@keras.saving.register_keras_serializable("t2tlite")
class Bidirectional(keras.layers.Layer):
    """Two recurrent layers of half the width, one in each direction, beside each other.

    Schuster & Paliwal 1997; Bahdanau et al. 2015 (arXiv 1409.0473, section 3.2).

    Args:
      cell: "lstm" or "gru".
      units: channels of the output, even.
    """

    def __init__(self, cell: str, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        half, dtype = units // 2, self.dtype_policy
        self.forwards = CELLS[cell](half, name="forwards", dtype=dtype)
        self.backwards = CELLS[cell](half, backwards=True, name="backwards", dtype=dtype)

    def build(self, input_shape: Shape) -> None:
        self.forwards.build(input_shape)
        self.backwards.build(input_shape)

    def call(self, x: tf.Tensor, padding_mask: tf.Tensor | None = None) -> tf.Tensor:
        """`[batch, length, channels]` -> `[batch, length, units]`."""
        directions = (self.forwards, self.backwards)
        return tf.concat([layer(x, padding_mask=padding_mask) for layer in directions], axis=-1)
