"""The layers of the Transformer (Vaswani et al. 2017), with the normalization before each sublayer."""

from typing import Any

import keras
import tensorflow as tf

from t2tlite.layers.attention import SelfAttention, SourceMemory
from t2tlite.layers.history import History
from t2tlite.layers.normalization import EPSILON, LayerNormalization
from t2tlite.layers.randomness import dropout
from t2tlite.layers.source_attention import SourceAttention
from t2tlite.types import Shape


@keras.saving.register_keras_serializable("t2tlite")
class FeedForward(keras.layers.Layer):
    """`max(0, x W1 + b1) W2 + b2` at every position (Vaswani et al. 2017, 3.3).

    Args:
      hidden, filter: channels outside and inside.
    """

    def __init__(self, hidden: int, filter: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filter = filter
        self.inner = keras.layers.Dense(filter, "relu", name="inner", dtype=self.dtype_policy)
        self.outer = keras.layers.Dense(hidden, name="outer", dtype=self.dtype_policy)

    def build(self, input_shape: Shape) -> None:
        self.inner.build(input_shape)
        self.outer.build((*input_shape[:-1], self.filter))

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """`[..., hidden]` -> the same."""
        return self.outer(self.inner(x))


@keras.saving.register_keras_serializable("t2tlite")
class TransformerLayer(keras.layers.Layer):
    """Self-attention, attention to a source in a decoder, feed-forward: each `x + dropout(f(norm(x)))`.

    Vaswani et al. 2017 (arXiv 1706.03762), 3.1, where the normalization comes after the sum. With it before
    the sublayer, training depends less on the warm-up (Xiong et al. 2020, arXiv 2002.04745).

    Args:
      hidden, filter, heads: channels, inner channels of the feed-forward network, heads of attention.
      dropout: rate in training, of what each sublayer adds.
      decodes: whether self-attention is causal, with a state, and there is a source.
    """

    def __init__(
        self, hidden: int, filter: int, heads: int, dropout: float, decodes: bool, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.rate = dropout
        self.decodes = decodes
        dtype = self.dtype_policy
        self.self_attention = SelfAttention(hidden, heads, decodes, name="self_attention", dtype=dtype)
        self.feed_forward = FeedForward(hidden, filter, name="feed_forward", dtype=dtype)
        self.self_norm = self._norm("self_attention_norm")
        self.feed_forward_norm = self._norm("feed_forward_norm")
        if decodes:
            self.source_attention = SourceAttention(hidden, heads, name="source_attention", dtype=dtype)
            self.source_norm = self._norm("source_attention_norm")

    def _norm(self, name: str) -> LayerNormalization:
        return LayerNormalization(epsilon=EPSILON, name=name, dtype=self.dtype_policy)

    def build(self, input_shape: Shape) -> None:
        of_source = (self.source_attention, self.source_norm) if self.decodes else ()
        norms = (self.self_norm, self.feed_forward_norm)
        for layer in (self.self_attention, self.feed_forward, *norms, *of_source):
            layer.build(input_shape)

    def memory(self, source: tf.Tensor, source_mask: tf.Tensor | None = None) -> SourceMemory:
        """What a decoder's layer keeps of the source; see `SourceAttention.memory`."""
        return self.source_attention.memory(source, source_mask)

    def initial_state(self, batch: int | tf.Tensor, length: int) -> tuple[History, ...]:
        """See `SelfAttention.initial_state`."""
        return self.self_attention.initial_state(batch, length)

    def call(
        self,
        x: tf.Tensor,
        memory: SourceMemory | None = None,
        padding_mask: tf.Tensor | None = None,
        training: bool = False,
        state: tuple[History, ...] | None = None,
    ) -> tf.Tensor | tuple[tf.Tensor, tuple[History, ...]]:
        """Returns `[batch, length, hidden]`, or `(that, new state)` where `state` is given.

        Args:
          x: `[batch, length, hidden]`.
          memory: from `memory(source, source_mask)`, in a decoder.
          padding_mask: bool `[batch, length]` or None, False for padding, which an encoder doesn't see.
          state: from `initial_state` or the call before, to continue a sequence in a decoder.
        """
        stepwise = state is not None
        y = self.self_norm(x)
        if stepwise:
            y, state = self.self_attention(y, state=state)
        else:
            y = self.self_attention(y, padding_mask=padding_mask)
        x = x + dropout(y, self.rate, training)
        if self.decodes:
            y = self.source_attention(self.source_norm(x), memory, stepwise=stepwise)
            x = x + dropout(y, self.rate, training)
        x = x + dropout(self.feed_forward(self.feed_forward_norm(x)), self.rate, training)
        return (x, state) if stepwise else x
