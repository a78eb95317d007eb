"""The decoder of the MultiModel: convolution and attention, with a mixture of experts in the middle."""

from typing import Any, TypeAlias

import tensorflow as tf

from t2tlite import registry
from t2tlite.component import Component
from t2tlite.hparam import HParams
from t2tlite.layers.attention import AttentionBlock, AttentionBlockState, SourceMemory
from t2tlite.layers.history import History
from t2tlite.models.dropout import branch_dropout, stack_dropout
from t2tlite.models.encoder import make_conv_block
from t2tlite.shared_hparams import ATTENTION, CONV_BLOCK, MOE, NUM_DECODER_LAYERS, NUM_HEADS
from t2tlite.types import Shape

DecoderState: TypeAlias = tuple[tuple[tuple[History, ...], AttentionBlockState], ...]
"""Of each pair of ConvBlock and attention block."""


@registry.register_decoder("multimodel")
class MultiModelDecoder(Component):
    """`num_decoder_layers` (4) pairs of ConvBlock and attention block, experts after half of them (2.1.3)."""

    HPARAMS = (*CONV_BLOCK, NUM_HEADS, ATTENTION, NUM_DECODER_LAYERS, MOE)
    shares_memory = True  # of sequences that have the same input

    def __init__(self, hparams: HParams, **kwargs: Any) -> None:
        super().__init__(hparams, **kwargs)
        numbers = range(hparams.num_decoder_layers)
        self.blocks = [make_conv_block(hparams, True, f"block{i}") for i in numbers]
        self.attentions = [
            AttentionBlock(hparams.hidden_size, hparams.num_heads, hparams.attention, name=f"attention{i}")
            for i in numbers
        ]
        self.middle = (hparams.num_decoder_layers + 1) // 2
        self.experts = registry.get("moe", hparams.moe).from_hparams(hparams, name="experts")

    def build(self, input_shape: Shape) -> None:
        for layer in (*self.blocks, *self.attentions, self.experts):
            layer.build(input_shape)

    def memory(
        self, source: tf.Tensor, source_mask: tf.Tensor | None = None
    ) -> tuple[SourceMemory | tf.Tensor, ...]:
        """What every attention block keeps of the source; see `AttentionBlock.memory`."""
        return tuple(attention.memory(source, source_mask) for attention in self.attentions)

    def initial_state(self, batch: int | tf.Tensor, length: int) -> DecoderState:
        """The state of `batch` sequences of up to `length` positions, before the first."""
        return tuple(
            (block.initial_state(batch, length), attention.initial_state(batch, length))
            for block, attention in zip(self.blocks, self.attentions, strict=True)
        )

    def call(
        self,
        x: tf.Tensor,
        memory: tuple[SourceMemory | tf.Tensor, ...],
        padding_mask: tf.Tensor | None = None,
        training: bool = False,
        state: DecoderState | None = None,
    ) -> tuple[tf.Tensor, dict[str, Any], DecoderState | None]:
        """Decodes `x` `[batch, length, hidden]`.

        Args:
          memory: from `memory(source, source_mask)`.
          padding_mask: bool `[batch, length]` or None; padding is not routed to experts.
          state: from `initial_state` or the call before, to continue a sequence.

        Returns:
          `[batch, length, hidden]`, the experts' statistics, and the new state (None without a state).
        """
        new_state = []
        for i, (block, attention) in enumerate(zip(self.blocks, self.attentions, strict=True)):
            if state is None:
                x = branch_dropout(x, block(x, training=training), self.hparams, training)
                x = branch_dropout(x, attention(x, memory[i]), self.hparams, training)
            else:
                x, of_block = block(x, state=state[i][0])
                x, of_attention = attention(x, memory[i], state=state[i][1])
                new_state.append((of_block, of_attention))
            if i + 1 == self.middle:
                mixed, statistics = self.experts(x, padding_mask=padding_mask, training=training)
                x = branch_dropout(x, x + mixed, self.hparams, training)
        x = stack_dropout(x, self.hparams, training)
        return x, statistics, None if state is None else tuple(new_state)
