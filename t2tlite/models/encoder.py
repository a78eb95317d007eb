"""The encoder of the MultiModel: convolution blocks with a mixture of experts in the middle."""

from typing import Any

import tensorflow as tf

from t2tlite import registry
from t2tlite.component import Component
from t2tlite.hparam import HParams
from t2tlite.layers.convolution import ConvBlock
from t2tlite.layers.masking import apply_mask
from t2tlite.layers.timing import timing_signal
from t2tlite.models.dropout import branch_dropout, input_dropout, stack_dropout
from t2tlite.shared_hparams import CONV_BLOCK, ENCODER_TIMING, MOE, NUM_ENCODER_LAYERS
from t2tlite.types import Shape


def make_conv_block(hparams: HParams, causal: bool, name: str) -> ConvBlock:
    """A block of the sizes that the hyperparameters name."""
    return ConvBlock(
        hparams.hidden_size,
        hparams.kernel_sizes or (3, 3, hparams.large_kernel_size, hparams.large_kernel_size),
        hparams.large_kernel_dilation,
        hparams.dropout if hparams.dropout_per == "block" else 0.0,
        hparams.conv_skips,
        causal=causal,
        name=name,
    )


@registry.register_encoder("multimodel")
class MultiModelEncoder(Component):
    """`num_encoder_layers` ConvBlocks (6), experts after half of them ("One Model To Learn Them All", 2.1).

    With `encoder_timing` the timing signal is added to the input.
    """

    HPARAMS = (*CONV_BLOCK, NUM_ENCODER_LAYERS, ENCODER_TIMING, MOE)

    def __init__(self, hparams: HParams, **kwargs: Any) -> None:
        super().__init__(hparams, **kwargs)
        self.blocks = [
            make_conv_block(hparams, False, f"block{i}") for i in range(hparams.num_encoder_layers)
        ]
        self.middle = (hparams.num_encoder_layers + 1) // 2
        self.experts = registry.get("moe", hparams.moe).from_hparams(hparams, name="experts")

    def build(self, input_shape: Shape) -> None:
        for layer in (*self.blocks, self.experts):
            layer.build(input_shape)

    def call(
        self, x: tf.Tensor, padding_mask: tf.Tensor | None = None, training: bool = False
    ) -> tuple[tf.Tensor, dict[str, Any]]:
        """Encodes `x`.

        Args:
          x: `[batch, length, hidden]`.
          padding_mask: bool `[batch, length]` or None, False for padding.

        Returns:
          `[batch, length, hidden]`, zero where padded, and the experts' statistics.
        """
        if self.hparams.encoder_timing:
            x = x + tf.cast(timing_signal(tf.shape(x)[1], self.hparams.hidden_size), x.dtype)
        x = input_dropout(x, self.hparams, training)
        for block in self.blocks[: self.middle]:
            y = block(x, padding_mask=padding_mask, training=training)
            x = branch_dropout(x, y, self.hparams, training)
        mixed, statistics = self.experts(x, padding_mask=padding_mask, training=training)
        x = branch_dropout(x, x + mixed, self.hparams, training)
        for block in self.blocks[self.middle :]:
            y = block(x, padding_mask=padding_mask, training=training)
            x = branch_dropout(x, y, self.hparams, training)
        x = stack_dropout(x, self.hparams, training)
        return apply_mask(x, padding_mask), statistics
