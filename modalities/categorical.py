"""The categorical net: the exit flow of Xception over the encoded inputs."""

import zlib
from typing import Any

import keras
import tensorflow as tf

from t2tlite import registry
from t2tlite.hparam import HParams
from t2tlite.hyperparameter import POSITIVE, Hyperparameter
from t2tlite.layers.convolution import ConvStep2D, max_pool
from t2tlite.layers.masking import apply_mask, masked_mean
from t2tlite.modality import Modality, Representation
from t2tlite.problem import Problem
from t2tlite.shared_hparams import HIDDEN_SIZE
from t2tlite.types import Shape


@registry.register_modality
class Categorical(Modality):
    """A class out of the encoded inputs, not autoregressive ("One Model To Learn Them All", 2.2.3).

    Inputs with a grid are reshaped to it; others are a grid of width 1. Problems share it exactly if they
    have the same class names in the same order.
    """

    HPARAMS = (
        HIDDEN_SIZE,
        Hyperparameter(
            "exit_widths",
            tuple[float, float],
            "channels of h4 and h5, in those of the body",
            POSITIVE,
            default=(1.5, 2.0),
        ),
    )

    def __init__(self, hparams: HParams, size: int | None = None, **kwargs: Any) -> None:
        super().__init__(hparams, size=size, **kwargs)
        wide, wider = (round(hparams.hidden_size * width) for width in hparams.exit_widths)
        self.skip = ConvStep2D(hparams.hidden_size, strides=(2, 2), name="skip")
        self.h1 = ConvStep2D(hparams.hidden_size, name="h1")
        self.h2 = ConvStep2D(hparams.hidden_size, name="h2")
        self.h4 = ConvStep2D(wide, name="h4")
        self.h5 = ConvStep2D(wider, name="h5")
        # A fresh model predicts all classes alike.
        self.classes = keras.layers.Dense(size, kernel_initializer="zeros", name="classes")

    @classmethod
    def sharing(cls, problem: Problem, side: str, vocabulary: Any, labels: Any) -> tuple[str, int | None]:
        return f"{zlib.crc32(chr(0).join(labels).encode()):08x}", len(labels)

    def build(self, input_shape: Shape | None = None) -> None:
        hidden = self.hparams.hidden_size
        for layer in (self.skip, self.h1, self.h2, self.h4):
            layer.build((None, None, None, hidden))
        self.h5.build((None, None, None, self.h4.filters))
        self.classes.build((None, self.h5.filters))
        self.built = True

    def top(self, representation: Representation, training: bool = False) -> tf.Tensor:
        """Float32 logits `[batch, size]` of the encoded inputs."""
        x, mask, grid = representation
        shape = tf.shape(x)
        height, width = grid or (shape[1], 1)
        x = tf.reshape(x, [shape[0], height, width, self.hparams.hidden_size])
        pooled = max_pool(self.h2(self.h1(x, padding_mask=mask), padding_mask=mask), (3, 3), (2, 2), mask)
        x = self.skip(x, padding_mask=mask) + pooled
        mask = None if mask is None else mask[:, ::2]
        x = self.h5(self.h4(x, padding_mask=mask), padding_mask=mask)
        x = apply_mask(tf.reduce_mean(tf.nn.relu(x), axis=2), mask)  # [batch, height, channels]
        return tf.cast(self.classes(masked_mean(x, mask)), tf.float32)
