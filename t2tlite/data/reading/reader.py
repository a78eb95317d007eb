"""Reader: stored records of a problem to tensors, first compactly (to bucket and hold), then padded."""

import dataclasses
from collections.abc import Sequence

import tensorflow as tf

from t2tlite.data.reading.buckets import Columns, where
from t2tlite.data.text.vocabulary import Vocabulary
from t2tlite.features.codec import Reading, bucket
from t2tlite.features.encoding import GIVEN
from t2tlite.features.measure import deciding
from t2tlite.hparam import HParams
from t2tlite.problem import Problem


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
    """Three maps over batches of elements; see `compact`, `dense` and `own_rows`. Each feature has its codec.

    Args:
      problem: says which features there are.
      vocabulary: for texts.
      labels: names of the classes, for a `Label`.
      hparams: bounds of lengths, size of images.
      config: whether to draw references and augment, by which seed; and which rows are wanted.

    Attributes:
      features: the features of the problem, by name.
      only_text: whether all of them are text.
      training: whether it is read for training.
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
        self._rows = slice(config.rows[0], None, config.rows[1])
        self.features = problem.features()
        self.only_text = all(feature.is_text for feature in self.features.values())
        self.training = config.training
        # Where a question may be about any part of a picture, that is not cropped.
        to_class = problem.targets is not None and problem.targets.has_classes and len(self.features) == 2
        self._codecs = {
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
        self.can_drop = any(codec.limits for codec in self._codecs.values())
        self._stored = {name: name for name in self.features}
        if problem.swap:
            self._stored = {"inputs": "targets", "targets": "inputs"}
        self._stand_ins = {
            name: feature.to_record(feature.stand_in())
            for name, feature in self.features.items()
            if feature.optional
        }
        decide = deciding(self.features.values())
        self._deciding = [name for name, feature in self.features.items() if feature in decide]

    def compact(self, epoch: tf.Tensor, index: tf.Tensor, record: tf.Tensor) -> Columns:
        """Parses a block of records and leaves out what is too long.

        Args:
          epoch, index: int64 `[block]`.
          record: serialized examples `[block]`.

        Returns:
          what each codec holds of its feature, `[block]` or ragged `[block, (length)]`; `NAME_given`, bool
          `[block]`, of each optional feature; `epoch` and `index`; and `bucket`, int64 `[block]`: the first
          that holds the features that decide.
        """
        parsed, presence = self._parse(record)
        columns = {"epoch": epoch, "index": index, **presence}
        columns |= {name: codec.compact(parsed[name], epoch, index) for name, codec in self._codecs.items()}
        buckets, fits = tf.zeros_like(index), tf.ones_like(index, tf.bool)
        for name, codec in self._codecs.items():
            if codec.limits:
                length = codec.length(columns[name])
                fits &= length <= codec.limits[-1]
                if name in self._deciding:
                    buckets = tf.maximum(buckets, bucket(length, codec.limits))
        columns["bucket"] = buckets
        if not self.can_drop:
            return columns
        kept = where(fits)
        return {name: tf.gather(value, kept) for name, value in columns.items()}

    def rows(self, block: Columns) -> dict[str, tf.Tensor]:
        """Pads the texts of what `compact` made to the last bound: plain rows are quicker to take apart."""
        return {
            name: value.to_tensor(shape=[None, self._codecs[name].limits[-1]])
            if isinstance(value, tf.RaggedTensor)
            else value
            for name, value in block.items()
        }

    def dense(self, batch: Columns) -> dict[str, tf.Tensor]:
        """Decodes and pads a batch of what `compact` made; lengths are those of the whole batch.

        Of pictures and audio only the wanted rows are decoded; texts and labels are those of all rows.
        """
        columns = {name + GIVEN: batch[name + GIVEN] for name in self._stand_ins}
        for name, codec in self._codecs.items():
            columns |= codec.dense(name, batch[name], batch["epoch"], batch["index"], self._rows)
        return columns

    def own_rows(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The wanted rows of what `dense` made.

        A step of its own, after what is fetched ahead: that is in the iterator's checkpoint, which every
        worker goes on from.
        """
        whole = [name for name, codec in self._codecs.items() if codec.keeps_rows]
        whole += [name + GIVEN for name in self._stand_ins]
        return batch | {name: batch[name][self._rows] for name in whole}

    def lengths(self, record: tf.Tensor) -> dict[str, tf.Tensor]:
        """How long a block of records is, int64 `[block]`, whether or not that is too long.

        Returns:
          By the hyperparameter that bounds it, the length of the longest such feature of each, in the units
          of `Measure.limits`: units of text with the end token, samples.
        """
        parsed, _ = self._parse(record)
        longest: dict[str, tf.Tensor] = {}
        start = tf.zeros(tf.shape(record), tf.int64)
        for name, codec in self._codecs.items():
            if not codec.limits:
                continue
            bounds = self.features[name].measure.bounds
            length = tf.cast(codec.length(codec.compact(parsed[name], start, start)), tf.int64)
            longest[bounds] = tf.maximum(longest[bounds], length) if bounds in longest else length
        return longest

    def references(self, record: tf.Tensor) -> tf.Tensor:
        """The most references of one feature in a block of records."""
        parsed, _ = self._parse(record)
        numbers = [codec.references(parsed[name]) for name, codec in self._codecs.items()]
        return tf.reduce_max(tf.stack(numbers))

    def _parse(self, record: tf.Tensor) -> tuple[Columns, dict[str, tf.Tensor]]:
        """What the codecs read, and which optional features are there."""
        specs = {self._stored[name]: codec.spec() for name, codec in self._codecs.items()}
        several = tf.io.RaggedFeature(tf.string, row_splits_dtype=tf.int64)
        specs |= {name: several for name in self._stand_ins}
        stored = tf.io.parse_example(record, specs)
        values = {name: stored[self._stored[name]] for name in self._codecs}
        presence = {}
        for name, stand_in in self._stand_ins.items():
            presence[name + GIVEN] = values[name].row_lengths() > 0
            values[name] = _filled(values[name], stand_in)
            if not isinstance(self._codecs[name].spec(), tf.io.RaggedFeature):
                values[name] = tf.gather(values[name].flat_values, values[name].row_starts())  # [block]
        return values, presence


def _filled(stored: tf.RaggedTensor, stand_in: Sequence[bytes]) -> tf.RaggedTensor:
    """Strings `[block, (entries)]`, of which empty rows become the stand-in."""
    empty = tf.cast(stored.row_lengths() == 0, tf.int64)
    values = tf.tile(tf.constant(list(stand_in)), [tf.cast(tf.reduce_sum(empty), tf.int32)])
    filling = tf.RaggedTensor.from_row_lengths(values, len(stand_in) * empty, validate=False)
    return tf.concat([stored, filling], axis=1)
