"""Reading files inside a graph, so that one that is damaged does not fail the others of its batch."""

from collections.abc import Callable, Sequence

import tensorflow as tf

_PARALLEL = 4  # files read at a time


def guarded(
    read: Callable[[tf.Tensor], Sequence[tf.Tensor]], contents: tf.Tensor, specs: Sequence[tf.TensorSpec]
) -> tuple[tf.Tensor, ...]:
    """Applies a function that may raise to each of some strings.

    TensorFlow has one place only where the error of a kernel can be caught inside a graph: tf.data.

    Args:
      read: a string scalar to tensors; raises, when it runs, where there is something wrong.
      contents: strings `[batch]`.
      specs: of what it makes; only a first dimension may be unknown.

    Returns:
      What was made, each `[batch, ...]`, with zeros for what is shorter than the longest and for what failed;
      and bool `[batch]`, whether it succeeded.
    """
    batch = tf.shape(contents, out_type=tf.int64)[0]

    def one(index: tf.Tensor, content: tf.Tensor) -> tuple:
        tensors = read(content)
        return index, *(tf.ensure_shape(x, spec.shape) for x, spec in zip(tensors, specs, strict=True))

    files = tf.data.Dataset.from_tensor_slices((tf.range(batch), contents))
    files = files.map(one, num_parallel_calls=_PARALLEL, deterministic=False).ignore_errors()
    files = files.padded_batch(tf.maximum(batch, 1)).with_options(_options())
    nothing = (tf.zeros([0], tf.int64), *map(_none_of, specs))
    index, *tensors = files.reduce(nothing, lambda _, new: new)  # there is one batch, or none
    place = index[:, None]

    def scattered(values: tf.Tensor, spec: tf.TensorSpec) -> tf.Tensor:
        shape = tf.concat([[batch], tf.shape(values, out_type=tf.int64)[1:]], axis=0)
        return tf.ensure_shape(tf.scatter_nd(place, values, shape), [None, *spec.shape])

    ok = tf.scatter_nd(place, tf.ones_like(index, tf.int32), [batch]) > 0
    return *(scattered(values, spec) for values, spec in zip(tensors, specs, strict=True)), ok


def _none_of(spec: tf.TensorSpec) -> tf.Tensor:
    return tf.zeros([0, *(size or 0 for size in spec.shape)], spec.dtype)


def _options() -> tf.data.Options:
    """Each call makes the dataset anew, so what takes time to prepare is left out."""
    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_optimization.apply_default_optimizations = False
    return options
