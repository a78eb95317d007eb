"""Streams of stored records for training and evaluation, in an order given by (seed, epoch).

Each element is (epoch, index, record). There is no shuffle buffer, so that a checkpoint of the iterator is a
few kilobytes: a small corpus lies in memory and is permuted; a large one, which was shuffled when it was
written, is read in a permuted order of its chunks, several at a time.
"""

import dataclasses
import functools
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

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
      size: number of examples.
    """

    def __init__(self, split: PreparedSplit, first: int | None = None) -> None:
        problem = split.problem
        self._files = split.files
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
            self._files = converted.files(whole)

    def blocks(self, order: Order, block: int) -> tf.data.Dataset:
        """Elements (epoch, index, record), `block` of them together."""
        if self.records is not None:
            positions = order.positions(self.size).batch(block)
            return positions.map(lambda epoch, index: (epoch, index, tf.gather(self.records, index)))
        if order.seed is None:
            stored = tf.data.TFRecordDataset([file["file"] for file in self._files]).take(self.size)
            stream = stored.enumerate().map(lambda index, record: (tf.zeros_like(index), index, record))
            return (stream.repeat() if order.repeat else stream).batch(block)
        return _Chunks(self._files, self.size).shuffled(order).batch(block)


class _Chunks:
    """Runs of consecutive records in files, each of which can be read from its offset.

    Args:
      files: as `PreparedSplit.files`.
      size: so many records, from the first.
    """

    def __init__(self, files: Sequence[dict[str, Any]], size: int) -> None:
        paths, offsets, firsts, lengths, first = [], [], [], [], 0
        for file in files:
            examples = max(0, min(file["examples"], size - first))
            for number, offset in enumerate(file["offsets"][: -(-examples // records.CHUNK)]):
                paths.append(file["file"])
                offsets.append(offset)
                firsts.append(first + number * records.CHUNK)
                lengths.append(min(records.CHUNK, examples - number * records.CHUNK))
            first += examples
        self._paths = tf.constant(paths)
        self._offsets = tf.constant(offsets, tf.int64)
        self._firsts = tf.constant(firsts, tf.int64)
        self._lengths = tf.constant(lengths, tf.int64)
        self._number = len(paths)

    def shuffled(self, order: Order) -> tf.data.Dataset:
        """Elements (epoch, index, record)."""
        return order.epochs().flat_map(functools.partial(self._epoch, order))

    def _epoch(self, order: Order, epoch: tf.Tensor) -> tf.data.Dataset:
        chunks = tf.data.Dataset.from_tensor_slices(order.of_epoch(self._number, epoch))
        read = functools.partial(self._read, epoch)
        return chunks.interleave(read, cycle_length=_CHUNKS_AT_A_TIME, block_length=1)

    def _read(self, epoch: tf.Tensor, chunk: tf.Tensor) -> tf.data.Dataset:
        # The public TFRecordDataset has no byte_offsets, which spare reading a file from its start.
        variant = tf.raw_ops.TFRecordDatasetV2(
            filenames=self._paths[chunk][tf.newaxis],
            compression_type="",
            buffer_size=1 << 16,
            byte_offsets=self._offsets[chunk][tf.newaxis],
            metadata="",
        )
        stored = tf.data.experimental.from_variant(variant, tf.TensorSpec([], tf.string))
        indices = tf.data.Dataset.range(self._firsts[chunk], self._firsts[chunk] + self._lengths[chunk])
        return tf.data.Dataset.zip((indices, stored)).map(lambda index, record: (epoch, index, record))
