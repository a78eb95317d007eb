"""Depthwise-separable convolutions over one dimension (causal or centred, with state) and over two."""

import keras
import tensorflow as tf


def _variance(kernel_shape):
    """He's initial variance for a depthwise kernel: each channel reads only its own window."""
    fan_in = 1
    for size in kernel_shape:
        fan_in *= size
    return keras.initializers.RandomNormal(stddev=fan_in**-0.5)


class _Separable(keras.layers.Layer):
    """The variables that both dimensionalities share: depthwise kernel, pointwise kernel, bias."""

    def _add_weights(self, window, channels, filters):
        self.depthwise_kernel = self.add_weight(
            name="depthwise_kernel", shape=(*window, channels), initializer=_variance(window)
        )
        self.pointwise_kernel = self.add_weight(
            name="pointwise_kernel", shape=(channels, filters), initializer="glorot_uniform"
        )
        self.bias = self.add_weight(name="bias", shape=(filters,), initializer="zeros")

    def _pointwise(self, x):
        return tf.matmul(x, tf.cast(self.pointwise_kernel, x.dtype)) + tf.cast(self.bias, x.dtype)


class SeparableConv1D(_Separable):
    """Depthwise-separable convolution over `[batch, length, channels]`, stride 1, length kept.

    The taps that no position of a short sequence can reach are left out: the result is the same, and a
    15-tap kernel with dilation 8 costs 3 taps on 16 positions.

    Args:
      filters: number of output channels.
      kernel_size: number of taps, odd unless causal.
      dilation: distance between taps, in positions.
      causal: pad on the left only, so that position t sees nothing after t. Only a causal convolution
        has state: its last `(taps - 1) * dilation` inputs.
    """

    def __init__(self, filters: int, kernel_size: int, dilation: int = 1, causal: bool = False, **kwargs):
        super().__init__(**kwargs)
        if not causal and kernel_size % 2 == 0:
            raise ValueError(f"`kernel_size` must be odd for a centred convolution. Received: {kernel_size}")
        self.filters = filters
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.causal = causal

    def build(self, input_shape):
        self._add_weights((self.kernel_size,), input_shape[-1], self.filters)

    def initial_state(self, batch, length: int):
        """Zeros `[batch, reach, channels]` for decoding up to `length` positions one after the other."""
        reach = min(self.kernel_size - 1, (length - 1) // self.dilation) * self.dilation
        return tf.zeros([batch, reach, self.depthwise_kernel.shape[-1]], self.compute_dtype)

    def call(self, x, state=None):
        """Convolves `x`; with `state` (causal only) it continues the sequence and returns `(y, new state)`."""
        if not self.causal:
            return self._pointwise(self._centred(x))
        if state is None:
            taps = tf.minimum(self.kernel_size - 1, (tf.shape(x)[1] - 1) // self.dilation)
            window = tf.pad(x, [[0, 0], [taps * self.dilation, 0], [0, 0]])
            return self._pointwise(self._depthwise(window, self.depthwise_kernel[self.kernel_size - 1 - taps :]))
        taps = state.shape[1] // self.dilation
        window = tf.concat([state, x], axis=1)  # [batch, reach + length, channels]
        y = self._pointwise(self._depthwise(window, self.depthwise_kernel[self.kernel_size - 1 - taps :]))
        return y, window[:, tf.shape(window)[1] - state.shape[1] :]

    def _centred(self, x):
        middle = self.kernel_size // 2
        taps = tf.minimum(middle, (tf.shape(x)[1] - 1) // self.dilation)
        reach = taps * self.dilation
        window = tf.pad(x, [[0, 0], [reach, reach], [0, 0]])
        return self._depthwise(window, self.depthwise_kernel[middle - taps : middle + taps + 1])

    def _depthwise(self, window, kernel):
        kernel = tf.cast(kernel, window.dtype)[None, :, :, None]  # [1, taps, channels, 1]
        return tf.nn.depthwise_conv2d(
            window[:, None], kernel, strides=[1, 1, 1, 1], padding="VALID", dilations=[1, self.dilation]
        )[:, 0]


class SeparableConv2D(_Separable):
    """Depthwise-separable convolution over `[batch, height, width, channels]`.

    Padding is explicit, half the kernel on every side, so that a strided output sits on the even positions
    whatever the size; a size n becomes ceil(n / stride).

    Args:
      filters: number of output channels.
      kernel_size: `(height, width)`, odd.
      strides: `(vertical, horizontal)`, equal unless the kernel is 1x1.
    """

    def __init__(self, filters: int, kernel_size=(3, 3), strides=(1, 1), **kwargs):
        super().__init__(**kwargs)
        if strides[0] != strides[1] and tuple(kernel_size) != (1, 1):
            raise ValueError(f"`strides` must be equal unless the kernel is 1x1. Received: {strides}")
        self.filters = filters
        self.kernel_size = tuple(kernel_size)
        self.strides = tuple(strides)

    def build(self, input_shape):
        self._add_weights(self.kernel_size, input_shape[-1], self.filters)

    def call(self, x):
        kernel = tf.cast(self.depthwise_kernel, x.dtype)
        if self.kernel_size == (1, 1):
            return self._pointwise(x[:, :: self.strides[0], :: self.strides[1]] * kernel[0, 0])
        height, width = self.kernel_size
        x = tf.nn.depthwise_conv2d(
            x,
            kernel[..., None],
            strides=[1, *self.strides, 1],
            padding=[[0, 0], [height // 2] * 2, [width // 2] * 2, [0, 0]],
        )
        return self._pointwise(x)
