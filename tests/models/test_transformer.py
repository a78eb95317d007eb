"""The Transformer against its formulas in float64; causality, padding, state, dropout, parameters."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2tlite import hparam, registry
from t2tlite.errors import UserError
from t2tlite.layers import randomness

from ..layers import reference
from . import tiny

HPARAMS = tiny.HPARAMS.replace(
    encoder="transformer",
    mixer="none",
    decoder="transformer",
    num_encoder_layers=3,
    num_decoder_layers=3,
    moe="dense",
)
MASK = np.arange(8) < np.array([[5], [8]])
SOURCE_MASK = np.arange(7) < np.array([[7], [4]])


def built(kind, **changes):
    hparams = HPARAMS.replace(**changes)
    component = registry.get(kind, getattr(hparams, kind)).from_hparams(hparams)
    component.build((None, None, hparams.hidden_size))
    return tiny.randomise(component)


def self_attention(x, w, valid):
    queries, keys, values = np.split(x @ w["project"]["kernel"], 3, axis=1)
    return reference.attention(queries, keys, values, 2, lambda q, k: valid[k]) @ w["output"]["kernel"]


def source_attention(x, source, w, valid):
    parts = (x @ w["queries"]["kernel"], source @ w["keys"]["kernel"], source @ w["values"]["kernel"])
    return reference.attention(*parts, 2, lambda q, k: valid[k]) @ w["output"]["kernel"]


def feed_forward(x, w):
    inner = reference.relu(x @ w["inner"]["kernel"] + w["inner"]["bias"])
    return inner @ w["outer"]["kernel"] + w["outer"]["bias"]


def dense(x, w):
    """In the place of the experts; its normalisation has no weights."""
    normed = reference.layer_norm(x, {"gamma": 1.0, "beta": 0.0})
    return x + reference.relu(normed @ w["in"]) @ w["out"]


@pytest.mark.parametrize("timing", [True, False])
def test_the_encoder_is_the_formula(timing):
    encoder = built("encoder", encoder_timing=timing)
    x, w = tiny.noise(2, 8, 16), reference.weights(encoder)
    y, _ = encoder(x, padding_mask=MASK)
    for row, valid in enumerate(MASK):
        h = x[row].numpy() + (reference.timing(8, 16) if timing else 0)
        for i in range(3):
            of_layer = w[f"layer{i}"]
            normed = reference.layer_norm(h, of_layer["self_attention_norm"])
            h = h + self_attention(normed, of_layer["self_attention"], valid)
            normed = reference.layer_norm(h, of_layer["feed_forward_norm"])
            h = h + feed_forward(normed, of_layer["feed_forward"])
            h = dense(h, w["experts"]) if i == 1 else h
        tiny.close(y[row], reference.layer_norm(h, w["norm"]) * valid[:, None])


def test_the_decoder_is_the_formula():
    decoder = built("decoder")
    x, source, w = tiny.noise(2, 8, 16), tiny.noise(2, 7, 16, seed=1), reference.weights(decoder)
    y, _, state = decoder(x, decoder.memory(source, SOURCE_MASK))
    assert state is None
    for row, valid in enumerate(SOURCE_MASK):
        h = x[row].numpy() + reference.timing(8, 16)
        for i in range(3):
            of_layer = w[f"layer{i}"]
            normed = reference.layer_norm(h, of_layer["self_attention_norm"])
            h = h + reference.self_attention(normed, of_layer["self_attention"], 2)
            normed = reference.layer_norm(h, of_layer["source_attention_norm"])
            h = h + source_attention(normed, source[row].numpy(), of_layer["source_attention"], valid)
            normed = reference.layer_norm(h, of_layer["feed_forward_norm"])
            h = h + feed_forward(normed, of_layer["feed_forward"])
            h = dense(h, w["experts"]) if i == 1 else h
        tiny.close(y[row], reference.layer_norm(h, w["norm"]))


@pytest.mark.parametrize("kind", ["encoder", "decoder"])
def test_dropout_is_of_the_input_and_of_every_sublayer(kind, monkeypatch):
    rates = []
    component = built(kind, num_encoder_layers=2, num_decoder_layers=2)

    def dropout(x, rate, training):
        rates.append((rate, training))
        return x

    for name in ("layers.transformer", "models.transformer"):
        monkeypatch.setattr(f"t2tlite.{name}.dropout", dropout)
    inputs = (tiny.noise(2, 8, 16),)
    if kind == "decoder":
        inputs += (component.memory(tiny.noise(2, 7, 16), SOURCE_MASK),)
    component(*inputs, training=True)
    sublayers = 2 * (3 if kind == "decoder" else 2)
    assert rates == [(tiny.HPARAMS.dropout, True)] * (1 + sublayers + 1)  # the experts' sum, too


def test_dropout_changes_a_training_step_by_its_seed():
    encoder, x = built("encoder", dropout=0.5), tiny.noise(2, 8, 16)

    def run(seed):
        with randomness.scope(tf.constant(seed)):
            return encoder(x, padding_mask=MASK, training=True)[0]

    tiny.close(run([1, 2]), run([1, 2]), 1e-6)
    assert not tiny.same(run([1, 2]), run([1, 3]))


def test_gradients_are_finite_differences():
    keras.config.set_dtype_policy("float64")
    try:
        decoder = built("decoder", num_decoder_layers=1)
    finally:
        keras.config.set_dtype_policy("float32")
    x, source, weight = (tf.cast(tiny.noise(2, 4, 16, seed=s), tf.float64) for s in range(3))

    @tf.function(autograph=False)
    def loss():
        return tf.reduce_sum(weight * decoder(x, decoder.memory(source, MASK[:, :4]))[0])

    # Softmax and normalisation compute in float32.
    tiny.assert_gradients(loss, decoder.variables, step=1e-3, tolerance=2e-3)


def test_parameters_are_those_of_the_paper():
    """Attention has no biases; a normalisation stands before each sublayer, and one at the end."""
    d, f = HPARAMS.hidden_size, HPARAMS.filter_size
    attention, feed_forward, norm = 4 * d * d, 2 * d * f + f + d, 2 * d
    layers = {
        "encoder": attention + feed_forward + 2 * norm,
        "decoder": 2 * attention + feed_forward + 3 * norm,
    }
    for kind, layer in layers.items():
        counted = sum(v.numpy().size for v in built(kind, moe="none").variables)
        assert counted == 3 * layer + norm
    base = hparam.get("transformer_base")
    assert (base.hidden_size, base.filter_size, base.num_heads, base.dropout) == (512, 2048, 8, 0.1)
    assert (base.num_encoder_layers, base.num_decoder_layers, base.label_smoothing) == (6, 6, 0.1)
    assert (base.learning_rate_schedule, base.learning_rate_warmup_steps) == ("noam", 4000)
    betas = (base.optimizer_adam_beta1, base.optimizer_adam_beta2, base.optimizer_adam_epsilon)
    assert betas == (0.9, 0.98, 1e-9)


def test_without_attention_there_is_no_transformer_decoder():
    with pytest.raises(UserError, match="decoder `transformer` has no variant without attention"):
        built("decoder", attention=False)
    assert built("encoder", attention=False).variables
