"""Recurrent encoders and decoders: the layers in their order with residuals, attention, experts."""

import numpy as np
import pytest
import tensorflow as tf

from t2tlite import registry
from t2tlite.errors import UserError

from . import tiny

HPARAMS = tiny.HPARAMS.replace(num_encoder_layers=3, num_decoder_layers=3, dropout=0.0)
MASK = np.arange(8) < np.array([[5], [8]])
SOURCE_MASK = np.arange(7) < np.array([[7], [4]])
every_cell = pytest.mark.parametrize("cell", ["lstm", "gru"])


def built(kind, name, **changes):
    component = registry.get(kind, name).from_hparams(HPARAMS.replace(**{kind: name}, **changes))
    component.build((None, None, 16))
    return tiny.randomise(component)


@every_cell
def test_the_encoder_is_its_layers_with_experts_after_half(cell):
    """The layers themselves are compared with formulas in tests/layers."""
    encoder, x = built("encoder", cell), tiny.noise(2, 8, 16)
    h = x
    for i, block in enumerate(encoder.blocks):
        h = h + block(h, padding_mask=MASK)
        if i == 1:
            h = h + encoder.experts(h, padding_mask=MASK)[0]
    y, _ = encoder(x, padding_mask=MASK)
    tiny.close(y, h.numpy() * MASK[:, :, None], 1e-5)


@every_cell
def test_the_decoder_is_pairs_of_recurrence_and_attention_with_experts_after_half(cell):
    decoder, x, source = built("decoder", cell), tiny.noise(2, 8, 16), tiny.noise(2, 7, 16, seed=1)
    h = x
    for i, (block, attention) in enumerate(zip(decoder.blocks, decoder.attentions, strict=True)):
        h = h + attention(block(h), attention.memory(source, SOURCE_MASK))
        if i == 1:
            h = h + decoder.experts(h, padding_mask=MASK)[0]
    y, _, state = decoder(x, decoder.memory(source, SOURCE_MASK), padding_mask=MASK)
    assert state is None
    tiny.close(y, h, 1e-5)


@every_cell
def test_an_encoder_reads_both_ways(cell):
    encoder, x = built("encoder", cell, num_encoder_layers=1), tiny.noise(1, 8, 16)
    changed = tf.tensor_scatter_nd_add(x, [[0, 4]], tiny.noise(1, 16, seed=3))
    difference = np.abs(encoder(changed)[0] - encoder(x)[0]).max(-1)[0]
    assert (difference > 1e-4).all()


@every_cell
def test_without_attention_there_is_no_recurrent_decoder(cell):
    with pytest.raises(UserError, match=f"decoder `{cell}` has no variant without attention"):
        built("decoder", cell, attention=False)
