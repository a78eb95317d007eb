"""What a forward pass and a training step must do at least, counted from the formulas: operations and bytes.

A product and a sum are two operations. Counted is what the model needs, not what is computed: k experts for
each position, whatever slots stay empty; no padding; half of the products of causal attention. Left out is
what grows with the width alone: normalization, activations, softmax of weights, embedding.

Bytes are counted as if each layer read its input once and wrote its output once, with all that is done value
by value in the same pass, and as if weights of attention were never written. So they are the least that a
program of today's kind moves, not what this one does.
"""

import collections
from typing import NamedTuple

_CONV_BLOCK = (3, 3, 15, 15)  # taps of its four steps
_ATTENTION_BLOCK = (5, 5)
_TRAINING = 3  # the backward pass takes two products for each of the forward pass


class Work(NamedTuple):
    """Operations, and values (not weights) that are read or written."""

    flops: float = 0.0
    values: float = 0.0

    def __add__(self, other: "Work") -> "Work":
        return Work(self.flops + other.flops, self.values + other.values)

    def times(self, number: float) -> "Work":
        return Work(number * self.flops, number * self.values)


def text_to_text(hparams, source: int, target: int, rows: int = 1) -> dict[str, Work]:
    """Work of a forward pass over `rows` pairs of texts, by part.

    Args:
      hparams: `HParams` of the MultiModel or of a Transformer.
      source, target: subwords of an input and of an output.

    Returns:
      `{"convolution", "attention", "feed_forward", "experts", "softmax"}`, those that the model has.
    """
    parts = collections.defaultdict(Work)
    _body(parts, hparams, source, target)
    parts["softmax"] += product(target, hparams.hidden_size, hparams.vocabulary_size)
    return _of(parts, rows)


def image_to_class(hparams, classes: int, rows: int = 1) -> dict[str, Work]:
    """Work of a forward pass of the MultiModel over `rows` pictures, by part."""
    parts = collections.defaultdict(Work)
    nets, side = _image_net(hparams)
    _encoder(parts, hparams, side**2)
    hidden, half = hparams.hidden_size, (-(-side // 2)) ** 2
    wide, wider = (round(hidden * width) for width in hparams.exit_widths)
    nets += separable(side**2, 9, hidden, hidden).times(2) + separable(half, 9, hidden, hidden)
    nets += separable(half, 9, hidden, wide) + separable(half, 9, wide, wider)
    parts["modality nets"] = nets
    parts["softmax"] = product(1, wider, classes)
    return _of(parts, rows)


def image_to_text(hparams, target: int, rows: int = 1) -> dict[str, Work]:
    """Work of a forward pass of the MultiModel over `rows` pictures and their captions, by part."""
    parts = collections.defaultdict(Work)
    parts["modality nets"], side = _image_net(hparams)
    _body(parts, hparams, side**2, target)
    parts["softmax"] = product(target, hparams.hidden_size, hparams.vocabulary_size)
    return _of(parts, rows)


def sound_to_text(hparams, seconds: float, target: int, rows: int = 1) -> dict[str, Work]:
    """Work of a forward pass of the MultiModel over `rows` sounds, read as spectrograms, by part."""
    parts = collections.defaultdict(Work)
    frames, width, channels = round(1000 * seconds / hparams.audio_frame_step), hparams.audio_num_mel_bins, 2
    window = round(hparams.audio_frame_length * 16)  # samples
    nets = product(frames, 2 ** (window - 1).bit_length() // 2 + 1, width)
    for block in range(1, hparams.audio_blocks + 1):
        fewer = -(-frames // 2) if block <= hparams.audio_strided_blocks else frames
        filters = max(2**block, hparams.audio_least_width)
        nets += _residual(frames * width, fewer * width, channels, filters)
        frames, channels = fewer, filters
    nets += product(frames, width * channels, hparams.hidden_size)
    parts["modality nets"] = nets
    _body(parts, hparams, frames, target)
    parts["softmax"] += product(target, hparams.hidden_size, hparams.vocabulary_size)
    return _of(parts, rows)


def text_position(hparams, source: int, past: int, rows: int = 1) -> dict[str, Work]:
    """Work of the next position of the MultiModel's output, after `past` others, when decoding with state."""
    parts, d = collections.defaultdict(Work), hparams.hidden_size
    blocks, attentions = hparams.num_mixer_layers + hparams.num_decoder_layers, 1 + hparams.num_decoder_layers
    parts["convolution"] = _steps(1, d, _CONV_BLOCK).times(blocks)
    parts["convolution"] += _steps(1, d, _ATTENTION_BLOCK).times(attentions)
    if hparams.attention:
        block = product(1, d, 3 * d) + product(1, d, d) + _attend(1, past + 1, d) + _attend(1, source, d)
        parts["attention"] = block.times(attentions)
    parts["experts"] = _experts(hparams, 1)
    parts["softmax"] = product(1, d, hparams.vocabulary_size)
    return _of(parts, rows)


def training(forward: dict[str, Work]) -> dict[str, Work]:
    """Work of a training step, without weights and optimizer, from that of its forward pass."""
    return {name: work.times(_TRAINING) for name, work in forward.items()}


def total(parts: dict[str, Work]) -> float:
    """Operations of all parts."""
    return sum(work.flops for work in parts.values())


def product(positions: int, inputs: int, outputs: int) -> Work:
    """A dense layer at each position."""
    return Work(2 * positions * inputs * outputs, positions * (inputs + outputs))


def separable(positions: int, taps: int, inputs: int, outputs: int) -> Work:
    """A depthwise-separable convolution."""
    return Work(2 * positions * taps * inputs) + product(positions, inputs, outputs)


def _of(parts, rows):
    return {name: work.times(rows) for name, work in parts.items() if work.flops}


def _image_net(hparams):
    """Work of the net that reads a picture, and the side of what comes out."""
    side = -(-hparams.image_size // 2)
    first, *widths = hparams.image_widths
    channels = 6 if hparams.image_complement else 3
    nets = separable(side**2, 9, channels, first) + separable(side**2, 9, first, widths[0])
    channels = widths[0]
    for width in (*widths[1:], hparams.hidden_size):
        smaller = -(-side // 2)
        nets += _residual(side**2, smaller**2, channels, width)
        side, channels = smaller, width
    return nets, side


def _residual(positions, fewer, inputs, outputs):
    """A residual block of two convolutions, then pooled; the shortcut strides."""
    block = separable(positions, 9, inputs, outputs) + separable(positions, 9, outputs, outputs)
    return block + separable(fewer, 1, inputs, outputs)


def _body(parts, hparams, source, target):
    {"multimodel": _multimodel, "transformer": _transformer}[hparams.encoder](parts, hparams, source, target)


def _multimodel(parts, hparams, source, target):
    d = hparams.hidden_size
    _encoder(parts, hparams, source)
    blocks = hparams.num_mixer_layers + hparams.num_decoder_layers
    parts["convolution"] += _steps(target, d, _CONV_BLOCK).times(blocks)
    attentions = 1 + hparams.num_decoder_layers
    parts["convolution"] += _steps(target, d, _ATTENTION_BLOCK).times(attentions)
    if hparams.attention:
        block = _to_oneself(target, d, causal=True)
        block += product(source, d, 2 * d) + _attend(target, source, d)  # of the source
    else:
        block = product(source, d, d)
    parts["attention"] += block.times(attentions)
    parts["experts"] += _experts(hparams, target)


def _encoder(parts, hparams, source):
    """Adds the work of the MultiModel's encoder."""
    parts["convolution"] += _steps(source, hparams.hidden_size, _CONV_BLOCK).times(hparams.num_encoder_layers)
    parts["experts"] += _experts(hparams, source)


def _steps(positions, width, taps):
    return sum((separable(positions, number, width, width) for number in taps), Work())


def _transformer(parts, hparams, source, target):
    d = hparams.hidden_size
    encoders, decoders = hparams.num_encoder_layers, hparams.num_decoder_layers
    parts["attention"] += _to_oneself(source, d, causal=False).times(encoders)
    crossed = product(target, d, d).times(2) + product(source, d, 2 * d) + _attend(target, source, d)
    parts["attention"] += (_to_oneself(target, d, causal=True) + crossed).times(decoders)
    for positions, layers in ((source, encoders), (target, decoders)):
        inner = product(positions, d, hparams.filter_size) + product(positions, hparams.filter_size, d)
        parts["feed_forward"] += inner.times(layers)
    parts["experts"] += _experts(hparams, source) + _experts(hparams, target)


def _to_oneself(positions, d, causal):
    """Attention to oneself with its four projections."""
    keys = (positions + 1) / 2 if causal else positions
    work = product(positions, d, 3 * d) + product(positions, d, d)
    return work + Work(4 * positions * keys * d, 4 * positions * d)


def _attend(queries, keys, d):
    """Products of queries and keys, and of weights and values."""
    return Work(4 * queries * keys * d, 2 * (queries + keys) * d)


def _experts(hparams, positions):
    """The experts that work at each position, and their gate."""
    if hparams.moe == "none":
        return Work()
    d, inner = hparams.hidden_size, hparams.filter_size
    expert = product(positions, d, inner) + product(positions, inner, d)
    if hparams.moe == "dense":
        return expert.times(hparams.moe_k)
    gate = product(positions, d, hparams.moe_num_experts)
    if hparams.moe == "switch":
        return expert + gate
    return expert.times(hparams.moe_k) + gate.times(2)  # with the matrix of the noise
