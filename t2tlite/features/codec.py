"""Codec: stored values to the tensors of a batch, first compactly (to be measured), then padded."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf


@dataclasses.dataclass(frozen=True, eq=False)
class Reading:
    """How the records of a problem are read.

    Attributes:
      problem: its name, for messages.
      number: of the feature in the problem, so that draws for two features differ.
      vocabulary: for texts.
      labels: names of the classes, for a problem that has any.
      hparams: bounds of lengths, size of images.
      seed: of the draw of references and of the augmentation of images.
      training: whether to draw references and augment.
      to_class: whether the problem's target is a class of its only input.
    """

    problem: str
    number: int
    vocabulary: Any
    labels: Sequence[str] | None
    hparams: Any
    seed: int
    training: bool
    to_class: bool


class Codec:
    """Base class: a value that is compact as it is stored, with one entry and no length.

    Attributes:
      limits: bounds of lengths, ascending; longer values are left out. () where values have no length.
    """

    limits: tuple[int, ...] = ()

    def __init__(self, reading: Reading) -> None:
        self.reading = reading

    def seeds(self, epoch: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
        """Seeds of the augmentation of each example in its epoch, int64 `[batch, 2]`."""
        return tf.stack([epoch * 1_000_003 + self.reading.seed, index], axis=1)

    def spec(self) -> Any:
        """How `tf.io.parse_example` reads the feature."""
        return tf.io.FixedLenFeature([], tf.string)

    def compact(self, stored: Any, epoch: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
        """What has a length, but is not yet decoded: `[block]`, or ragged `[block, (length)]`.

        Args:
          stored: as `spec` reads it, of a block of records.
          epoch, index: int64 `[block]`.
        """
        return stored

    def length(self, compact: Any) -> tf.Tensor:
        """Int32 `[block]`, in the units of `limits`; only asked for where there are any."""
        raise NotImplementedError

    def dense(
        self, name: str, compact: Any, epoch: tf.Tensor, index: tf.Tensor, length: tf.Tensor | None
    ) -> dict[str, tf.Tensor]:
        """The tensors of some rows of a batch, by their names in the batch.

        Args:
          name: of the feature.
          compact: what `compact` gave, `[rows]`.
          epoch, index: int64 `[rows]`.
          length: int32 scalar, one of `limits`: what is padded to, so that the longest value of the whole
            batch fits; None where there are none.
        """
        raise NotImplementedError


class IdsCodec(Codec):
    """Base class of the codecs of texts, which are read as ids: all once, before anything else."""

    def ids(self, stored: Any) -> tf.RaggedTensor:
        """All texts of a block of records, uint16 or int32 `[block, (references), (length)]`."""
        raise NotImplementedError

    def place(self, count: tf.Tensor, epoch: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
        """Which of their references some examples have in an epoch, int64 `[block]`.

        Args:
          count: how many they have, int64 `[block]`.
          epoch, index: int64 `[block]`.
        """
        raise NotImplementedError


def bucket(lengths: tf.Tensor, limits: Sequence[int]) -> tf.Tensor:
    """Which of the limits is the smallest that holds each length, int64 `[block]`."""
    longer = lengths[:, tf.newaxis] > tf.constant(limits[:-1], tf.int32)  # [block, limits - 1]
    return tf.reduce_sum(tf.cast(longer, tf.int64), axis=1)


def bound(longest: tf.Tensor, limits: Sequence[int]) -> tf.Tensor:
    """The smallest of the limits that holds the longest, or else the last; int32 scalars."""
    return tf.gather(tf.constant(np.array(limits, np.int32)), bucket(longest[tf.newaxis], limits)[0])
