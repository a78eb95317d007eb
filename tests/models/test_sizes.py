"""How many parameters each part of the big sets has, against sums written from the paper."""

import math
import types

import keras
import pytest

from t2tlite import hparam, registry

# Millions of parameters, with 8192 subword units and 1000 classes:
MILLIONS = {
    #                      encoder   mixer  decoder  language  image  spectral  categorical
    "multimodel_base": (510.001, 4.252, 516.278, 8.389, 0.711, 10.673, 3.026),
    "multimodel_single": (132.329, 4.252, 138.607, 8.389, 0.711, 10.673, 3.026),
    "multimodel_paper": (2039.218, 16.893, 2064.355, 16.777, 1.769, 21.159, 9.984),
}
PARTS = ("encoder", "mixer", "decoder", "language", "image", "spectral", "categorical")


def step(taps, channels, filters):
    """A convolution step: depthwise kernel, pointwise kernel, bias; scale and shift of the normalisation."""
    return taps * channels + channels * filters + filters + 2 * filters


def conv_block(d):
    return 2 * step(3, d, d) + 2 * step(15, d, d)


def conv_res(window, channels, filters):
    return step(window, channels, filters) + step(window, filters, filters) + step(1, channels, filters)


def attention_block(d):
    """Two steps of 5 taps; projections of queries, keys, values, output; keys and values of the source."""
    return 2 * step(5, d, d) + 4 * d * d + d * d + (d * d + d)


def experts(hp):
    """Gate and noise; two matrices for each expert."""
    return 2 * hp.hidden_size * hp.moe_num_experts + 2 * hp.moe_num_experts * hp.hidden_size * hp.filter_size


def encoder(hp):
    return hp.num_encoder_layers * conv_block(hp.hidden_size) + experts(hp)


def mixer(hp):
    return attention_block(hp.hidden_size) + hp.num_mixer_layers * conv_block(hp.hidden_size)


def decoder(hp):
    return hp.num_decoder_layers * (conv_block(hp.hidden_size) + attention_block(hp.hidden_size)) + experts(
        hp
    )


def language(hp):
    return 2 * hp.vocabulary_size * hp.hidden_size


def image(hp):
    widths = [32, 64, 128, 256, hp.hidden_size]
    entry = step(9, 6 if hp.image_complement else 3, 32) + step(9, 32, 64)
    return entry + sum(conv_res(9, c, f) for c, f in zip(widths[1:], widths[2:], strict=False))


def spectral(hp):
    widths = [2] + [max(2**i, hp.audio_least_width) for i in range(1, 9)]
    blocks = sum(conv_res(9, c, f) for c, f in zip(widths, widths[1:], strict=False))
    return blocks + (hp.audio_num_mel_bins * 256 + 1) * hp.hidden_size


def categorical(hp, classes=1000):
    d, wide, wider = hp.hidden_size, 3 * hp.hidden_size // 2, 2 * hp.hidden_size
    return 3 * step(9, d, d) + step(9, d, wide) + step(9, wide, wider) + (wider + 1) * classes


@pytest.fixture
def count(monkeypatch):
    """Counts the parameters that building a part would make, without the 16 GB of the paper set's experts."""
    sizes = []

    def add_weight(self, shape=(), **kwargs):
        sizes.append(math.prod(shape))
        return types.SimpleNamespace()

    monkeypatch.setattr(keras.layers.Layer, "add_weight", add_weight)

    def of(part, hparams):
        sizes.clear()
        if part in ("encoder", "mixer", "decoder"):
            layer = registry.get(part, getattr(hparams, part)).from_hparams(hparams)
        else:
            size = {"language": hparams.vocabulary_size, "categorical": 1000}.get(part)
            layer = registry.get("modality", part).from_hparams(hparams, size=size)
        layer.build((None, None, hparams.hidden_size))
        return sum(sizes)

    return of


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", MILLIONS)
def test_a_part_has_as_many_parameters_as_the_paper_says(count, name, part):
    hparams = hparam.get(name)
    expected = globals()[part](hparams)
    assert count(part, hparams) == expected
    assert expected / 1e6 == pytest.approx(MILLIONS[name][PARTS.index(part)], abs=5e-4)


def test_the_papers_set_has_the_papers_sizes():
    paper, base, single = (hparam.get(f"multimodel_{name}") for name in ("paper", "base", "single"))
    assert (paper.hidden_size, paper.moe_num_experts, paper.moe_k, paper.num_heads) == (1024, 240, 4, 8)
    assert (paper.num_encoder_layers, paper.num_mixer_layers, paper.num_decoder_layers) == (6, 2, 4)
    assert (paper.dropout, paper.audio_blocks, paper.audio_least_width, paper.audio_num_mel_bins) == (
        0.4,
        8,
        2,
        80,
    )
    assert (paper.large_kernel_size, paper.large_kernel_dilation, paper.exit_widths) == (15, 8, (1.5, 2.0))
    assert paper.vocabulary_size == base.vocabulary_size == 8192
    assert (base.moe_num_experts, single.moe_num_experts, single.moe_k) == (240, 60, 4)


def test_the_sets_of_the_published_code(count):
    """Its sizes, as far as they are known, against sums by hand."""
    june, july = hparam.get("multimodel_2017_06"), hparam.get("multimodel_2017_07")
    d = june.hidden_size
    block = sum(step(taps, d, d) for taps in (3, 7, 15, 31))
    of_experts = 2 * d * 120 + 120 * 2 * d * d  # d -> d -> d
    assert count("encoder", june) == 6 * block + of_experts
    assert count("mixer", june) == attention_block(d) + 2 * block
    assert (july.hidden_size, july.filter_size, july.moe_num_experts, july.moe_k) == (512, 2048, 30, 2)
    norm = 2 * d
    layer = 8 * d * d + 2 * d * 2048 + 2048 + d + 3 * norm  # two attentions, a feed-forward layer
    assert count("decoder", july) == 4 * layer + 2 * d * 30 + 30 * 2 * d * 2048 + norm


def test_without_experts_the_rest_stays(count):
    hparams = hparam.get("multimodel_base")
    for part in ("encoder", "decoder"):
        rest = count(part, hparams.replace(moe="none"))
        assert count(part, hparams) - rest == experts(hparams)
