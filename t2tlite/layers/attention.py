"""Attention: the formula, to oneself (with state), to a source, and the MultiModel's attention block."""

from typing import Any, TypeAlias

import keras
import tensorflow as tf

from t2tlite.layers import history, recording
from t2tlite.layers.convolution import ConvStep
from t2tlite.layers.history import History
from t2tlite.layers.masking import masked_mean
from t2tlite.layers.once import once
from t2tlite.layers.timing import timing_signal
from t2tlite.types import Shape

_FEW = 200_000  # products of queries and keys, for which a matmul takes longer to start than they take

SourceMemory: TypeAlias = tuple[tf.Tensor, tf.Tensor, tf.Tensor | None]
"""What attention keeps of a source: keys, values, and which of them may be seen; see `attend`."""

AttentionBlockState: TypeAlias = tuple[tf.Tensor, tuple[History, History], tuple[History, ...]]
"""Position int32 scalar, of the two convolution steps, of the self-attention; () without attention."""


def split_heads(x: tf.Tensor, heads: int) -> tf.Tensor:
    """`[batch, length, channels]` -> `[batch, heads, length, channels / heads]`."""
    shape = tf.shape(x)
    x = tf.reshape(x, [shape[0], shape[1], heads, x.shape[-1] // heads])
    return tf.transpose(x, [0, 2, 1, 3])


@once
def dot_product_attention(
    queries: tf.Tensor,
    keys: tf.Tensor,
    values: tf.Tensor,
    allowed: tf.Tensor | None,
    return_weights: bool = False,
) -> tf.Tensor | tuple[tf.Tensor, tf.Tensor]:
    """Scaled dot-product attention (Vaswani et al. 2017, 3.2.1), softmax in float32.

    Args:
      queries: `[batch, heads, queries, depth]`.
      keys, values: `[batch, heads, keys, depth]`.
      allowed: bool, broadcast to `[batch, heads, queries, keys]`, True where a query may look; or None.

    Returns:
      `[batch, queries, heads * depth]`, and with `return_weights` the weights
      `[batch, heads, queries, keys]`.
    """
    logits = tf.matmul(queries * queries.shape[-1] ** -0.5, keys, transpose_b=True)
    logits = tf.cast(logits, tf.float32)
    if allowed is not None:
        logits = tf.where(allowed, logits, -1e9)
    weights = tf.nn.softmax(logits)
    y = tf.transpose(tf.matmul(tf.cast(weights, values.dtype), values), [0, 2, 1, 3])
    shape = tf.shape(y)
    y = tf.reshape(y, [shape[0], shape[1], values.shape[1] * values.shape[-1]])
    return (y, weights) if return_weights else y


def attention_step(
    queries: tf.Tensor, keys: tf.Tensor, values: tf.Tensor, allowed: tf.Tensor | None = None
) -> tf.Tensor:
    """`dot_product_attention` for few queries and keys, by products and sums.

    Args:
      queries: `[batch, rows, heads, depth]`; several rows may look at the same keys.
      keys, values: `[batch, heads, keys, depth]`.
      allowed: bool `[batch, 1, 1, keys]`, or None.

    Returns:
      `[batch, rows, heads, depth]`.
    """
    products = queries[:, :, :, None] * keys[:, None]  # [batch, rows, heads, keys, depth]
    logits = tf.reduce_sum(tf.cast(products, tf.float32), axis=-1) * queries.shape[-1] ** -0.5
    if allowed is not None:
        logits = tf.where(allowed, logits, -1e9)
    weights = tf.cast(softmax(logits, -1), values.dtype)
    return tf.reduce_sum(weights[..., None] * values[:, None], axis=3)


def softmax(logits: tf.Tensor, axis: int) -> tf.Tensor:
    """A softmax over one axis of `[...]` by plain operations, which start faster than the library's."""
    weights = tf.exp(logits - tf.reduce_max(logits, axis=axis, keepdims=True))
    return weights / tf.reduce_sum(weights, axis=axis, keepdims=True)


def attend(queries: tf.Tensor, memory: SourceMemory, layer: str, stepwise: bool) -> tf.Tensor:
    """Multi-head attention to a source.

    Args:
      queries: `[rows, length, channels]`.
      memory: keys and values, `[sources, heads, source length, depth]`, and bool
        `[sources, 1, 1, source length]`, True where there is something to see, or None.
      layer: path of the layer, under which the weights are recorded.
      stepwise: whether this is a part of a sequence that is decoded step by step. Then several rows, one
        after the other, may share a source.

    Returns:
      `[rows, length, heads * depth of the values]`.
    """
    keys, values, allowed = memory
    heads = keys.shape[1]
    if not stepwise:
        split = split_heads(queries, heads)
        attended, weights = dot_product_attention(split, keys, values, allowed, return_weights=True)
        recording.record(recording.ATTENTION, layer, weights)
        return attended
    shape = tf.shape(queries)
    # [sources, rows of each * length, channels]
    shared = tf.reshape(queries, [tf.shape(keys)[0], -1, queries.shape[-1]])

    def by_matmul() -> tf.Tensor:
        return dot_product_attention(split_heads(shared, heads), keys, values, allowed)

    def by_products() -> tf.Tensor:
        split = [tf.shape(shared)[0], tf.shape(shared)[1], heads, queries.shape[-1] // heads]
        attended = attention_step(tf.reshape(shared, split), keys, values, allowed)
        return tf.reshape(attended, [split[0], split[1], heads * values.shape[-1]])

    products = tf.size(queries) * tf.shape(keys)[2]
    attended = tf.cond(products < _FEW, by_products, by_matmul)
    return tf.reshape(attended, [shape[0], shape[1], heads * values.shape[-1]])


@keras.saving.register_keras_serializable("t2tlite")
class SelfAttention(keras.layers.Layer):
    """Multi-head self-attention with projections of queries, keys, values and output.

    Its state is the `History` of the keys and that of the values, of all positions.

    Args:
      hidden, heads: channels and heads.
      causal: whether a position sees only itself and earlier ones; only then is there a state.
    """

    def __init__(self, hidden: int, heads: int, causal: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if hidden % heads:
            raise ValueError(f"`hidden` must be a multiple of `heads`. Received: {hidden}, {heads}")
        self.hidden = hidden
        self.heads = heads
        self.causal = causal
        self.project = keras.layers.Dense(3 * hidden, use_bias=False, name="project", dtype=self.dtype_policy)
        self.output_projection = keras.layers.Dense(
            hidden, use_bias=False, name="output", dtype=self.dtype_policy
        )

    def build(self, input_shape: Shape) -> None:
        self.project.build(input_shape)
        self.output_projection.build((*input_shape[:-1], self.hidden))

    def initial_state(self, batch: int | tf.Tensor, length: int) -> tuple[History, ...]:
        """Keys and values of `batch` sequences: each position's are `[batch, heads, hidden / heads]`."""
        shape = [self.heads, self.hidden // self.heads]
        return tuple(history.empty(length, batch, shape, self.compute_dtype) for _ in range(2))

    def call(
        self, x: tf.Tensor, padding_mask: tf.Tensor | None = None, state: tuple[History, ...] | None = None
    ) -> tf.Tensor | tuple[tf.Tensor, tuple[History, ...]]:
        """Returns `[batch, length, hidden]`, or `(that, new state)` where `state` is given.

        Args:
          x: `[batch, length, hidden]`.
          padding_mask: bool `[batch, length]` or None, False for positions that are not seen. Not for causal
            attention, which sees no padding behind a sequence.
          state: from `initial_state` or the call before, to continue a sequence.
        """
        if state is not None and x.shape[1] == 1:
            y, state = self._step(x[:, 0], state)
            return y[:, None], state
        projected = tf.split(self.project(x), 3, axis=-1)
        queries, keys, values = (split_heads(y, self.heads) for y in projected)
        start = 0
        if state is not None:
            start = state[0].position
            new = (tf.transpose(y, [2, 0, 1, 3]) for y in (keys, values))
            state = tuple(history.write(old, y) for old, y in zip(state, new, strict=True))
            keys, values = (tf.transpose(history.read_all(part), [1, 2, 0, 3]) for part in state)
        if self.causal:
            here = start + tf.range(tf.shape(x)[1])
            sees = tf.range(tf.shape(keys)[2])[None, :] <= here[:, None]  # [queries, keys]
        else:
            sees = None if padding_mask is None else padding_mask[:, None, None, :]
        attended, weights = dot_product_attention(queries, keys, values, sees, return_weights=True)
        recording.record(recording.SELF_ATTENTION, self.path, weights)
        y = self.output_projection(attended)
        return y if state is None else (y, state)

    def _step(self, x: tf.Tensor, state: tuple[History, ...]) -> tuple[tf.Tensor, tuple[History, ...]]:
        """One position, `[batch, hidden]`: sees all that were written, and itself."""
        projected = tf.reshape(self.project(x), [-1, 3, self.heads, self.hidden // self.heads])
        queries, keys, values = tf.unstack(projected, axis=1)  # [batch, heads, depth]
        state = history.append(state[0], keys), history.append(state[1], values)
        keys, values = (history.read_all(part) for part in state)  # [positions, batch, heads, depth]
        logits = tf.reduce_sum(tf.cast(keys * queries, tf.float32), axis=-1) * queries.shape[-1] ** -0.5
        weights = tf.cast(softmax(logits, 0), values.dtype)  # [positions, batch, heads]
        y = tf.reduce_sum(weights[..., None] * values, axis=0)
        return self.output_projection(tf.reshape(y, [-1, self.hidden])), state


@keras.saving.register_keras_serializable("t2tlite")
class AttentionBlock(keras.layers.Layer):
    """The attention block of "One Model To Learn Them All", section 2.1.2.

    The target plus the timing signal is mixed by two causal convolution steps into t; s = t + self-attention
    of t; two pointwise convolutions turn the source into keys and values; the block returns
    x + s + attention(s, keys, values). The formula leaves the residual wiring open: without x and s in the
    sum, or with a concatenation, learning was slower.

    Args:
      hidden, heads: channels, and heads of both attentions.
      attention: False takes both attentions away for an ablation; the source then comes in as the mean of
        its values.
    """

    def __init__(self, hidden: int, heads: int = 8, attention: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.hidden = hidden
        self.heads = heads
        self.attention = attention
        self.step1 = ConvStep(hidden, 5, causal=True, name="step1", dtype=self.dtype_policy)
        self.step2 = ConvStep(hidden, 5, dilation=4, causal=True, name="step2", dtype=self.dtype_policy)
        self.values = keras.layers.Dense(hidden, name="values", dtype=self.dtype_policy)
        if attention:
            self.self_attention = SelfAttention(hidden, heads, name="self_attention", dtype=self.dtype_policy)
            # No bias: a shift that all keys share changes no softmax.
            self.keys = keras.layers.Dense(hidden, use_bias=False, name="keys", dtype=self.dtype_policy)

    def build(self, input_shape: Shape) -> None:
        self.step1.build(input_shape)
        self.step2.build(input_shape)
        self.values.build(input_shape)
        if self.attention:
            self.self_attention.build(input_shape)
            self.keys.build(input_shape)

    def memory(self, source: tf.Tensor, source_mask: tf.Tensor | None = None) -> SourceMemory | tf.Tensor:
        """What the block keeps of the source, computed once for a whole decoding.

        Args:
          source: `[batch, source length, hidden]`.
          source_mask: bool `[batch, source length]` or None.
        """
        if not self.attention:
            return masked_mean(self.values(source), source_mask)
        keys = split_heads(self.keys(source), self.heads)
        values = split_heads(self.values(source), self.heads)
        return keys, values, None if source_mask is None else source_mask[:, None, None, :]

    def initial_state(self, batch: int | tf.Tensor, length: int) -> AttentionBlockState:
        """The state of `batch` sequences of up to `length` positions, before the first."""
        steps = (self.step1.initial_state(batch, length), self.step2.initial_state(batch, length))
        attention = self.self_attention.initial_state(batch, length) if self.attention else ()
        return tf.zeros([], tf.int32), steps, attention

    def call(
        self, x: tf.Tensor, memory: SourceMemory | tf.Tensor, state: AttentionBlockState | None = None
    ) -> tf.Tensor | tuple[tf.Tensor, AttentionBlockState]:
        """Returns `[batch, length, hidden]`, or `(that, new state)` where `state` is given.

        Args:
          x: `[batch, length, hidden]`, the target.
          memory: from `memory(source, source_mask)`.
          state: from `initial_state` or the call before, to continue a sequence.
        """
        position, steps, attention_state = (0, (None, None), None) if state is None else state
        length = tf.shape(x)[1]
        t = x + tf.cast(timing_signal(length, self.hidden, position), x.dtype)
        if state is None:
            t = self.step2(self.step1(t))
        else:
            t, state1 = self.step1(t, state=steps[0])
            t, state2 = self.step2(t, state=steps[1])
            steps = (state1, state2)
        if not self.attention:
            copies = tf.shape(x)[0] // tf.shape(memory)[0]
            y = x + t + tf.repeat(memory, copies, axis=0)[:, None]
            return y if state is None else (y, (position + length, steps, ()))
        if state is None:
            s = t + self.self_attention(t)
        else:
            attended, attention_state = self.self_attention(t, state=attention_state)
            s = t + attended
        y = x + s + attend(s, memory, self.path, stepwise=state is not None)
        return y if state is None else (y, (position + length, steps, attention_state))
