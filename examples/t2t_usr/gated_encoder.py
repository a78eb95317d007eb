"""An encoder of one's own: gated convolutions in the place of the MultiModel's convolution blocks."""

import tensorflow as tf

from t2tlite import registry
from t2tlite.component import Component
from t2tlite.hyperparameter import ODD, POSITIVE, Hyperparameter
from t2tlite.layers.masking import apply_mask
from t2tlite.layers.separable import SeparableConv1D
from t2tlite.shared_hparams import HIDDEN_SIZE, MOE


@registry.register_encoder("gated")
class GatedEncoder(Component):
    """`x + a(x) * sigmoid(b(x))` with convolutions a and b, `gated_blocks` times, and then the experts.

    The gated linear unit of Dauphin et al. 2017, "Language Modeling with Gated Convolutional Networks"
    (arXiv 1612.08083), with depthwise-separable convolutions.
    """

    HPARAMS = (
        HIDDEN_SIZE,
        MOE,
        Hyperparameter("gated_blocks", int, "gated convolutions", POSITIVE, default=3),
        Hyperparameter("gated_kernel", int, "taps of each", (POSITIVE, ODD), default=5),
    )

    def __init__(self, hparams, **kwargs):
        super().__init__(hparams, **kwargs)
        self.convs = [
            SeparableConv1D(2 * hparams.hidden_size, hparams.gated_kernel, name=f"conv{i}")
            for i in range(hparams.gated_blocks)
        ]
        self.experts = registry.get("moe", hparams.moe).from_hparams(hparams, name="experts")

    def build(self, input_shape):
        for layer in (*self.convs, self.experts):
            layer.build(input_shape)

    def call(self, x, padding_mask=None, training=False):
        """Encodes `x` `[batch, length, hidden]`; see `t2tlite.models.encoder.MultiModelEncoder`."""
        for conv in self.convs:
            value, gate = tf.split(conv(apply_mask(x, padding_mask)), 2, axis=-1)
            x = x + value * tf.sigmoid(gate)
        mixed, statistics = self.experts(x, padding_mask=padding_mask, training=training)
        return apply_mask(x + mixed, padding_mask), statistics
