"""Depthwise convolution of sequences: what is fastest for XLA, on a GPU and on a CPU."""

from collections.abc import Callable

import tensorflow as tf

from t2tlite.layers import xla


def convolve(x: tf.Tensor, kernel: tf.Tensor, dilation: int, before: int | tf.Tensor) -> tf.Tensor:
    """`y[b, t, c] = sum_i kernel[i, c] * x[b, t + i * dilation - before, c]`, `x` zero outside.

    Args:
      x: `[batch, length, channels]`.
      kernel: `[taps, channels]`.
      dilation: distance between taps, in positions.
      before: positions that `x` is padded by in front, at most `(taps - 1) * dilation`; the others of these
        are behind it, so that the length is kept.
    """
    if xla.is_traced_for():
        return _sum_of_taps(x, kernel, dilation, before)
    if tf.config.list_physical_devices("GPU"):
        return valid(_padded(x, kernel, dilation, before), kernel, dilation)
    return _folded(x, kernel, dilation, before)


def valid(window: tf.Tensor, kernel: tf.Tensor, dilation: int) -> tf.Tensor:
    """The same without padding, by the native operation: as many positions as are all taps apart."""
    return tf.nn.depthwise_conv2d(
        window[:, None], kernel[None, :, :, None], [1, 1, 1, 1], "VALID", dilations=[1, dilation]
    )[:, 0]


def _padded(x: tf.Tensor, kernel: tf.Tensor, dilation: int, before: int | tf.Tensor) -> tf.Tensor:
    after = (tf.shape(kernel)[0] - 1) * dilation - before
    return tf.pad(x, [[0, 0], [before, after], [0, 0]])


def _sum_of_taps(x: tf.Tensor, kernel: tf.Tensor, dilation: int, before: int | tf.Tensor) -> tf.Tensor:
    """For XLA, which makes one kernel of the products and their sum.

    On an H200 that took 0.3 to 0.4 ms with its gradients, for 16,384 positions of 512 channels and 15 taps,
    and the native operation 10 to 21 ms.
    """
    length = tf.shape(x)[1]
    window = _padded(tf.cast(x, tf.float32), kernel, dilation, before)
    taps = [window[:, i * dilation : i * dilation + length] * tap for i, tap in enumerate(tf.unstack(kernel))]
    return tf.cast(tf.add_n(taps), x.dtype)


def _folded(x: tf.Tensor, kernel: tf.Tensor, dilation: int, before: int | tf.Tensor) -> tf.Tensor:
    """For a CPU: forward convolutions alone, without dilation, also as gradients.

    A sequence that is cut into pieces of `dilation` positions is one of `dilation * channels` channels, of
    which a convolution without dilation does the same; TensorFlow would bring all positions into another
    order and back. Its gradient of the kernel takes up to 40 times as long as the convolution. But that
    is a convolution, too: of the input, by the output's gradient as a kernel as large as the batch.
    """

    @tf.custom_gradient
    def convolved(
        x: tf.Tensor, kernel: tf.Tensor
    ) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]]:
        window = _padded(x, kernel, dilation, before)

        def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            after = (tf.shape(kernel)[0] - 1) * dilation - before
            dx = _unfolded(_padded(dy, kernel, dilation, after), kernel[::-1], dilation, tf.shape(x)[1])
            return dx, _of_kernel(window, dy, kernel, dilation)

        return _unfolded(window, kernel, dilation, tf.shape(x)[1]), gradient

    return convolved(x, kernel)


def _unfolded(window: tf.Tensor, kernel: tf.Tensor, dilation: int, length: tf.Tensor) -> tf.Tensor:
    """`valid`, of `length` positions."""
    folded = _fold(window, dilation)
    # Not asked of the result: without rows that has others.
    pieces = tf.shape(folded)[1] - tf.shape(kernel)[0] + 1
    y = valid(folded, tf.tile(kernel, [1, dilation]), 1)
    y = tf.reshape(y, [tf.shape(window)[0], pieces * dilation, window.shape[-1]])
    return y if dilation == 1 else y[:, :length]


def _of_kernel(window: tf.Tensor, dy: tf.Tensor, kernel: tf.Tensor, dilation: int) -> tf.Tensor:
    """The gradient of the kernel, `[taps, channels]`."""
    # A replica may have no row, and a kernel needs one.
    empty = tf.cast(tf.equal(tf.shape(dy)[0], 0), tf.int32)
    window, dy = (tf.pad(_fold(y, dilation), [[0, empty], [0, 0], [0, 0]]) for y in (window, dy))
    # The batch is the height of one picture, and so is the kernel's.
    of_each = tf.nn.depthwise_conv2d(window[None], dy[..., None], [1, 1, 1, 1], "VALID")[0, 0]
    # `[taps, dilation * channels]`
    return tf.reduce_sum(tf.reshape(of_each, [tf.shape(kernel)[0], dilation, kernel.shape[-1]]), axis=1)


def _fold(x: tf.Tensor, rows: int) -> tf.Tensor:
    """`[batch, length, channels]` -> `[batch, ceil(length / rows), rows * channels]`."""
    if rows == 1:
        return x
    x = tf.pad(x, [[0, 0], [0, -tf.shape(x)[1] % rows], [0, 0]])
    return tf.reshape(x, [tf.shape(x)[0], tf.shape(x)[1] // rows, rows * x.shape[-1]])
