"""The image net: the entry flow of Xception."""

from typing import Any

import tensorflow as tf

from t2tlite import registry
from t2tlite.hparam import HParams
from t2tlite.hyperparameter import POSITIVE, Hyperparameter, Rule
from t2tlite.layers.convolution import ConvRes, ConvStep2D
from t2tlite.modality import Modality, Representation
from t2tlite.shared_hparams import HIDDEN_SIZE
from t2tlite.types import Batch, Shape


@registry.register_modality
class Image(Modality):
    """Two convolution steps and three residual convolutions ("One Model To Learn Them All", 2.2.2).

    A `[299, 299]` image becomes a `[19, 19]` grid of 361 positions. With `image_complement` the net reads
    [x, 1 - x]: its first ReLU and layer normalization then keep dark and bright apart from the first step.
    """

    HPARAMS = (
        HIDDEN_SIZE,
        Hyperparameter(
            "image_widths",
            tuple[int, ...],
            "channels of h1, h2, r1 and r2; the last ConvRes has those of the body",
            (POSITIVE, Rule("4 widths", lambda widths: len(widths) == 4)),
        ),
        Hyperparameter("image_complement", bool, "read [x, 1 - x] instead of x", default=False),
    )

    def __init__(self, hparams: HParams, **kwargs: Any) -> None:
        super().__init__(hparams, **kwargs)
        first, second, third, fourth = hparams.image_widths
        self.h1 = ConvStep2D(first, strides=(2, 2), name="h1")
        self.h2 = ConvStep2D(second, name="h2")
        self.r1 = ConvRes(third, name="r1")
        self.r2 = ConvRes(fourth, name="r2")
        self.r3 = ConvRes(hparams.hidden_size, name="r3")

    def build(self, input_shape: Shape | None = None) -> None:
        channels = 6 if self.hparams.image_complement else 3
        for layer in (self.h1, self.h2, self.r1, self.r2, self.r3):
            layer.build((None, None, None, channels))
            channels = layer.filters
        self.built = True

    def bottom(self, features: Batch, side: str, training: bool = False) -> Representation:
        """Represents images `[batch, height, width, 3]` with values in [0, 1]."""
        x = tf.cast(features[side], self.compute_dtype)
        if self.hparams.image_complement:
            x = tf.concat([x, 1 - x], axis=-1)
        x = self.h2(self.h1(x))
        for block in (self.r1, self.r2, self.r3):
            x, _ = block(x)
        shape = tf.shape(x)
        grid = (shape[1], shape[2])
        return Representation(tf.reshape(x, [shape[0], -1, self.hparams.hidden_size]), None, grid)
