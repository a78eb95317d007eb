"""A batch of any size and any lengths, in the graph, in chunks that the model can hold."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def in_chunks(
    write: Callable[[tf.Tensor], dict[str, tf.Tensor]],
    specs: dict[str, tf.TensorSpec],
    selected: tf.Tensor,
    length: tf.Tensor,
    size: int,
) -> dict[str, tf.Tensor]:
    """Computes outputs for some rows of a batch, those of similar length together.

    Args:
      write: the outputs, `[n, ...]`, of int32 rows `[n]`.
      specs: of the outputs of a batch, `[None, ...]`.
      selected: bool `[batch]`, the rows to compute; the others get "" and 0.
      length: float32 `[batch]`, of the inputs, as a multiple of the longest in training.
      size: most rows in a chunk; fewer where inputs are longer than any in training.
    """
    rows = tf.cast(tf.where(selected)[:, 0], tf.int32)
    order = tf.argsort(tf.gather(length, rows), direction="DESCENDING", stable=True)
    rows = tf.gather(rows, order)
    batch = tf.shape(selected)[0]
    nothing = {name: tf.fill([batch, *spec.shape[1:]], _nothing(spec.dtype)) for name, spec in specs.items()}

    def unfinished(begin: tf.Tensor, outputs: dict[str, tf.Tensor]) -> tf.Tensor:
        return begin < tf.size(rows)

    def chunk(begin: tf.Tensor, outputs: dict[str, tf.Tensor]) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        fit = tf.cast(size / tf.maximum(tf.gather(length, rows[begin]), 1.0), tf.int32)
        here = rows[begin : begin + tf.maximum(fit, 1)]
        values = write(here)
        place = here[:, None]
        outputs = {name: tf.tensor_scatter_nd_update(outputs[name], place, values[name]) for name in outputs}
        return begin + tf.size(here), outputs

    invariants = tf.TensorShape([]), {name: spec.shape for name, spec in specs.items()}
    _, outputs = tf.while_loop(
        unfinished, chunk, (tf.constant(0), nothing), invariants, parallel_iterations=1
    )
    return outputs


def _nothing(dtype: tf.DType) -> Any:
    return "" if dtype == tf.string else tf.zeros([], dtype)
