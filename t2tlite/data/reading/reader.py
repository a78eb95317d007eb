"""Reader: stored records of a problem to what batches are planned by, and to the tensors of a batch."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeAlias

import tensorflow as tf

from t2tlite.data.text.vocabulary import Vocabulary
from t2tlite.features.codec import IdsCodec, Reading
from t2tlite.features.measure import deciding
from t2tlite.hparam import HParams
from t2tlite.problem import Problem

Parsed: TypeAlias = dict[str, tf.Tensor | tf.RaggedTensor]
"""By feature, what its codec reads of a block of records."""


@dataclasses.dataclass(frozen=True)
class ReadConfig:
    """For what a split is read; the default is an evaluation.

    Attributes:
      training: endless, shuffled, augmented, and with one of several references drawn each epoch. Otherwise
        one epoch in a fixed order, with the first reference.
      seed: of the order, the draw of references, and the augmentation of images.
      rows: (i, n): of every batch only each n-th row, from the i-th on: what one of n workers has of batches
        that they have in common. Lengths are padded as in the whole batch.
    """

    training: bool = False
    seed: int = 0
    rows: tuple[int, int] = (0, 1)


class Reader:
    """Maps over blocks of records; see `measured` and `dense`. Each feature has its codec.

    Args:
      problem: says which features there are.
      vocabulary: for texts.
      labels: names of the classes, for a `Label`.
      hparams: bounds of lengths, size of images.
      config: whether to draw references and augment, by which seed; and which rows are wanted.

    Attributes:
      features: the features of the problem, by name.
      codecs: theirs.
      deciding: names of those whose lengths say which examples meet in a batch.
      optional: names of those that an example may lack.
      texts: names of those that are read as ids of text; their texts are read once.
      others: names of the others, of which records are read whenever they are in a batch.
      training: whether it is read for training.
      rows: which rows of a batch are wanted.
      can_drop: whether an example can be too long.
    """

    def __init__(
        self,
        problem: Problem,
        vocabulary: Vocabulary | None,
        labels: Sequence[str] | None,
        hparams: HParams,
        config: ReadConfig,
    ) -> None:
        self.rows = slice(config.rows[0], None, config.rows[1])
        self.features = problem.features()
        self.training = config.training
        # Where a question may be about any part of a picture, that is not cropped.
        to_class = problem.targets is not None and problem.targets.has_classes and len(self.features) == 2
        self.codecs = {
            name: feature.codec(
                Reading(
                    problem.name,
                    number,
                    vocabulary,
                    labels,
                    hparams,
                    config.seed,
                    config.training,
                    to_class,
                )
            )
            for number, (name, feature) in enumerate(self.features.items())
        }
        self.can_drop = any(codec.limits for codec in self.codecs.values())
        self.texts = [name for name, codec in self.codecs.items() if isinstance(codec, IdsCodec)]
        self.others = [name for name in self.codecs if name not in self.texts]
        self.optional = [name for name, feature in self.features.items() if feature.optional]
        self._vocabulary = vocabulary
        self._stored = {name: name for name in self.features}
        if problem.swap:
            self._stored = {"inputs": "targets", "targets": "inputs"}
        self._stand_ins = {
            name: self.features[name].to_record(self.features[name].stand_in()) for name in self.optional
        }
        decide = deciding(self.features.values())
        self.deciding = [name for name, feature in self.features.items() if feature in decide]

    def key(self, name: str, field: str) -> str:
        """By what `measured` gives a field of a feature: as the corpus has it, swapped or not."""
        return f"{self._stored[name]}/{field}"

    def measures(self) -> list[list[Any]]:
        """What `measured` depends on, as JSON; empty where it gives nothing."""
        vocabulary = self._vocabulary and self._vocabulary.fingerprint
        return [
            [self._stored[name], feature.kind, feature.optional, vocabulary if name in self.texts else None]
            for name, feature in sorted(self.features.items(), key=lambda item: self._stored[item[0]])
            if name in self.texts or self.codecs[name].limits or feature.optional
        ]

    def measured(self, record: tf.Tensor) -> dict[str, tf.Tensor]:
        """What is to be known of all examples before batches are planned, of a block of records.

        Returns:
          By `key`:
          * of each text its `ids`, uint16 or int32 `[ids]`, those of all its references one after the other;
            `ends`, int64 `[1 + texts]`: a 0, and where each text ends; `firsts`, int64 `[1 + block]`: the
            number of each example's first text, and how many there are;
          * of each other feature that has a length, its `length`, int32 `[block]`;
          * of each optional feature `given`, bool `[block]`: whether it is there, and no stand-in.
        """
        parsed, given = self._parse(record, self.codecs)
        fields = {self.key(name, "given"): value for name, value in given.items()}
        start = tf.zeros(tf.shape(record), tf.int64)
        for name, codec in self.codecs.items():
            if isinstance(codec, IdsCodec):
                ids = codec.ids(parsed[name])
                fields[self.key(name, "ids")] = ids.flat_values
                fields[self.key(name, "ends")] = ids.values.row_splits
                fields[self.key(name, "firsts")] = ids.row_splits
            elif codec.limits:
                fields[self.key(name, "length")] = codec.length(codec.compact(parsed[name], start, start))
        return fields

    def dense(
        self, record: tf.Tensor, epoch: tf.Tensor, index: tf.Tensor, longest: Mapping[str, tf.Tensor]
    ) -> dict[str, tf.Tensor]:
        """Decodes and pads a block of records, all but their texts.

        Args:
          record: serialized examples `[block]`.
          epoch, index: int64 `[block]`.
          longest: of each feature that has a length, what it is padded to.
        """
        parsed, _ = self._parse(record, self.others)
        columns: dict[str, tf.Tensor] = {}
        for name in self.others:
            codec = self.codecs[name]
            compact = codec.compact(parsed[name], epoch, index)
            columns |= codec.dense(name, compact, epoch, index, longest.get(name))
        return columns

    def lengths(self, record: tf.Tensor) -> dict[str, tf.Tensor]:
        """How long a block of records is, int64 `[block]`, whether or not that is too long.

        Returns:
          By the hyperparameter that bounds it, the length of the longest such feature of each, in the units
          of `Measure.limits`: units of text with the end token, samples.
        """
        parsed, _ = self._parse(record, self.codecs)
        longest: dict[str, tf.Tensor] = {}
        start = tf.zeros(tf.shape(record), tf.int64)
        for name, codec in self.codecs.items():
            if not codec.limits:
                continue
            bounds = self.features[name].measure.bounds
            length = tf.cast(codec.length(codec.compact(parsed[name], start, start)), tf.int64)
            longest[bounds] = tf.maximum(longest[bounds], length) if bounds in longest else length
        return longest

    def _parse(self, record: tf.Tensor, names: Collection[str]) -> tuple[Parsed, dict[str, tf.Tensor]]:
        """What the codecs of some features read, and which optional ones of them are there."""
        several = tf.io.RaggedFeature(tf.string, row_splits_dtype=tf.int64)
        specs = {self._stored[name]: self.codecs[name].spec() for name in names}
        specs |= {name: several for name in names if name in self.optional}
        stored = tf.io.parse_example(record, specs)
        values = {name: stored[self._stored[name]] for name in names}
        given = {}
        for name in (name for name in names if name in self.optional):
            given[name] = values[name].row_lengths() > 0
            values[name] = _filled(values[name], self._stand_ins[name])
            if not isinstance(self.codecs[name].spec(), tf.io.RaggedFeature):
                values[name] = tf.gather(values[name].flat_values, values[name].row_starts())  # [block]
        return values, given


def _filled(stored: tf.RaggedTensor, stand_in: Sequence[bytes]) -> tf.RaggedTensor:
    """Strings `[block, (entries)]`, of which empty rows become the stand-in."""
    empty = tf.cast(stored.row_lengths() == 0, tf.int64)
    values = tf.tile(tf.constant(list(stand_in)), [tf.cast(tf.reduce_sum(empty), tf.int32)])
    filling = tf.RaggedTensor.from_row_lengths(values, len(stand_in) * empty, validate=False)
    return tf.concat([stored, filling], axis=1)
