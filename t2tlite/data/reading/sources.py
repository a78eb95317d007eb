"""The records of a split, by their numbers; and these numbers in an order given by (seed, epoch).

There is no shuffle buffer, so that a checkpoint of the iterator is a few kilobytes: a small corpus lies in
memory and is permuted; a large one, which was shuffled when it was written, is read in a permuted order of
its chunks, several at a time.
"""

import dataclasses
import functools
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from t2tlite.data.reading import converted
from t2tlite.data.stored import records
from t2tlite.data.stored.prepared import PreparedSplit
from t2tlite.problem import Problem

MEMORY_BYTES = 64 << 20  # larger splits are read from their files
_OF_MEDIA = 1 / 16  # of that, for pictures and sounds, which take long to decode wherever they come from
_CHUNKS_AT_A_TIME = 32


@dataclasses.dataclass(frozen=True)
class Order:
    """In what order a split is read.

    Attributes:
      seed: None: as stored; otherwise each epoch in an order of its own.
      repeat: endless; otherwise one epoch.
    """

    seed: int | None = None
    repeat: bool = False

    def positions(self, size: int) -> tf.data.Dataset:
        """Elements (epoch, index) over `size` examples, int64."""
        return self.epochs().flat_map(functools.partial(self._epoch, size))

    def _epoch(self, size: int, epoch: tf.Tensor) -> tf.data.Dataset:
        order = self.of_epoch(size, epoch)
        return tf.data.Dataset.from_tensor_slices((tf.repeat(epoch, tf.size(order)), order))

    def epochs(self) -> tf.data.Dataset:
        return tf.data.Dataset.counter() if self.repeat else tf.data.Dataset.range(1)

    def of_epoch(self, size: int, epoch: tf.Tensor) -> tf.Tensor:
        """The numbers below `size`, in the order of an epoch."""
        stored = tf.range(size, dtype=tf.int64)
        if self.seed is None:
            return stored
        seeds = tf.stack([tf.constant(self.seed, tf.int64), tf.cast(epoch, tf.int64)])
        return tf.random.experimental.stateless_shuffle(stored, seed=seeds)


class Source:
    """The records of one split.

    Args:
      split: the split. Where its problem defines `to_text`, its records are converted: in memory, or if they
        are too large for it, in a copy beside the data.
      first: leave out all but so many of the first examples.

    Attributes:
      records: the records `[size]`, or None where they are too large to be held in memory.
      files: that they are in, as `PreparedSplit.files`.
      size: number of examples.
    """

    def __init__(self, split: PreparedSplit, first: int | None = None) -> None:
        problem = split.problem
        self.files = split.files
        self.size = split.size if first is None else min(split.size, first)
        self.records = None
        converts = type(problem).to_text is not Problem.to_text
        only_text = all(feature.is_text for feature in problem.features().values())
        most = MEMORY_BYTES if only_text else MEMORY_BYTES * _OF_MEDIA
        if split.total_bytes * self.size <= most * split.stored:
            records: Iterable[bytes] = itertools.islice(split.records(), self.size)
            if converts:
                records = (converted.record(problem, record) for record in records)
            self.records = tf.constant(list(records))
        elif converts:
            whole = dataclasses.replace(split, first=None)  # a fraction has no copy of its own
            self.files = converted.files(whole)

    def stored(self, block: int) -> tf.data.Dataset:
        """The records in the order in which they are stored, `block` of them together."""
        if self.records is not None:
            return tf.data.Dataset.from_tensor_slices(self.records).batch(block)
        return tf.data.TFRecordDataset([file["file"] for file in self.files]).take(self.size).batch(block)

    def positions(self, order: Order) -> tf.data.Dataset:
        """Elements (epoch, index), int64: a large corpus is read in runs of records, many at a time."""
        if self.records is not None or order.seed is None:
            return order.positions(self.size)
        return _Chunks(self.files, self.size).shuffled(order)

    def fetch(self, index: tf.Tensor, offsets: tf.Tensor | None) -> tf.Tensor:
        """The records with some numbers, and no others.

        Args:
          index: int64 `[records]`.
          offsets: where in its file each record begins, int64 `[size]`, unless they are in memory.
        """
        if self.records is not None:
            return tf.gather(self.records, index)
        firsts = np.cumsum([0, *(file["examples"] for file in self.files[:-1])])
        of_file = tf.searchsorted(tf.constant(firsts, tf.int64), index, side="right") - 1
        paths = tf.gather(tf.constant([file["file"] for file in self.files]), of_file)
        places = tf.data.Dataset.from_tensor_slices((paths, tf.gather(offsets, index)))
        number = tf.size(index, tf.int64)
        return tf.cond(
            number > 0,  # a worker may have no row of a small batch
            lambda: places.flat_map(_record_at).batch(number).get_single_element(),
            lambda: tf.zeros([0], tf.string),
        )


def _record_at(path: tf.Tensor, offset: tf.Tensor) -> tf.data.Dataset:
    # The public TFRecordDataset has no byte_offsets, which spare reading a file from its start.
    variant = tf.raw_ops.TFRecordDatasetV2(
        filenames=path[tf.newaxis],
        compression_type="",
        buffer_size=1 << 16,
        byte_offsets=offset[tf.newaxis],
        metadata="",
    )
    return tf.data.experimental.from_variant(variant, tf.TensorSpec([], tf.string)).take(1)


class _Chunks:
    """The numbers of records, by runs of consecutive ones in a file.

    Args:
      files: as `PreparedSplit.files`.
      size: so many records, from the first.
    """

    def __init__(self, files: Sequence[dict[str, Any]], size: int) -> None:
        firsts, lengths, first = [], [], 0
        for file in files:
            examples = max(0, min(file["examples"], size - first))
            for start in range(0, examples, records.CHUNK):
                firsts.append(first + start)
                lengths.append(min(records.CHUNK, examples - start))
            first += examples
        self._firsts = tf.constant(firsts, tf.int64)
        self._lengths = tf.constant(lengths, tf.int64)
        self._number = len(firsts)

    def shuffled(self, order: Order) -> tf.data.Dataset:
        """Elements (epoch, index)."""
        return order.epochs().flat_map(functools.partial(self._epoch, order))

    def _epoch(self, order: Order, epoch: tf.Tensor) -> tf.data.Dataset:
        chunks = tf.data.Dataset.from_tensor_slices(order.of_epoch(self._number, epoch))
        index = chunks.interleave(self._indices, cycle_length=_CHUNKS_AT_A_TIME, block_length=1)
        return tf.data.Dataset.zip((tf.data.Dataset.from_tensors(epoch).repeat(), index))

    def _indices(self, chunk: tf.Tensor) -> tf.data.Dataset:
        return tf.data.Dataset.range(self._firsts[chunk], self._firsts[chunk] + self._lengths[chunk])
