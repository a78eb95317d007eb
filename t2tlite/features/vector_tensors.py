"""Vectors as tensors: in batches, in decoding, and in the graph of an export."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from t2tlite.errors import UserError
from t2tlite.features import raw
from t2tlite.features.codec import Codec, Reading
from t2tlite.features.inputs import InputReader


class VectorCodec(Codec):
    """Stored float32 to vectors; see `Vector.codec`."""

    def __init__(self, reading: Reading, size: int) -> None:
        super().__init__(reading)
        self._size = size

    def dense(
        self, name: str, compact: Any, epoch: tf.Tensor, index: tf.Tensor, length: tf.Tensor | None
    ) -> dict[str, tf.Tensor]:
        numbers = tf.io.decode_raw(compact, tf.float32)
        return {name: tf.ensure_shape(numbers, [None, self._size])}  # [batch, size]


class VectorInputs(InputReader):
    """Vectors."""

    def __init__(self, feature: Any) -> None:
        self._feature = feature
        self.bounds = (feature.size,)
        self.spec = {"inputs": tf.TensorSpec([None, feature.size], tf.float32)}

    def read(self, value: Any) -> np.ndarray:
        """A list of numbers, an array, or numbers with spaces between them, to float32 `[size]`."""
        try:
            return self._feature.numbers(value)
        except ValueError as error:
            raise UserError(f"received {error}") from None

    def batch(self, examples: Sequence[Any]) -> dict[str, np.ndarray]:
        return {"inputs": np.stack(examples)}


class RawVectors(raw.RawReader):
    """Numbers; a row of NaN is none."""

    def __init__(self, feature: Any) -> None:
        self.spec = {"inputs": tf.TensorSpec([None, feature.size], tf.float32)}
        self.accepts = {"inputs": f"{feature.size} finite numbers; a row of NaN counts as empty"}

    def read(self, inputs: Any) -> raw.Read:
        wrong = ~tf.reduce_all(tf.math.is_finite(inputs), axis=1)
        finite = tf.where(tf.math.is_finite(inputs), inputs, 0.0)
        error = raw.first_of((wrong, "numbers that are not finite"))
        length = tf.ones_like(finite[:, 0])
        return raw.Read(lambda rows: {"inputs": tf.gather(finite, rows)}, length, error, tf.zeros_like(wrong))

    def is_missing(self, inputs: Any) -> tf.Tensor:
        return tf.reduce_all(tf.math.is_nan(inputs), axis=1)
