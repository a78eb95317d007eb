"""The convolution step, the convolution block and the residual convolution of the MultiModel."""

import functools
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from t2tlite.layers import xla
from t2tlite.layers.history import History
from t2tlite.layers.masking import apply_mask
from t2tlite.layers.normalization import EPSILON, LayerNormalization
from t2tlite.layers.randomness import dropout
from t2tlite.layers.separable import SeparableConv1D, SeparableConv2D
from t2tlite.types import Shape


@keras.saving.register_keras_serializable("t2tlite")
class ConvStep(keras.layers.Layer):
    """`LN(SepConv(W, ReLU(x)))` over `[batch, length, channels]` ("One Model To Learn Them All", 2.1.1).

    Args:
      filters: number of output channels.
      kernel_size, dilation, causal: as of `SeparableConv1D`.
      initial_scale: at which the normalization's learned scale begins.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        dilation: int = 1,
        causal: bool = False,
        initial_scale: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.conv = SeparableConv1D(
            filters, kernel_size, dilation, causal, name="conv", dtype=self.dtype_policy
        )
        self.norm = LayerNormalization(
            epsilon=EPSILON,
            gamma_initializer=keras.initializers.Constant(initial_scale),
            name="norm",
            dtype=self.dtype_policy,
        )

    def build(self, input_shape: Shape) -> None:
        self.conv.build(input_shape)
        self.norm.build((*input_shape[:-1], self.filters))

    def initial_state(self, batch: int | tf.Tensor, length: int) -> History:
        """See `SeparableConv1D.initial_state`."""
        return self.conv.initial_state(batch, length)

    def call(
        self, x: tf.Tensor, padding_mask: tf.Tensor | None = None, state: History | None = None
    ) -> tf.Tensor | tuple[tf.Tensor, History]:
        """Returns `[batch, length, filters]`, or `(that, new state)` where `state` is given."""
        x = apply_mask(tf.nn.relu(x), padding_mask)
        if state is None:
            return self.norm(self.conv(x))
        y, state = self.conv(x, state=state)
        return self.norm(y), state


@keras.saving.register_keras_serializable("t2tlite")
class ConvBlock(keras.layers.Layer):
    """Four convolution steps in two residual pairs, then dropout ("One Model To Learn Them All", 2.1.1).

    The step that ends a pair begins with scale 0, so that a fresh block is the identity (Goyal et al. 2017,
    arXiv 1706.02677, section 5.1): fresh blocks add noise that the image net takes hundreds of updates to
    see through.

    Args:
      hidden: number of channels, in and out.
      kernel_sizes: taps of the four steps.
      long_dilation: dilation of the last one.
      dropout: rate in training (0.4 in the paper).
      skips: False: the steps follow one another, with no connection past them, as in the code of June 2017.
      causal: pad on the left only, as in the mixer and the decoder.
    """

    def __init__(
        self,
        hidden: int,
        kernel_sizes: Sequence[int] = (3, 3, 15, 15),
        long_dilation: int = 8,
        dropout: float = 0.4,
        skips: bool = True,
        causal: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.rate = dropout
        self.skips = skips
        common: dict[str, Any] = {"causal": causal, "dtype": self.dtype_policy}
        last = 0.0 if skips else 1.0  # scale of the step that ends a pair
        first, second, third, fourth = kernel_sizes
        self.step1 = ConvStep(hidden, first, name="step1", **common)
        self.step2 = ConvStep(hidden, second, initial_scale=last, name="step2", **common)
        self.step3 = ConvStep(hidden, third, name="step3", **common)
        self.step4 = ConvStep(hidden, fourth, long_dilation, initial_scale=last, name="step4", **common)
        self.steps = (self.step1, self.step2, self.step3, self.step4)

    def build(self, input_shape: Shape) -> None:
        for step in self.steps:
            step.build(input_shape)

    def initial_state(self, batch: int | tf.Tensor, length: int) -> tuple[History, ...]:
        """Those of the four steps, for `batch` sequences of up to `length` positions."""
        return tuple(step.initial_state(batch, length) for step in self.steps)

    def call(
        self,
        x: tf.Tensor,
        padding_mask: tf.Tensor | None = None,
        training: bool = False,
        state: tuple[History, ...] | None = None,
    ) -> tf.Tensor | tuple[tf.Tensor, tuple[History, ...]]:
        """Returns `[batch, length, hidden]`, or `(that, new state)` where `state` is given."""
        new_state = []

        def run(index: int, y: tf.Tensor) -> tf.Tensor:
            if state is None:
                return self.steps[index](y, padding_mask=padding_mask)
            y, after = self.steps[index](y, padding_mask=padding_mask, state=state[index])
            new_state.append(after)
            return y

        hidden2 = run(1, run(0, x))
        hidden4 = run(3, run(2, x + hidden2 if self.skips else hidden2))
        hidden4 = x + hidden4 if self.skips else hidden4
        y = dropout(hidden4, self.rate, training)
        return y if state is None else (y, tuple(new_state))


@keras.saving.register_keras_serializable("t2tlite")
class ConvStep2D(keras.layers.Layer):
    """`LN(SepConv(W, ReLU(x)))` over `[batch, height, width, channels]`; the mask is over the height."""

    def __init__(
        self,
        filters: int,
        kernel_size: Sequence[int] = (3, 3),
        strides: Sequence[int] = (1, 1),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.conv = SeparableConv2D(filters, kernel_size, strides, name="conv", dtype=self.dtype_policy)
        self.norm = LayerNormalization(epsilon=EPSILON, name="norm", dtype=self.dtype_policy)

    def build(self, input_shape: Shape) -> None:
        self.conv.build(input_shape)
        self.norm.build((*input_shape[:-1], self.filters))

    def call(self, x: tf.Tensor, padding_mask: tf.Tensor | None = None) -> tf.Tensor:
        """Returns `[batch, ceil(height / stride), ceil(width / stride), filters]`.

        Args:
          x: `[batch, height, width, channels]`.
          padding_mask: bool `[batch, height]` or None, False for padding.
        """
        return self.norm(self.conv(apply_mask(tf.nn.relu(x), padding_mask)))


@keras.saving.register_keras_serializable("t2tlite")
class ConvRes(keras.layers.Layer):
    """Two convolution steps, max pooling and a strided 1x1 step beside them (the paper's section 2.2.2).

    `ConvRes(x, F) = MaxPool(ConvStep_F(ConvStep_F(x))) + ConvStep_{F, stride}(W^{1x1}, x)`.

    Args:
      filters: F.
      kernel_size: of the two steps and of the pooling window, `(height, width)`.
      strides: `(vertical, horizontal)`; (2, 1) strides over time only.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Sequence[int] = (3, 3),
        strides: Sequence[int] = (2, 2),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.window = tuple(kernel_size)
        self.strides = tuple(strides)
        self.step1 = ConvStep2D(filters, kernel_size, name="step1", dtype=self.dtype_policy)
        self.step2 = ConvStep2D(filters, kernel_size, name="step2", dtype=self.dtype_policy)
        self.skip = ConvStep2D(filters, (1, 1), strides, name="skip", dtype=self.dtype_policy)

    def build(self, input_shape: Shape) -> None:
        self.step1.build(input_shape)
        self.step2.build((*input_shape[:-1], self.filters))
        self.skip.build(input_shape)

    def call(self, x: tf.Tensor, padding_mask: tf.Tensor | None = None) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Returns `([batch, ceil(height / s), ceil(width / s), filters], mask [batch, ceil(height / s)])`."""
        y = self.step2(self.step1(x, padding_mask=padding_mask), padding_mask=padding_mask)
        y = max_pool(y, self.window, self.strides, padding_mask)
        y = y + self.skip(x, padding_mask=padding_mask)
        return y, None if padding_mask is None else padding_mask[:, :: self.strides[0]]


def max_pool(
    x: tf.Tensor, window: tuple[int, ...], strides: tuple[int, ...], padding_mask: tf.Tensor | None = None
) -> tf.Tensor:
    """Max pooling centered on the positions 0, stride, 2 stride, ...; padding never wins.

    Args:
      x: `[batch, height, width, channels]`.
      window, strides: `(height, width)`.
      padding_mask: bool `[batch, height]` or None, False for padding.
    """
    if padding_mask is not None:
        x = tf.where(padding_mask[:, :, None, None], x, x.dtype.min)
    margin = [[0, 0], [window[0] // 2] * 2, [window[1] // 2] * 2, [0, 0]]
    x = tf.pad(x, margin, constant_values=x.dtype.min)
    if xla.is_traced_for():
        return _max_of_taps(x, window, strides)
    return tf.nn.max_pool2d(x, window, strides, "VALID")


def _max_of_taps(x: tf.Tensor, window: tuple[int, ...], strides: tuple[int, ...]) -> tf.Tensor:
    """The same; XLA's gradient of pooling is a scatter, which takes a GPU far longer than the pooling."""
    rows, columns = (
        [slice(i, (i - width + 1) or None, stride) for i in range(width)]
        for width, stride in zip(window, strides, strict=True)
    )
    taps = (x[:, row, column] for row in rows for column in columns)
    return functools.reduce(tf.maximum, taps)  # of equal ones the first has the gradient
