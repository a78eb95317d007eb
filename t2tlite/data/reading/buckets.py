"""Batches of rows of similar length, put together a block of rows at a time."""

from collections.abc import Sequence
from typing import TypeAlias

import tensorflow as tf

Columns: TypeAlias = dict[str, tf.Tensor | tf.RaggedTensor]
"""By name `[rows]`, or ragged `[rows, (length)]`."""

State: TypeAlias = dict[str, tf.Tensor | tuple[tf.Tensor, tf.Tensor]]
"""Columns, of ragged ones the values and the row splits."""


def batches(blocks: tf.data.Dataset, sizes: Sequence[int]) -> tf.data.Dataset:
    """Batches of rows of one bucket each, in the order in which they fill.

    The result is that of `group_by_window`, at a cost for each block instead of each row. What waits for its
    batch is part of the iterator's checkpoint.

    Args:
      blocks: dicts of columns: tensors `[rows]` or ragged tensors `[rows, (length)]`; `bucket`, int64
        `[rows]`, is one of them.
      sizes: rows in a batch of each bucket.

    Returns:
      Dicts of the same columns. Once `blocks` has ended, what is left makes smaller batches.
    """
    nothing = {name: _no_rows(spec) for name, spec in blocks.element_spec.items()}
    most = tf.constant(list(sizes), tf.int64)
    end = tf.data.Dataset.from_tensors((nothing, True))
    marked = blocks.map(lambda block: (block, False)).concatenate(end)
    return marked.scan(_to_components(nothing), lambda state, element: _step(most, state, *element)).unbatch()


def _step(sizes: tf.Tensor, state: State, block: Columns, is_end: tf.Tensor) -> tuple[State, Columns]:
    """What waits from now on, and the batches that are full."""
    waiting = _from_components(state)
    rows = {name: tf.concat([waiting[name], block[name]], axis=0) for name in block}
    bucket = rows["bucket"]  # [rows]
    order = tf.argsort(bucket, stable=True)  # [rows], by bucket and then by age
    bucket = tf.gather(bucket, order)
    counts = tf.math.bincount(
        tf.cast(bucket, tf.int32), minlength=tf.size(sizes), dtype=tf.int64
    )  # [buckets]
    place = tf.range(tf.size(bucket, tf.int64)) - tf.gather(tf.cumsum(counts, exclusive=True), bucket)
    number = tf.gather(tf.cumsum(-(-counts // sizes), exclusive=True), bucket)
    number += place // tf.gather(sizes, bucket)  # [rows], which batch each row belongs to
    leaves = is_end | (place < tf.gather(counts // sizes * sizes, bucket))  # [rows]
    stays = tf.sort(tf.gather(order, where(~leaves)))
    leaves = where(leaves)
    leaving, lengths = _by_age(tf.gather(order, leaves), tf.gather(number, leaves))
    full = {
        name: tf.RaggedTensor.from_row_lengths(tf.gather(column, leaving), lengths, validate=False)
        for name, column in rows.items()
    }
    return _to_components({name: tf.gather(column, stays) for name, column in rows.items()}), full


def _by_age(rows: tf.Tensor, number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Rows of ascending batch number, batches now in the order of their last rows; and their lengths."""
    last = tf.gather(tf.math.segment_max(rows, number), number)  # [rows]
    order = tf.argsort(last, stable=True)
    return tf.gather(rows, order), tf.unique_with_counts(tf.gather(last, order), tf.int64).count


def where(mask: tf.Tensor) -> tf.Tensor:
    """The numbers of the rows, int64, at which a mask `[rows]` is true.

    To gather these takes a tenth of the operations of `tf.boolean_mask`, which pipelines are built from.
    """
    return tf.squeeze(tf.where(mask), axis=1)


def _no_rows(spec: tf.TensorSpec | tf.RaggedTensorSpec) -> tf.Tensor | tf.RaggedTensor:
    if isinstance(spec, tf.RaggedTensorSpec):
        splits = tf.zeros([1], spec.row_splits_dtype)
        return tf.RaggedTensor.from_row_splits(tf.zeros([0], spec.dtype), splits, validate=False)
    return tf.zeros([0], spec.dtype)


def _to_components(columns: Columns) -> State:
    """The state of a scan can't hold ragged tensors."""
    return {
        name: (column.values, column.row_splits) if isinstance(column, tf.RaggedTensor) else column
        for name, column in columns.items()
    }


def _from_components(state: State) -> Columns:
    return {
        name: tf.RaggedTensor.from_row_splits(*part, validate=False) if isinstance(part, tuple) else part
        for name, part in state.items()
    }
