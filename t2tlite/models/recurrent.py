"""Recurrent encoders and decoders: LSTM and GRU, with attention to the source."""

from collections.abc import Iterable
from typing import Any

import tensorflow as tf

from t2tlite import registry
from t2tlite.component import Component, check_attention
from t2tlite.hparam import HParams
from t2tlite.layers.attention import SourceMemory
from t2tlite.layers.masking import apply_mask
from t2tlite.layers.randomness import dropout
from t2tlite.layers.recurrent import CELLS, Bidirectional, RecurrentState
from t2tlite.layers.source_attention import LuongAttention
from t2tlite.shared_hparams import (
    ATTENTION,
    DROPOUT,
    HIDDEN_SIZE,
    MOE,
    NUM_DECODER_LAYERS,
    NUM_ENCODER_LAYERS,
)
from t2tlite.types import Shape


class _RecurrentEncoder(Component):
    """Bidirectional layers with residual connections, experts after half of them."""

    HPARAMS = (HIDDEN_SIZE, NUM_ENCODER_LAYERS, DROPOUT, MOE)
    cell: str

    def __init__(self, hparams: HParams, **kwargs: Any) -> None:
        super().__init__(hparams, **kwargs)
        numbers = range(hparams.num_encoder_layers)
        self.blocks = [Bidirectional(self.cell, hparams.hidden_size, name=f"layer{i}") for i in numbers]
        self.middle = (hparams.num_encoder_layers + 1) // 2
        self.experts = registry.get("moe", hparams.moe).from_hparams(hparams, name="experts")

    def build(self, input_shape: Shape) -> None:
        for layer in (*self.blocks, self.experts):
            layer.build(input_shape)

    def call(
        self, x: tf.Tensor, padding_mask: tf.Tensor | None = None, training: bool = False
    ) -> tuple[tf.Tensor, dict[str, Any]]:
        """Encodes `x` `[batch, length, hidden]`; see `t2tlite.models.encoder.MultiModelEncoder`."""
        for block in self.blocks[: self.middle]:
            x = x + dropout(block(x, padding_mask=padding_mask), self.hparams.dropout, training)
        mixed, statistics = self.experts(x, padding_mask=padding_mask, training=training)
        x = x + mixed
        for block in self.blocks[self.middle :]:
            x = x + dropout(block(x, padding_mask=padding_mask), self.hparams.dropout, training)
        return apply_mask(x, padding_mask), statistics


@registry.register_encoder("lstm")
class LSTMEncoder(_RecurrentEncoder):
    """`num_encoder_layers` bidirectional LSTMs with residual connections (Wu et al. 2016, 3.1).

    A picture is read row by row. The order is known without a timing signal. A mixture of experts, if there
    is one, comes after half of the layers.
    """

    cell = "lstm"


@registry.register_encoder("gru")
class GRUEncoder(_RecurrentEncoder):
    """`num_encoder_layers` bidirectional GRUs (Bahdanau et al. 2015, 3.2); otherwise as `lstm`."""

    cell = "gru"


class _RecurrentDecoder(Component):
    """Pairs of a recurrent layer and attention to the source, experts after half of them."""

    HPARAMS = (HIDDEN_SIZE, NUM_DECODER_LAYERS, DROPOUT, ATTENTION, MOE)
    shares_memory = True  # of sequences that have the same input
    cell: str

    def __init__(self, hparams: HParams, **kwargs: Any) -> None:
        check_attention(hparams)
        super().__init__(hparams, autocast=False, **kwargs)  # which would cast the state as well
        numbers = range(hparams.num_decoder_layers)
        self.blocks = [CELLS[self.cell](hparams.hidden_size, name=f"layer{i}") for i in numbers]
        self.attentions = [LuongAttention(hparams.hidden_size, name=f"attention{i}") for i in numbers]
        self.middle = (hparams.num_decoder_layers + 1) // 2
        self.experts = registry.get("moe", hparams.moe).from_hparams(hparams, name="experts")

    def build(self, input_shape: Shape) -> None:
        for layer in (*self.blocks, *self.attentions, self.experts):
            layer.build(input_shape)

    def memory(self, source: tf.Tensor, source_mask: tf.Tensor | None = None) -> tuple[SourceMemory, ...]:
        """What every pair's attention keeps of the source; see `LuongAttention.memory`."""
        return tuple(attention.memory(source, source_mask) for attention in self.attentions)

    def initial_state(self, batch: int | tf.Tensor, length: int) -> tuple[RecurrentState, ...]:
        """Of each recurrent layer, for `batch` sequences."""
        return tuple(block.initial_state(batch) for block in self.blocks)

    def call(
        self,
        x: tf.Tensor,
        memory: tuple[SourceMemory, ...],
        padding_mask: tf.Tensor | None = None,
        training: bool = False,
        state: tuple[RecurrentState, ...] | None = None,
    ) -> tuple[tf.Tensor, dict[str, Any], tuple[RecurrentState, ...] | None]:
        """Decodes `x` `[batch, length, hidden]`; see `t2tlite.models.decoder.MultiModelDecoder`."""
        x = tf.cast(x, self.compute_dtype)
        new_state = []

        def run(x: tf.Tensor, numbers: Iterable[int]) -> tf.Tensor:
            for i in numbers:
                if state is None:
                    y = self.blocks[i](x)
                else:
                    y, of_block = self.blocks[i](x, state=state[i])
                    new_state.append(of_block)
                y = self.attentions[i](y, memory[i], stepwise=state is not None)
                x = x + dropout(y, self.hparams.dropout, training)
            return x

        x = run(x, range(self.middle))
        mixed, statistics = self.experts(x, padding_mask=padding_mask, training=training)
        x = run(x + mixed, range(self.middle, len(self.blocks)))
        return x, statistics, None if state is None else tuple(new_state)


@registry.register_decoder("lstm")
class LSTMDecoder(_RecurrentDecoder):
    """`num_decoder_layers` pairs of an LSTM and attention to the source (Luong et al. 2015, 3.1).

    Each pair gives `x + attention(LSTM(x))`, so that an LSTM reads what the pairs below it attended to. A
    mixture of experts, if there is one, comes after half of the pairs. Use it with `mixer=none`.

    Raises:
      UserError: `attention` is false.
    """

    cell = "lstm"


@registry.register_decoder("gru")
class GRUDecoder(_RecurrentDecoder):
    """`num_decoder_layers` pairs of a GRU and attention to the source; otherwise as `lstm`.

    Raises:
      UserError: `attention` is false.
    """

    cell = "gru"
