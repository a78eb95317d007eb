"""The nets of vectors and of counts: a single position, by one matrix."""

import zlib
from typing import Any

import keras
import tensorflow as tf

from t2tlite import registry
from t2tlite.hparam import HParams
from t2tlite.layers.masking import masked_mean
from t2tlite.modality import Modality, Representation
from t2tlite.problem import Problem
from t2tlite.shared_hparams import HIDDEN_SIZE
from t2tlite.types import Batch, Shape


@registry.register_modality
class Vector(Modality):
    """A vector becomes one position; written, it is read off the mean of the encoded inputs.

    Problems share a net exactly if their vectors have the same size.
    """

    HPARAMS = (HIDDEN_SIZE,)

    def __init__(self, hparams: HParams, size: int | None = None, **kwargs: Any) -> None:
        super().__init__(hparams, size=size, **kwargs)
        self.read = keras.layers.Dense(hparams.hidden_size, name="read")
        # A fresh model writes zeros.
        self.write = keras.layers.Dense(size, kernel_initializer="zeros", name="write")

    @classmethod
    def sharing(cls, problem: Problem, side: str, vocabulary: Any, labels: Any) -> tuple[str, int | None]:
        feature: Any = problem.features()[side]  # the kind that has this modality
        size = feature.size
        return str(size), size

    def build(self, input_shape: Shape | None = None) -> None:
        self.read.build((None, self.size))
        self.write.build((None, self.hparams.hidden_size))
        self.built = True

    def bottom(self, features: Batch, side: str, training: bool = False) -> Representation:
        """Represents float32 `[batch, size]`: `[batch, 1, hidden]`."""
        x = tf.cast(self.scaled(features[side]), self.compute_dtype)
        return Representation(self.read(x)[:, None])

    def scaled(self, x: tf.Tensor) -> tf.Tensor:
        """What the matrix is multiplied with: float32 `[batch, size]`, as `x`."""
        return x

    def top(self, representation: Representation, training: bool = False) -> tf.Tensor:
        """Float32 `[batch, size]`."""
        return tf.cast(self.write(masked_mean(representation.x, representation.mask)), tf.float32)


@registry.register_modality
class Counts(Vector):
    """A bag of names, whose counts enter by log(1 + count); written, it has a logit for each name.

    Problems share a net exactly if they have the same names in the same order.
    """

    HPARAMS = (HIDDEN_SIZE,)

    @classmethod
    def sharing(cls, problem: Problem, side: str, vocabulary: Any, labels: Any) -> tuple[str, int | None]:
        feature: Any = problem.features()[side]
        names = feature.vocabulary
        return f"{zlib.crc32(chr(0).join(names).encode()):08x}", len(names)

    def scaled(self, x: tf.Tensor) -> tf.Tensor:
        """log(1 + count)."""
        return tf.math.log1p(x)
