"""Weights of names as tensors: a column for each name."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from t2tlite.errors import UserError
from t2tlite.features import raw
from t2tlite.features.codec import Codec, Reading
from t2tlite.features.inputs import InputReader


class WeightsCodec(Codec):
    """Stored names and weights to float32 `[batch, names]`; what is not among the names is left out.

    Raises:
      UserError: no names were given.
    """

    def __init__(self, reading: Reading, names: Sequence[str] | None) -> None:
        super().__init__(reading)
        if not names:
            raise UserError(f"problem `{reading.problem}` has classes, but no names of them were given")
        self._size = len(names)
        numbers = tf.range(self._size, dtype=tf.int64)
        known = tf.lookup.KeyValueTensorInitializer(tf.constant(list(names)), numbers)
        self._numbers = tf.lookup.StaticHashTable(known, -1)

    def spec(self) -> Any:
        return tf.io.RaggedFeature(tf.string, row_splits_dtype=tf.int64)

    def compact(self, stored: Any, epoch: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
        parts = tf.strings.split(stored.flat_values, "\t")  # [entries, (1 or 2)]
        names = tf.gather(parts.flat_values, parts.row_starts())
        last = tf.gather(parts.flat_values, parts.row_limits() - 1)
        weights = tf.strings.to_number(tf.where(parts.row_lengths() > 1, last, "1"))  # [entries]
        number = self._numbers.lookup(names)
        place = tf.boolean_mask(tf.stack([stored.value_rowids(), number], axis=1), number >= 0)
        shape = tf.stack([stored.nrows(), self._size])
        return tf.scatter_nd(place, tf.boolean_mask(weights, number >= 0), shape)  # [block, names]

    def dense(
        self, name: str, compact: Any, epoch: tf.Tensor, index: tf.Tensor, length: tf.Tensor | None
    ) -> dict[str, tf.Tensor]:
        return {name: compact}


class CountsInputs(InputReader):
    """Bags of names."""

    def __init__(self, feature: Any) -> None:
        self._feature = feature
        self.bounds = (len(feature.vocabulary),)
        self.spec = {"inputs": tf.TensorSpec([None, len(feature.vocabulary)], tf.float32)}

    def read(self, value: Any) -> np.ndarray:
        """A dict of names and counts, a list of names, or names with commas between them, to `[names]`."""
        try:
            weights = self._feature.weights(value)
        except ValueError as error:
            raise UserError(f"received {error}") from None
        return np.array([weights.get(name, 0) for name in self._feature.vocabulary], np.float32)

    def batch(self, examples: Sequence[Any]) -> dict[str, np.ndarray]:
        return {"inputs": np.stack(examples)}


class RawCounts(raw.RawReader):
    """Counts in the order of the vocabulary."""

    def __init__(self, feature: Any) -> None:
        size = len(feature.vocabulary)
        self.spec = {"inputs": tf.TensorSpec([None, size], tf.float32)}
        self.accepts = {"inputs": f"how often each of {size} names is there, in the order of the vocabulary"}

    def read(self, inputs: Any) -> raw.Read:
        wrong = tf.reduce_any(~tf.math.is_finite(inputs) | (inputs < 0), axis=1)
        error = raw.first_of(
            (wrong, "counts that are negative or no numbers"), (self.is_missing(inputs), "no counts")
        )
        length = tf.ones_like(inputs[:, 0])
        return raw.Read(lambda rows: {"inputs": tf.gather(inputs, rows)}, length, error, tf.zeros_like(wrong))

    def is_missing(self, inputs: Any) -> tf.Tensor:
        return tf.reduce_all(inputs == 0, axis=1)
