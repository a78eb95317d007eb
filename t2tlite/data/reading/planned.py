"""Which examples meet in a batch, by what is known of their lengths; and a worker's rows of it."""

from typing import Any, TypeAlias

import tensorflow as tf

from t2tlite.data.reading.buckets import where
from t2tlite.data.reading.index import OFFSETS, Index
from t2tlite.data.reading.reader import Reader
from t2tlite.data.reading.sources import Order, Source
from t2tlite.features.codec import bound, bucket
from t2tlite.features.encoding import GIVEN

Plan: TypeAlias = dict[str, tf.Tensor]
"""`epoch` and `index` of some examples, int64 `[examples]`."""

_LOOK = 4096  # examples planned together to find one that fits


class Planned:
    """The examples of a split, of which batches are made by their numbers alone.

    All workers make the same ones. Records are then read, decoded and augmented for a worker's own rows.

    Args:
      source: the records.
      index: of them.
      reader: what reads them.
    """

    def __init__(self, source: Source, index: Index, reader: Reader) -> None:
        self._source, self._index, self._reader = source, index, reader
        # In memory, texts that are too long have no place in the order.
        self._known = self._of_all() if source.records is not None and self._is_same_each_epoch() else None

    def blocks(self, order: Order, block: int) -> tf.data.Dataset:
        """A `Plan` for every so many examples in an order, with the `bucket` of each, int64 `[examples]`.

        Those that are too long are left out.
        """
        if self._known is None:
            return self._source.positions(order).batch(block).map(self._plan)
        positions = order.positions(self._known["index"].shape[0]).batch(block)
        return positions.map(self._of_known)

    def any_fits(self) -> bool:
        """Whether any example is not too long; looks no further than the first."""
        if self._known is not None:
            return self._known["index"].shape[0] > 0
        index = tf.range(self._source.size, dtype=tf.int64)
        return any(
            tf.size(self._plan(tf.zeros_like(part), part)["index"]) > 0
            for part in (index[i : i + _LOOK] for i in range(0, self._source.size, _LOOK))
        )

    def rows(self, batch: Plan) -> dict[str, tf.Tensor]:
        """The tensors of this worker's rows of a batch, padded as the whole of it."""
        epoch, index, mine = batch["epoch"], batch["index"], self._reader.rows
        columns: dict[str, tf.Tensor] = {}
        longest = {}
        for name, codec in self._reader.codecs.items():
            if codec.limits:
                longest[name] = bound(tf.reduce_max(self._lengths(name, epoch, index)), codec.limits)
        for name in self._reader.texts:
            columns[name] = self._padded(name, epoch[mine], index[mine], longest[name])
        for name in self._reader.optional:
            columns[name + GIVEN] = tf.gather(self._field(name, "given"), index[mine])
        if self._reader.others:
            record = self._source.fetch(index[mine], self._index.get(OFFSETS))
            columns |= self._reader.dense(record, epoch[mine], index[mine], longest)
        return columns

    def _plan(self, epoch: tf.Tensor, index: tf.Tensor) -> Plan:
        buckets, fits = tf.zeros_like(index), tf.ones_like(index, tf.bool)
        for name, codec in self._reader.codecs.items():
            if codec.limits:
                length = self._lengths(name, epoch, index)
                fits &= length <= codec.limits[-1]
                if name in self._reader.deciding:
                    buckets = tf.maximum(buckets, bucket(length, codec.limits))
        plan = {"epoch": epoch, "index": index, "bucket": buckets}
        if not self._reader.can_drop:
            return plan
        kept = where(fits)
        return {name: tf.gather(value, kept) for name, value in plan.items()}

    def _is_same_each_epoch(self) -> bool:
        """Whether all is text, of which nothing is drawn."""
        texts = self._reader.texts
        several = any(self._field(name, "ends").shape != self._field(name, "firsts").shape for name in texts)
        return not self._reader.others and not (several and self._reader.training)

    def _of_all(self) -> Plan:
        index = tf.range(self._source.size, dtype=tf.int64)
        return self._plan(tf.zeros_like(index), index)

    def _of_known(self, epoch: tf.Tensor, place: tf.Tensor) -> Plan:
        assert self._known is not None
        known = {name: tf.gather(self._known[name], place) for name in ("index", "bucket")}
        return {"epoch": epoch, **known}

    def _lengths(self, name: str, epoch: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
        """Int32 `[examples]`."""
        if name not in self._reader.texts:
            return tf.gather(self._field(name, "length"), index)
        first, last = self._ends(name, epoch, index)
        return tf.cast(last - first, tf.int32)

    def _padded(self, name: str, epoch: tf.Tensor, index: tf.Tensor, length: tf.Tensor) -> tf.Tensor:
        """Ids of text, int32 `[examples, length]`, padded with 0."""
        first, last = self._ends(name, epoch, index)
        place = first[:, tf.newaxis] + tf.range(tf.cast(length, tf.int64))  # [examples, length]
        is_text = place < last[:, tf.newaxis]
        ids = tf.gather(self._field(name, "ids"), tf.where(is_text, place, 0))
        return tf.where(is_text, tf.cast(ids, tf.int32), 0)

    def _ends(self, name: str, epoch: tf.Tensor, index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Where among all ids the text begins and ends that some examples have in an epoch."""
        firsts, ends = self._field(name, "firsts"), self._field(name, "ends")
        text = tf.gather(firsts, index)
        if ends.shape != firsts.shape:  # some have several
            count = tf.gather(firsts, index + 1) - text
            codec: Any = self._reader.codecs[name]  # of texts, which have a place
            text += codec.place(count, epoch, index)
        return tf.gather(ends, text), tf.gather(ends, text + 1)

    def _field(self, name: str, field: str) -> tf.Tensor:
        return self._index[self._reader.key(name, field)]
