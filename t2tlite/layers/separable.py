"""Depthwise-separable convolutions over one dimension (causal or centered, with state) and over two."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from t2tlite.layers import depthwise, history, xla
from t2tlite.layers.history import History
from t2tlite.layers.once import once
from t2tlite.types import Shape

_FEW = 4  # positions of padding


@keras.saving.register_keras_serializable("t2tlite")
class NearIdentity(keras.initializers.Initializer):
    """A depthwise kernel that begins as almost the identity: 1 at one tap, small noise at all of them.

    Every step of a fresh network then passes on where things are. With kernels of pure noise an image is
    scrambled within a few steps, and the image net stays at chance for hundreds of updates longer.

    Args:
      tap: index of the tap at 1, e.g. the middle one, or the last of a causal kernel.
    """

    def __init__(self, tap: tuple[int, ...]) -> None:
        self.tap = tuple(tap)

    def __call__(self, shape: tuple[int, ...], dtype: tf.DType | str | None = None) -> tf.Tensor:
        window = shape[:-1]
        unit = np.zeros(shape, np.float32)
        unit[self.tap] = 1.0
        noise = keras.random.normal(shape, stddev=0.3 * np.prod(window) ** -0.5, dtype=dtype)
        return noise + tf.cast(unit, noise.dtype)

    def get_config(self) -> dict[str, Any]:
        return {"tap": self.tap}


@keras.saving.register_keras_serializable("t2tlite")
class Centred(keras.initializers.Initializer):
    """He's normal initialization of `[inputs, outputs]`, less each output's mean over its inputs.

    After a ReLU all inputs are positive. With weights that don't sum to zero the part that is common to all
    positions and examples grows from layer to layer, and what tells them apart is lost (Brock et al. 2021,
    arXiv 2101.08692, section 3, "mean shift"): in a fresh image net 1% of the variance at the last layer is
    between examples, and with this initialization 50%.
    """

    def __call__(self, shape: tuple[int, ...], dtype: tf.DType | str | None = None) -> tf.Tensor:
        kernel = keras.random.normal(shape, stddev=(2 / shape[0]) ** 0.5, dtype=dtype)
        if shape[0] == 1:  # a single input, such as a spectrogram: less its mean nothing would be left
            return kernel
        return kernel - tf.reduce_mean(kernel, axis=0, keepdims=True)


class _Separable(keras.layers.Layer):
    """The variables that both dimensionalities share: depthwise kernel, pointwise kernel, bias."""

    def _add_weights(
        self, window: tuple[int, ...], tap: tuple[int, ...], channels: int, filters: int
    ) -> None:
        self.depthwise_kernel = self.add_weight(
            name="depthwise_kernel", shape=(*window, channels), initializer=NearIdentity(tap)
        )
        self.pointwise_kernel = self.add_weight(
            name="pointwise_kernel", shape=(channels, filters), initializer=Centred()
        )
        self.bias = self.add_weight(name="bias", shape=(filters,), initializer="zeros")

    def _depthwise_weights(self, dtype: tf.DType) -> tf.Tensor:
        return tf.cast(self.depthwise_kernel, tf.float32 if xla.is_traced_for() else dtype)

    def _pointwise_weights(self, dtype: tf.DType) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.cast(self.pointwise_kernel, dtype), tf.cast(self.bias, dtype)


def _pointwise(x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    # Of two dimensions: with four of which the second is 1, TensorFlow 2.21 on a CPU gives wrong numbers or
    # crashes (tensorflow#123109), and the gradient of the kernel would be summed over a batch.
    y = tf.nn.bias_add(tf.matmul(tf.reshape(x, [-1, kernel.shape[0]]), kernel), bias)
    shape = tf.concat([tf.shape(x)[:-1], kernel.shape[1:]], axis=0)
    return tf.ensure_shape(tf.reshape(y, shape), [*x.shape[:-1], kernel.shape[1]])


@once
def _causal(
    x: tf.Tensor, kernel: tf.Tensor, pointwise: tf.Tensor, bias: tf.Tensor, dilation: int
) -> tf.Tensor:
    size = kernel.shape[0]
    taps = _reached(x, size - 1, dilation)
    y = depthwise.convolve(x, kernel[size - 1 - taps :], dilation, taps * dilation)
    return _pointwise(y, pointwise, bias)


@once
def _centred(
    x: tf.Tensor, kernel: tf.Tensor, pointwise: tf.Tensor, bias: tf.Tensor, dilation: int
) -> tf.Tensor:
    middle = kernel.shape[0] // 2
    taps = _reached(x, middle, dilation)
    y = depthwise.convolve(x, kernel[middle - taps : middle + taps + 1], dilation, taps * dilation)
    return _pointwise(y, pointwise, bias)


def _reached(x: tf.Tensor, taps: int, dilation: int) -> int | tf.Tensor:
    """How many of so many taps on one side to compute: those that a position can reach.

    XLA must know their number, and few of them cost nothing.
    """
    if xla.is_traced_for() or taps * dilation <= _FEW:
        return taps
    return tf.minimum(taps, (tf.shape(x)[1] - 1) // dilation)


@once
def _strided(
    x: tf.Tensor, kernel: tf.Tensor, pointwise: tf.Tensor, bias: tf.Tensor, strides: tuple[int, ...]
) -> tf.Tensor:
    """A kernel of 1x1."""
    return _pointwise(x[:, :: strides[0], :: strides[1]] * kernel[0, 0], pointwise, bias)


@once
def _padded(
    x: tf.Tensor, kernel: tf.Tensor, pointwise: tf.Tensor, bias: tf.Tensor, strides: tuple[int, ...]
) -> tf.Tensor:
    height, width = kernel.shape[:2]
    padding = [[0, 0], [height // 2] * 2, [width // 2] * 2, [0, 0]]
    if xla.is_traced_for():
        return _pointwise(_sum_of_taps_2d(x, kernel, strides, padding), pointwise, bias)
    x = tf.nn.depthwise_conv2d(x, kernel[..., None], [1, *strides, 1], padding)
    return _pointwise(x, pointwise, bias)


def _sum_of_taps_2d(
    x: tf.Tensor, kernel: tf.Tensor, strides: tuple[int, ...], padding: list[list[int]]
) -> tf.Tensor:
    """A depthwise convolution in two dimensions, for XLA; see `_sum_of_taps`."""
    window = tf.pad(tf.cast(x, tf.float32), padding)
    reach = [
        (-(-size // stride) - 1) * stride + 1
        for size, stride in zip(tf.unstack(tf.shape(x)[1:3]), strides, strict=True)
    ]
    taps = [
        window[:, i : i + reach[0] : strides[0], j : j + reach[1] : strides[1]] * tap
        for i, row in enumerate(tf.unstack(kernel))
        for j, tap in enumerate(tf.unstack(row))
    ]
    return tf.cast(tf.add_n(taps), x.dtype)


@keras.saving.register_keras_serializable("t2tlite")
class SeparableConv1D(_Separable):
    """Depthwise-separable convolution over `[batch, length, channels]`, stride 1, length kept.

    The taps that no position of a short sequence can reach are left out: the result is the same, and a
    15-tap kernel with dilation 8 costs 3 taps on 16 positions.

    Args:
      filters: number of output channels.
      kernel_size: number of taps, odd unless causal.
      dilation: distance between taps, in positions.
      causal: pad on the left only, so that position t sees nothing after t. Only a causal convolution
        has state: its last `(taps - 1) * dilation` inputs, and the newest.
    """

    def __init__(
        self, filters: int, kernel_size: int, dilation: int = 1, causal: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if not causal and kernel_size % 2 == 0:
            raise ValueError(f"`kernel_size` must be odd for a centered convolution. Received: {kernel_size}")
        self.filters = filters
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.causal = causal

    def build(self, input_shape: Shape) -> None:
        tap = self.kernel_size - 1 if self.causal else self.kernel_size // 2
        self._add_weights((self.kernel_size,), (tap,), input_shape[-1], self.filters)

    def initial_state(self, batch: int | tf.Tensor, length: int) -> History:
        """A `History` of the inputs, as far as a tap reaches, for decoding up to `length` positions."""
        reach = min(self.kernel_size - 1, (length - 1) // self.dilation) * self.dilation
        return history.empty(reach + 1, batch, [self.depthwise_kernel.shape[-1]], self.compute_dtype)

    def call(self, x: tf.Tensor, state: History | None = None) -> tf.Tensor | tuple[tf.Tensor, History]:
        """Convolves `x`; with `state` (causal only) it continues a sequence and returns `(y, new state)`."""
        if state is None:
            convolution = _causal if self.causal else _centred
            return convolution(
                x, self._depthwise_weights(x.dtype), *self._pointwise_weights(x.dtype), self.dilation
            )
        return self._step(x, state) if x.shape[1] == 1 else self._chunk(x, state)

    def _step(self, x: tf.Tensor, state: History) -> tuple[tf.Tensor, History]:
        """One position: a sum over taps, since the native op takes ten times as long for so little."""
        state = history.append(state, x[:, 0])
        taps = (state.entries.shape[0] - 1) // self.dilation
        positions = state.position - 1 - self.dilation * tf.range(taps, -1, -1)
        kernel = tf.cast(self.depthwise_kernel[self.kernel_size - 1 - taps :], x.dtype)
        window = history.read(state, positions)  # [taps, batch, channels]
        y = tf.reduce_sum(window * kernel[:, None], axis=0)
        # The bias after a change of shape: fused with so small a product, it would cost more than both.
        pointwise, bias = self._pointwise_weights(x.dtype)
        return tf.matmul(y, pointwise)[:, None] + bias, history.after(state, window)

    def _chunk(self, x: tf.Tensor, state: History) -> tuple[tf.Tensor, History]:
        reach = state.entries.shape[0] - 1
        before = history.read(state, state.position - reach + tf.range(reach))  # [reach, batch, channels]
        window = tf.concat([tf.transpose(before, [1, 0, 2]), x], axis=1)  # [batch, reach + length, channels]
        kernel = tf.cast(self.depthwise_kernel[self.kernel_size - 1 - reach // self.dilation :], x.dtype)
        state = history.write(state, tf.transpose(x, [1, 0, 2]))
        y = depthwise.valid(window, kernel, self.dilation)
        return _pointwise(y, *self._pointwise_weights(x.dtype)), state


@keras.saving.register_keras_serializable("t2tlite")
class SeparableConv2D(_Separable):
    """Depthwise-separable convolution over `[batch, height, width, channels]`.

    Padding is explicit, half the kernel on every side, so that a strided output sits on the even positions
    whatever the size; a size n becomes ceil(n / stride).

    Args:
      filters: number of output channels.
      kernel_size: `(height, width)`, odd.
      strides: `(vertical, horizontal)`, equal unless the kernel is 1x1.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Sequence[int] = (3, 3),
        strides: Sequence[int] = (1, 1),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if strides[0] != strides[1] and tuple(kernel_size) != (1, 1):
            raise ValueError(f"`strides` must be equal unless the kernel is 1x1. Received: {strides}")
        self.filters = filters
        self.kernel_size = tuple(kernel_size)
        self.strides = tuple(strides)

    def build(self, input_shape: Shape) -> None:
        middle = tuple(size // 2 for size in self.kernel_size)
        self._add_weights(self.kernel_size, middle, input_shape[-1], self.filters)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Convolves `x`: `[batch, ceil(height / stride), ceil(width / stride), filters]`."""
        if self.kernel_size == (1, 1):
            return _strided(
                x, tf.cast(self.depthwise_kernel, x.dtype), *self._pointwise_weights(x.dtype), self.strides
            )
        return _padded(x, self._depthwise_weights(x.dtype), *self._pointwise_weights(x.dtype), self.strides)
