"""Encoder and decoder of the Transformer (Vaswani et al. 2017)."""

from collections.abc import Iterable
from typing import Any, TypeAlias

import tensorflow as tf

from t2tlite import registry
from t2tlite.component import Component, check_attention
from t2tlite.hparam import HParams
from t2tlite.layers.attention import SourceMemory
from t2tlite.layers.history import History
from t2tlite.layers.masking import apply_mask
from t2tlite.layers.normalization import EPSILON, LayerNormalization
from t2tlite.layers.randomness import dropout
from t2tlite.layers.timing import timing_signal
from t2tlite.layers.transformer import TransformerLayer
from t2tlite.shared_hparams import (
    ATTENTION,
    DROPOUT,
    ENCODER_TIMING,
    FILTER_SIZE,
    HIDDEN_SIZE,
    MOE,
    NUM_DECODER_LAYERS,
    NUM_ENCODER_LAYERS,
    NUM_HEADS,
)
from t2tlite.types import Shape

_LAYERS = (HIDDEN_SIZE, FILTER_SIZE, NUM_HEADS, DROPOUT, MOE)

TransformerState: TypeAlias = tuple[tf.Tensor, tuple[tuple[History, ...], ...]]
"""Position int32 scalar, and of each layer's self-attention."""


class _Transformer(Component):
    """What encoder and decoder share: layers with experts after half of them, and a last normalization."""

    def __init__(self, hparams: HParams, depth: int, decodes: bool, **kwargs: Any) -> None:
        super().__init__(hparams, **kwargs)
        sizes = (hparams.hidden_size, hparams.filter_size, hparams.num_heads, hparams.dropout)
        self.blocks = [TransformerLayer(*sizes, decodes, name=f"layer{i}") for i in range(depth)]
        self.middle = (depth + 1) // 2
        self.experts = registry.get("moe", hparams.moe).from_hparams(hparams, name="experts")
        # Without scale and shift, which the first matrices of gate and experts can take over.
        self.expert_norm = LayerNormalization(epsilon=EPSILON, center=False, scale=False, name="expert_norm")
        self.norm = LayerNormalization(epsilon=EPSILON, name="norm")

    def build(self, input_shape: Shape) -> None:
        for layer in (*self.blocks, self.experts, self.expert_norm, self.norm):
            layer.build(input_shape)

    def mix(
        self, x: tf.Tensor, padding_mask: tf.Tensor | None, training: bool
    ) -> tuple[tf.Tensor, dict[str, Any]]:
        """`x` plus what the experts say, and their statistics."""
        mixed, statistics = self.experts(self.expert_norm(x), padding_mask=padding_mask, training=training)
        return x + dropout(mixed, self.hparams.dropout, training), statistics


@registry.register_encoder("transformer")
class TransformerEncoder(_Transformer):
    """`num_encoder_layers` of self-attention and feed-forward, pre-norm (Vaswani et al. 2017, 3.1).

    The timing signal (3.5) is added to the input unless `encoder_timing` is false. A mixture of experts, if
    there is one, comes after half of the layers.
    """

    HPARAMS = (*_LAYERS, NUM_ENCODER_LAYERS, ENCODER_TIMING)

    def __init__(self, hparams: HParams, **kwargs: Any) -> None:
        super().__init__(hparams, hparams.num_encoder_layers, False, **kwargs)

    def call(
        self, x: tf.Tensor, padding_mask: tf.Tensor | None = None, training: bool = False
    ) -> tuple[tf.Tensor, dict[str, Any]]:
        """Encodes `x` `[batch, length, hidden]`; see `t2tlite.models.encoder.MultiModelEncoder`."""
        if self.hparams.encoder_timing:
            x = x + tf.cast(timing_signal(tf.shape(x)[1], self.hparams.hidden_size), x.dtype)
        x = dropout(x, self.hparams.dropout, training)
        for block in self.blocks[: self.middle]:
            x = block(x, padding_mask=padding_mask, training=training)
        x, statistics = self.mix(x, padding_mask, training)
        for block in self.blocks[self.middle :]:
            x = block(x, padding_mask=padding_mask, training=training)
        return apply_mask(self.norm(x), padding_mask), statistics


@registry.register_decoder("transformer")
class TransformerDecoder(_Transformer):
    """`num_decoder_layers` of self-attention, attention to the source and feed-forward, pre-norm.

    Vaswani et al. 2017, 3.1. The timing signal (3.5) is added to the input. A mixture of experts, if there is
    one, comes after half of the layers. Use it with `mixer=none`.

    Raises:
      UserError: `attention` is false.
    """

    HPARAMS = (*_LAYERS, NUM_DECODER_LAYERS, ATTENTION)
    shares_memory = True  # of sequences that have the same input

    def __init__(self, hparams: HParams, **kwargs: Any) -> None:
        check_attention(hparams)
        super().__init__(hparams, hparams.num_decoder_layers, True, **kwargs)

    def memory(self, source: tf.Tensor, source_mask: tf.Tensor | None = None) -> tuple[SourceMemory, ...]:
        """What every layer keeps of the source; see `SourceAttention.memory`."""
        return tuple(block.memory(source, source_mask) for block in self.blocks)

    def initial_state(self, batch: int | tf.Tensor, length: int) -> TransformerState:
        """The state of `batch` sequences of up to `length` positions, before the first."""
        return tf.zeros([], tf.int32), tuple(block.initial_state(batch, length) for block in self.blocks)

    def call(
        self,
        x: tf.Tensor,
        memory: tuple[SourceMemory, ...],
        padding_mask: tf.Tensor | None = None,
        training: bool = False,
        state: TransformerState | None = None,
    ) -> tuple[tf.Tensor, dict[str, Any], TransformerState | None]:
        """Decodes `x` `[batch, length, hidden]`; see `t2tlite.models.decoder.MultiModelDecoder`."""
        position = 0 if state is None else state[0]
        length = tf.shape(x)[1]
        x = x + tf.cast(timing_signal(length, self.hparams.hidden_size, position), x.dtype)
        x = dropout(x, self.hparams.dropout, training)
        new_state = []

        def run(x: tf.Tensor, numbers: Iterable[int]) -> tf.Tensor:
            for i in numbers:
                if state is None:
                    x = self.blocks[i](x, memory[i], training=training)
                else:
                    x, of_block = self.blocks[i](x, memory[i], state=state[1][i])
                    new_state.append(of_block)
            return x

        x = run(x, range(self.middle))
        x, statistics = self.mix(x, padding_mask, training)
        x = self.norm(run(x, range(self.middle, len(self.blocks))))
        return x, statistics, None if state is None else (position + length, tuple(new_state))
