"""Joining: the representations of several inputs as one sequence, padding last."""

from collections.abc import Sequence

import tensorflow as tf

from t2tlite.layers.masking import apply_mask
from t2tlite.modality import Representation


def join(sources: Sequence[Representation], names: Sequence[tf.Tensor]) -> Representation:
    """One input after the other, whatever padding is between them moved to the end.

    So neither the padding of an input nor one that is masked out changes where the others stand.

    Args:
      sources: the inputs; `x` is `[batch, length, hidden]`.
      names: a vector `[hidden]` for each, which is added to all of its positions.
    """
    x = tf.concat(
        [source.x + tf.cast(name, source.x.dtype) for source, name in zip(sources, names, strict=True)], 1
    )
    mask = tf.concat([_mask(source) for source in sources], axis=1)  # [batch, length]
    order = tf.argsort(tf.cast(~mask, tf.int32), axis=1, stable=True)  # [batch, length], valid first
    mask = tf.gather(mask, order, batch_dims=1)
    return Representation(apply_mask(tf.gather(x, order, batch_dims=1), mask), mask)


def mask_missing(source: Representation, present: tf.Tensor) -> Representation:
    """An input of which rows are masked out where `present`, bool `[batch]`, is False."""
    mask = _mask(source) & present[:, None]
    return Representation(apply_mask(source.x, mask), mask, source.grid)


def _mask(source: Representation) -> tf.Tensor:
    return tf.ones(tf.shape(source.x)[:2], tf.bool) if source.mask is None else source.mask
