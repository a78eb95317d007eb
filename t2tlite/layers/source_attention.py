"""Attention to a source, with what is kept of it computed once: the Transformer's, and Luong et al.'s."""

from typing import Any

import keras
import tensorflow as tf

from t2tlite.layers.attention import SourceMemory, attend, split_heads
from t2tlite.types import Shape


def _allowed(source_mask: tf.Tensor | None) -> tf.Tensor | None:
    return None if source_mask is None else source_mask[:, None, None, :]


@keras.saving.register_keras_serializable("t2tlite")
class SourceAttention(keras.layers.Layer):
    """Multi-head attention with projections of queries, keys, values and output (Vaswani et al. 2017, 3.2.2).

    Args:
      hidden, heads: channels and heads.

    Raises:
      ValueError: `hidden` is no multiple of `heads`.
    """

    def __init__(self, hidden: int, heads: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if hidden % heads:
            raise ValueError(f"`hidden` must be a multiple of `heads`. Received: {hidden}, {heads}")
        self.heads = heads
        common = {"units": hidden, "use_bias": False, "dtype": self.dtype_policy}
        self.queries = keras.layers.Dense(name="queries", **common)
        self.keys = keras.layers.Dense(name="keys", **common)
        self.values = keras.layers.Dense(name="values", **common)
        self.output_projection = keras.layers.Dense(name="output", **common)

    def build(self, input_shape: Shape) -> None:
        for layer in (self.queries, self.keys, self.values, self.output_projection):
            layer.build(input_shape)

    def memory(self, source: tf.Tensor, source_mask: tf.Tensor | None = None) -> SourceMemory:
        """What is kept of a source; see `attend`.

        Args:
          source: `[batch, source length, hidden]`.
          source_mask: bool `[batch, source length]` or None.
        """
        keys, values = (split_heads(layer(source), self.heads) for layer in (self.keys, self.values))
        return keys, values, _allowed(source_mask)

    def call(self, x: tf.Tensor, memory: SourceMemory, stepwise: bool = False) -> tf.Tensor:
        """`[batch, length, hidden]` -> the same; `stepwise` as of `attend`."""
        return self.output_projection(attend(self.queries(x), memory, self.path, stepwise))


@keras.saving.register_keras_serializable("t2tlite")
class LuongAttention(keras.layers.Layer):
    """Global attention with the score "general" (Luong et al. 2015, arXiv 1508.04025, section 3.1).

    The score of output t and source s is `h_t . W_a h_s`, here divided by sqrt(hidden); the context c_t is
    the mean of the source by the softmax of the scores, and the layer returns `tanh(W_c [c_t; h_t])`. It is
    not fed back into the recurrent net, so a whole sequence needs no loop over its positions here.

    Args:
      hidden: channels.
    """

    def __init__(self, hidden: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.hidden = hidden
        self.keys = keras.layers.Dense(hidden, use_bias=False, name="keys", dtype=self.dtype_policy)
        self.combine = keras.layers.Dense(
            hidden, "tanh", use_bias=False, name="combine", dtype=self.dtype_policy
        )

    def build(self, input_shape: Shape) -> None:
        self.keys.build(input_shape)
        self.combine.build((*input_shape[:-1], 2 * self.hidden))

    def memory(self, source: tf.Tensor, source_mask: tf.Tensor | None = None) -> SourceMemory:
        """See `SourceAttention.memory`; the values are the source itself."""
        return self.keys(source)[:, None], source[:, None], _allowed(source_mask)

    def call(self, x: tf.Tensor, memory: SourceMemory, stepwise: bool = False) -> tf.Tensor:
        """`[batch, length, hidden]` -> the same; `stepwise` as of `attend`."""
        context = attend(x, memory, self.path, stepwise)
        return self.combine(tf.concat([context, x], axis=-1))
