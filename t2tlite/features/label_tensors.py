"""Classes as tensors: their numbers in batches."""

from typing import Any

import tensorflow as tf

from t2tlite.errors import UserError
from t2tlite.features.codec import Codec, Reading


class LabelCodec(Codec):
    """Names of classes to their numbers; see `Label.codec`.

    Raises:
      UserError: no names of classes were given.
    """

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading)
        if not reading.labels:
            raise UserError(f"problem `{reading.problem}` has a label, but no names of classes were given")
        self._labels = tf.constant(list(reading.labels))

    def compact(self, stored: Any, epoch: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
        matches = tf.equal(stored[:, tf.newaxis], self._labels)  # [block, classes]
        known = tf.debugging.Assert(tf.reduce_all(tf.reduce_any(matches, axis=1)), ["unknown class", stored])
        with tf.control_dependencies([known]):
            return tf.argmax(matches, axis=1, output_type=tf.int32)

    def dense(
        self, name: str, compact: Any, epoch: tf.Tensor, index: tf.Tensor, length: tf.Tensor | None
    ) -> dict[str, tf.Tensor]:
        return {name: compact}
