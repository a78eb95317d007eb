"""Encoder, mixer and decoder: the right blocks in the right order, causality, padding, state."""

import numpy as np
import pytest
import tensorflow as tf

from t2tlite import registry
from t2tlite.layers import convolution, randomness

from ..layers import reference
from . import tiny

HPARAMS = tiny.HPARAMS.replace(num_encoder_layers=3, num_decoder_layers=3, num_mixer_layers=2)
MASK = np.array([[True] * 6 + [False] * 4, [True] * 10])
SOURCE_MASK = np.array([[True] * 5 + [False] * 2, [True] * 7])


def built(kind, **changes):
    hparams = HPARAMS.replace(**changes)
    component = registry.get(kind, getattr(hparams, kind)).from_hparams(hparams)
    component.build((None, None, hparams.hidden_size))
    return tiny.randomise(component)


def source():
    return tiny.noise(2, 7, 16, seed=1)


def mixed_in(x, w, mask):
    """x plus the experts that a noiseless gate picks."""
    zeros = np.zeros((len(x), HPARAMS.moe_num_experts))
    gates, _ = zip(*(reference.gate(h, 1 + 0 * h, 0, 2) for h in x @ w["gate"] + zeros), strict=True)
    return x + reference.experts(x, w, np.array(gates) * mask[:, None])[0]


@pytest.mark.parametrize("kind", ["encoder", "mixer", "decoder"])
def test_dropout_may_follow_a_stack_once(kind):
    """What is not dropped is what it was, divided by 1 - rate; with one dropout for each block it isn't."""
    layer = built(kind, dropout=0.5, dropout_per="stack", **({} if kind == "mixer" else {"moe": "none"}))
    x = tiny.noise(4, 10, 16)
    arguments = () if kind == "encoder" else (layer.memory(source()[:1].numpy().repeat(4, 0)),)

    def output(training):
        results = layer(x, *arguments, training=training)
        return np.asarray(results if kind == "mixer" else results[0])

    whole, dropped = output(False), output(True)
    stays = dropped != 0
    assert abs(stays.mean() - 0.5) < 0.1  # 640 draws: five standard deviations
    tiny.close(dropped[stays], 2 * whole[stays])


@pytest.mark.parametrize("timing", [True, False])
def test_the_encoder_is_its_blocks_with_experts_after_half(timing):
    encoder = built("encoder", encoder_timing=timing)
    x, w = tiny.noise(2, 10, 16), reference.weights(encoder)
    y, _ = encoder(x, padding_mask=MASK)
    for row, mask in enumerate(MASK):
        expected = x[row].numpy() + (reference.timing(10, 16) if timing else 0)
        for i in range(3):
            expected = reference.conv_block(expected, w[f"block{i}"], mask=mask)
            if i == 1:
                expected = mixed_in(expected, w["experts"], mask)
        tiny.close(y[row], expected * mask[:, None])


def test_the_mixer_is_an_attention_block_and_causal_blocks():
    mixer = built("mixer")
    x, w = tiny.noise(2, 10, 16), reference.weights(mixer)
    y = mixer(x, mixer.memory(source(), SOURCE_MASK))
    for row, mask in enumerate(SOURCE_MASK):
        expected = reference.attention_block(x[row].numpy(), source()[row].numpy(), w["attention"], 2, mask)
        for i in range(2):
            expected = reference.conv_block(expected, w[f"block{i}"], causal=True)
        tiny.close(y[row], expected)


def test_the_decoder_is_convolution_and_attention_with_experts_after_half():
    decoder = built("decoder")
    x, w = tiny.noise(2, 10, 16), reference.weights(decoder)
    y, _, state = decoder(x, decoder.memory(source(), SOURCE_MASK), padding_mask=MASK)
    assert state is None
    for row, mask in enumerate(SOURCE_MASK):
        expected = x[row].numpy()
        for i in range(3):
            expected = reference.conv_block(expected, w[f"block{i}"], causal=True)
            expected = reference.attention_block(expected, source()[row].numpy(), w[f"attention{i}"], 2, mask)
            if i == 1:
                expected = mixed_in(expected, w["experts"], MASK[row])
        tiny.close(y[row], expected)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("kind", "blocks", "mixtures"), [("encoder", 3, 1), ("mixer", 2, 0), ("decoder", 3, 1)]
)
def test_every_block_drops_and_every_gate_is_noisy_in_training_only(
    kind, blocks, mixtures, training, monkeypatch
):
    component, x = built(kind, dropout=0.25), tiny.noise(2, 10, 16)
    rates, noise, normal = [], [], randomness.normal
    monkeypatch.setattr(convolution, "dropout", lambda x, rate, on: rates.append((rate, on)) or x)
    monkeypatch.setattr(randomness, "normal", lambda shape: noise.append(1) or normal(shape))
    to_source = [] if kind == "encoder" else [component.memory(source(), SOURCE_MASK)]
    component(x, *to_source, training=training)
    assert rates == [(0.25, training)] * blocks
    assert len(noise) == (mixtures if training else 0)


@pytest.mark.parametrize("kind", ["encoder", "decoder"])
@pytest.mark.parametrize("training", [True, False])
def test_padding_is_routed_to_no_expert(kind, training):
    component, x = built(kind), tiny.noise(2, 10, 16)
    to_source = [] if kind == "encoder" else [component.memory(source(), SOURCE_MASK)]
    statistics = component(x, *to_source, padding_mask=MASK, training=training)[1]
    assert tf.reduce_sum(statistics["choices"]) == MASK.sum() * HPARAMS.moe_k


@pytest.mark.parametrize(("blocks", "middle"), [(6, 3), (4, 2), (1, 1)])
def test_the_experts_come_after_half_of_the_blocks(blocks, middle):
    changed = HPARAMS.replace(num_encoder_layers=blocks, num_decoder_layers=blocks)
    for kind in ("encoder", "decoder"):
        assert registry.get(kind, "multimodel").from_hparams(changed).middle == middle


def test_the_encoder_does_not_see_padding():
    encoder = built("encoder")
    x = tiny.noise(2, 10, 16)
    longer = tf.concat([x, 9 * tiny.noise(2, 5, 16)], axis=1)
    y, _ = encoder(longer, padding_mask=np.pad(MASK, [[0, 0], [0, 5]]))
    tiny.close(y[:, :10], encoder(x, padding_mask=MASK)[0])
    assert not y[:, 10:].numpy().any()


def run(component, x, memory, state=None):
    """Output and new state, of a mixer as of a decoder, which returns statistics between them."""
    result = component(x, memory, state=state)
    return (result[0], result[-1]) if isinstance(result, tuple) else (result, None)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("mixer", {}),
        ("mixer", {"attention": False}),
        ("decoder", {}),
        ("decoder", {"attention": False}),
        ("decoder", {"moe": "none"}),
        ("mixer", {"mixer": "none"}),
        ("decoder", {"decoder": "transformer"}),
        ("decoder", {"decoder": "lstm"}),
        ("decoder", {"decoder": "gru"}),
        ("decoder", {"moe": "switch"}),
    ],
)
def test_no_position_sees_a_later_one_and_state_goes_on(kind, changes):
    component = built(kind, **{"num_mixer_layers": 1, "num_decoder_layers": 2, **changes})
    memory = component.memory(source(), SOURCE_MASK)
    x = tiny.noise(2, 10, 16)
    whole, _ = run(component, x, memory)
    for position in (0, 6):
        after, _ = run(component, tf.concat([x[:, :position], -x[:, position:]], axis=1), memory)
        tiny.close(after[:, :position], whole[:, :position], 1e-5)
        assert not tiny.same(after[:, position], whole[:, position])
    state, parts = component.initial_state(2, 10), []
    for start, end in ((0, 1), (1, 4), (4, 10)):
        part, state = run(component, x[:, start:end], memory, state)
        parts.append(part)
    tiny.close(tf.concat(parts, axis=1), whole)


@pytest.mark.parametrize("kind", ["mixer", "decoder"])
@pytest.mark.parametrize("attention", [True, False])
def test_every_output_sees_the_source_and_not_its_padding(kind, attention):
    component = built(kind, attention=attention)
    x = tiny.noise(2, 3, 16)
    before, _ = run(component, x, component.memory(source(), SOURCE_MASK))
    noise = 9 * tiny.noise(2, 7, 16, seed=2)
    padded = tf.where(SOURCE_MASK[:, :, None], source(), noise)
    tiny.close(run(component, x, component.memory(padded, SOURCE_MASK))[0], before, 1e-6)
    other, _ = run(component, x, component.memory(noise, SOURCE_MASK))
    assert (np.abs(other - before).max(-1) > 1e-3).all()


@pytest.mark.parametrize("kind", ["mixer", "decoder"])
def test_the_ablation_takes_all_attention_out(kind):
    whole, left = (
        {part for v in built(kind, attention=attention).variables for part in v.path.split("/")[1:]}
        for attention in (True, False)
    )
    assert whole - left == {"self_attention", "keys", "project", "output"}
