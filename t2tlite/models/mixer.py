"""The input/output mixer: joins the encoded inputs with the outputs so far; or nothing in its place."""

from typing import Any, TypeAlias

import tensorflow as tf

from t2tlite import registry
from t2tlite.component import Component
from t2tlite.hparam import HParams
from t2tlite.hyperparameter import NOT_NEGATIVE, Hyperparameter
from t2tlite.layers.attention import AttentionBlock, AttentionBlockState, SourceMemory
from t2tlite.layers.history import History
from t2tlite.models.dropout import branch_dropout, input_dropout, stack_dropout
from t2tlite.models.encoder import make_conv_block
from t2tlite.shared_hparams import ATTENTION, CONV_BLOCK, NUM_HEADS
from t2tlite.types import Shape

MixerState: TypeAlias = tuple[AttentionBlockState | tuple[History, ...], ...]
"""Of the attention block, then of each ConvBlock."""


@registry.register_mixer("multimodel")
class MultiModelMixer(Component):
    """An attention block to the encoded inputs and `num_mixer_layers` causal ConvBlocks (paper, 2.1.3)."""

    HPARAMS = (
        *CONV_BLOCK,
        NUM_HEADS,
        ATTENTION,
        Hyperparameter(
            "num_mixer_layers", int, "ConvBlocks of the mixer", NOT_NEGATIVE, formerly=("mixer_blocks",)
        ),
    )
    shares_memory = True  # of sequences that have the same input

    def __init__(self, hparams: HParams, **kwargs: Any) -> None:
        super().__init__(hparams, **kwargs)
        self.attention = AttentionBlock(
            hparams.hidden_size, hparams.num_heads, hparams.attention, name="attention"
        )
        self.blocks = [make_conv_block(hparams, True, f"block{i}") for i in range(hparams.num_mixer_layers)]

    def build(self, input_shape: Shape) -> None:
        self.attention.build(input_shape)
        for block in self.blocks:
            block.build(input_shape)

    def memory(self, source: tf.Tensor, source_mask: tf.Tensor | None = None) -> SourceMemory | tf.Tensor:
        """See `AttentionBlock.memory`."""
        return self.attention.memory(source, source_mask)

    def initial_state(self, batch: int | tf.Tensor, length: int) -> MixerState:
        """The state of `batch` sequences of up to `length` positions, before the first."""
        of_blocks = (block.initial_state(batch, length) for block in self.blocks)
        return self.attention.initial_state(batch, length), *of_blocks

    def call(
        self,
        x: tf.Tensor,
        memory: SourceMemory | tf.Tensor,
        training: bool = False,
        state: MixerState | None = None,
    ) -> tf.Tensor | tuple[tf.Tensor, MixerState]:
        """Returns `[batch, length, hidden]`, or `(that, new state)` where `state` is given."""
        if state is None:
            x = input_dropout(x, self.hparams, training)
            x = branch_dropout(x, self.attention(x, memory), self.hparams, training)
            for block in self.blocks:
                x = branch_dropout(x, block(x, training=training), self.hparams, training)
            return stack_dropout(x, self.hparams, training)
        x, first = self.attention(x, memory, state=state[0])
        new_state = [first]
        for block, before in zip(self.blocks, state[1:], strict=True):
            x, after = block(x, state=before)
            new_state.append(after)
        return x, tuple(new_state)


@registry.register_mixer("none")
class NoMixer(Component):
    """No mixer: the decoder reads the outputs so far as they are, and attends to the source itself."""

    HPARAMS = ()
    shares_memory = True  # there is none

    def build(self, input_shape: Shape) -> None:
        pass

    def memory(self, source: tf.Tensor, source_mask: tf.Tensor | None = None) -> tuple[()]:
        return ()

    def initial_state(self, batch: int | tf.Tensor, length: int) -> tuple[()]:
        return ()

    def call(
        self, x: tf.Tensor, memory: tuple[()], training: bool = False, state: tuple[()] | None = None
    ) -> tf.Tensor | tuple[tf.Tensor, tuple[()]]:
        """Returns `x` `[batch, length, hidden]`, or `(x, ())` where `state` is given."""
        return x if state is None else (x, ())
