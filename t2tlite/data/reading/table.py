"""A small split of texts as ids in memory, tokenized once."""

import tensorflow as tf

from t2tlite.data.reading.buckets import Columns
from t2tlite.data.reading.reader import Reader
from t2tlite.data.reading.sources import Order, Source

_BLOCK = 4096  # records tokenized together


class Table:
    """What `Reader.compact` makes of all records, so that an epoch costs no more than putting rows together.

    Args:
      columns: its result for the whole split; texts only.

    Attributes:
      size: number of rows; what is too long has none.
    """

    def __init__(self, columns: Columns) -> None:
        self._buckets = columns.pop("bucket")
        self._columns = columns
        self.size = int(tf.size(self._buckets))

    @classmethod
    def of(cls, source: Source, reader: Reader) -> "Table | None":
        """The table, or None where records are too large for it or differ from epoch to epoch."""
        if source.records is None or not reader.only_text:
            return None
        if reader.training and int(reader.references(source.records)) > 1:
            return None
        parts = []
        for first in range(0, source.size, _BLOCK):
            block = source.records[first : first + _BLOCK]
            index = tf.range(first, first + tf.size(block, tf.int64), dtype=tf.int64)
            parts.append(reader.compact(tf.zeros_like(index), index, block))
        return cls({name: tf.concat([part[name] for part in parts], axis=0) for name in parts[0]})

    def blocks(self, order: Order, block: int) -> tf.data.Dataset:
        """The numbers of rows and their buckets, `block` of them together."""
        return (
            order.positions(self.size)
            .batch(block)
            .map(lambda epoch, row: {"row": row, "bucket": tf.gather(self._buckets, row)})
        )

    def rows(self, batch: dict[str, tf.Tensor]) -> Columns:
        """The rows with a batch's numbers."""
        return {name: tf.gather(column, batch["row"]) for name, column in self._columns.items()}
