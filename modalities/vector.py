"""The nets of vectors and of counts: a single position, by one matrix."""

import zlib

import keras
import tensorflow as tf

from t2tlite import registry
from t2tlite.layers.masking import masked_mean
from t2tlite.modality import Modality, Representation
from t2tlite.shared_hparams import HIDDEN_SIZE


@registry.register_modality
class Vector(Modality):
    """A vector becomes one position; written, it is read off the mean of the encoded inputs.

    Problems share a net exactly if their vectors have the same size.
    """

    HPARAMS = (HIDDEN_SIZE,)

    def __init__(self, hparams, size=None, **kwargs):
        super().__init__(hparams, size=size, **kwargs)
        self.read = keras.layers.Dense(hparams.hidden_size, name="read")
        # A fresh model writes zeros.
        self.write = keras.layers.Dense(size, kernel_initializer="zeros", name="write")

    @classmethod
    def sharing(cls, problem, side, vocabulary, labels):
        size = problem.features()[side].size
        return str(size), size

    def build(self, input_shape=None):
        self.read.build((None, self.size))
        self.write.build((None, self.hparams.hidden_size))
        self.built = True

    def bottom(self, features, side, training=False):
        """Represents float32 `[batch, size]`: `[batch, 1, hidden]`."""
        x = tf.cast(self.scaled(features[side]), self.compute_dtype)
        return Representation(self.read(x)[:, None])

    def scaled(self, x):
        """What the matrix is multiplied with."""
        return x

    def top(self, representation, training=False):
        """Float32 `[batch, size]`."""
        return tf.cast(self.write(masked_mean(representation.x, representation.mask)), tf.float32)


@registry.register_modality
class Counts(Vector):
    """A bag of names, whose counts enter by log(1 + count); written, it has a logit for each name.

    Problems share a net exactly if they have the same names in the same order.
    """

    HPARAMS = (HIDDEN_SIZE,)

    @classmethod
    def sharing(cls, problem, side, vocabulary, labels):
        names = problem.features()[side].vocabulary
        return f"{zlib.crc32(chr(0).join(names).encode()):08x}", len(names)

    def scaled(self, x):
        return tf.math.log1p(x)
