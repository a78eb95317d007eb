"""Raw inputs in the graph of an export: strings, encoded pictures, waveforms to what the model reads."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from t2tlite.features.inputs import LONGEST


class Read(NamedTuple):
    """A batch of raw inputs, read.

    Attributes:
      features: a function of int32 rows `[n]`: the features of these rows, for the model.
      length: float32 `[batch]`, of each input, as a multiple of the longest in training.
      error: strings `[batch]`, why an input can't be read; "" where it can.
      blank: bool `[batch]`, nothing is said, so nothing is answered.
      texts: strings `[batch]`, the inputs themselves; None where they are no text.
    """

    features: Callable[[tf.Tensor], dict[str, tf.Tensor]]
    length: tf.Tensor
    error: tf.Tensor
    blank: tf.Tensor
    texts: tf.Tensor | None = None


class RawReader:
    """Base class of what reads raw inputs of one kind; see `Feature.raw_readers`.

    Attributes:
      suffix: of the name of a signature that reads this.
      spec: `{name: TensorSpec}` of what `read` takes.
      accepts: `{name: what it may hold}`, for people.
    """

    suffix = ""
    spec: dict[str, Any]
    accepts: dict[str, str]

    def read(self, *args: Any, **tensors: Any) -> Read:
        """Reads a batch; an input that can't be read has an error and fails nothing.

        Args:
          tensors: by the names in `spec`. A reader names them.
        """
        raise NotImplementedError

    def is_missing(self, *args: Any, **tensors: Any) -> tf.Tensor:
        """Bool `[batch]`, of what `read` takes: where an optional input is not there, an empty string."""
        return tensors["inputs"] == ""


def padded(rows: tf.Tensor, bounds: Sequence[int]) -> tf.Tensor:
    """`[rows, width]`, as wide as the first bound that holds them all, or else as they are."""
    length = tf.shape(rows)[1]
    width = length
    for bound in reversed(bounds):
        width = tf.where(length <= bound, bound, width)
    return tf.pad(rows, [[0, 0], [0, width - length]])


def too_long(length: tf.Tensor, bound: int, unit: str) -> tuple[tf.Tensor, tf.Tensor]:
    """Which inputs are refused since they are too long, and what is said of each."""
    message = tf.strings.join([tf.strings.as_string(length), f" {unit}; at most {LONGEST * bound} are read"])
    return length > LONGEST * bound, message


def first_of(*faults: tuple[tf.Tensor, Any]) -> tf.Tensor:
    """What is said of each row: the message of the first of (bool `[batch]`, message) that holds, or ""."""
    error = tf.fill(tf.shape(faults[0][0]), "")
    for holds, message in reversed(faults):
        error = tf.where(holds, message, error)
    return error
