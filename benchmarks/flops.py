"""Floating-point operations of a forward pass and of a training step, counted from the formulas.

A product and a sum are two operations. Counted is what the model needs, not what is computed: k experts for
each position, whatever slots stay empty; no padding; half of the products of causal attention. Left out is
what grows with the width alone: normalization, activations, softmax of weights, embedding.
"""

import collections

_CONV_BLOCK = (3, 3, 15, 15)  # taps of its four steps
_ATTENTION_BLOCK = (5, 5)
_TRAINING = 3  # the backward pass takes two products for each of the forward pass


def text_to_text(hparams, source: int, target: int, rows: int = 1) -> dict[str, float]:
    """Operations of a forward pass over `rows` pairs of texts, by part.

    Args:
      hparams: `HParams` of the MultiModel or of a Transformer.
      source, target: subwords of an input and of an output.

    Returns:
      `{"convolution", "attention", "feed_forward", "experts", "softmax"}`, those that the model has.
    """
    body = {"multimodel": _multimodel, "transformer": _transformer}[hparams.encoder]
    parts = body(hparams, source, target)
    parts["softmax"] += 2 * target * hparams.hidden_size * hparams.vocabulary_size
    return {name: rows * count for name, count in parts.items() if count}


def image_to_class(hparams, classes: int, rows: int = 1) -> dict[str, float]:
    """Operations of a forward pass of the MultiModel over `rows` pictures, by part."""
    parts, side = collections.Counter(), -(-hparams.image_size // 2)
    first, *widths = hparams.image_widths
    channels = 6 if hparams.image_complement else 3
    nets = separable(side**2, 9, channels, first) + separable(side**2, 9, first, widths[0])
    channels = widths[0]
    for width in (*widths[1:], hparams.hidden_size):
        nets += separable(side**2, 9, channels, width) + separable(side**2, 9, width, width)
        side = -(-side // 2)
        nets += separable(side**2, 1, channels, width)
        channels = width
    _encoder(parts, hparams, side**2)
    hidden, half = hparams.hidden_size, (-(-side // 2)) ** 2
    wide, wider = (round(hidden * width) for width in hparams.exit_widths)
    nets += 2 * separable(side**2, 9, hidden, hidden) + separable(half, 9, hidden, hidden)
    nets += separable(half, 9, hidden, wide) + separable(half, 9, wide, wider)
    parts["modality nets"] = nets
    parts["softmax"] = 2 * wider * classes
    return {name: rows * count for name, count in parts.items() if count}


def training(forward: dict[str, float]) -> float:
    """Operations of a training step, without the optimizer's, from those of its forward pass."""
    return _TRAINING * sum(forward.values())


def separable(positions: int, taps: int, inputs: int, outputs: int) -> float:
    """A depthwise-separable convolution."""
    return 2 * positions * (taps * inputs + inputs * outputs)


def _multimodel(hparams, source, target):
    parts, d = collections.Counter(), hparams.hidden_size
    _encoder(parts, hparams, source)
    blocks = hparams.num_mixer_layers + hparams.num_decoder_layers
    parts["convolution"] += blocks * _steps(target, d, _CONV_BLOCK)
    attentions = 1 + hparams.num_decoder_layers
    parts["convolution"] += attentions * _steps(target, d, _ATTENTION_BLOCK)
    if hparams.attention:
        parts["attention"] += attentions * (
            2 * 4 * target * d * d  # queries, keys, values, output
            + 4 * target * (target + 1) / 2 * d  # of oneself and what came before
            + 2 * 2 * source * d * d  # keys and values of the source
            + 4 * target * source * d
        )
    else:
        parts["attention"] += attentions * 2 * source * d * d
    parts["experts"] += _experts(hparams, target)
    return parts


def _encoder(parts, hparams, source):
    """Adds the operations of the MultiModel's encoder."""
    steps = _steps(source, hparams.hidden_size, _CONV_BLOCK)
    parts["convolution"] += hparams.num_encoder_layers * steps
    parts["experts"] += _experts(hparams, source)


def _steps(positions, width, taps):
    return sum(separable(positions, number, width, width) for number in taps)


def _transformer(hparams, source, target):
    parts, d = collections.Counter(), hparams.hidden_size
    encoders, decoders = hparams.num_encoder_layers, hparams.num_decoder_layers
    projections = 2 * 4 * d * d  # of a position: queries, keys, values, output
    parts["attention"] += encoders * source * (projections + 4 * source * d)
    parts["attention"] += decoders * target * (projections + 4 * (target + 1) / 2 * d)
    parts["attention"] += decoders * (
        2 * 2 * target * d * d + 2 * 2 * source * d * d + 4 * target * source * d
    )
    inner = 2 * 2 * d * hparams.filter_size
    parts["feed_forward"] += inner * (encoders * source + decoders * target)
    parts["experts"] += _experts(hparams, source) + _experts(hparams, target)
    return parts


def _experts(hparams, positions):
    """The experts that work at each position, and their gate."""
    if hparams.moe == "none":
        return 0
    inner = 2 * 2 * hparams.hidden_size * hparams.filter_size
    if hparams.moe == "dense":
        return positions * hparams.moe_k * inner
    gate = 2 * hparams.hidden_size * hparams.moe_num_experts
    if hparams.moe == "switch":
        return positions * (inner + gate)
    return positions * (hparams.moe_k * inner + 2 * gate)  # with the matrix of the noise
