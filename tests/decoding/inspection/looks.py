"""Views that were made up, of every kind of input."""

import numpy as np

from t2tlite.decoding.inspection.results import Attention, ExpertChoice, Mixture
from t2tlite.features.positions import Positions

OUTPUTS = ("ein", "\u2581roter", "\u2581Kreis", "</s>")
_DRAW = np.random.default_rng(0)
INPUTS = {
    "text": Positions(5, ("a", "\u2581red", "\u2581cir", "cle", "</s>")),
    "image": Positions(6, grid=(2, 3), content=_DRAW.random((20, 20, 3)).astype(np.float32)),
    "audio": Positions(
        3, seconds=(0.0, 0.1, 0.2), content=_DRAW.standard_normal(4600).astype(np.float32) * 0.1
    ),
}


def rows_of_one(*shape, seed=0):
    """Positive float32 numbers whose last axis sums to 1."""
    raw = np.random.default_rng(seed).random(shape).astype(np.float32)
    return raw / raw.sum(axis=-1, keepdims=True)


def attention(kind="text", outputs=OUTPUTS, inputs=None, heads=2, seed=0):
    inputs = inputs or INPUTS[kind]
    weights = {
        name: rows_of_one(heads, len(outputs), inputs.count, seed=seed + i)
        for i, name in enumerate(("mixer/attention", "decoder/attention0"))
    }
    self_weights = {
        "mixer/attention/self_attention": rows_of_one(heads, len(outputs), len(outputs), seed=seed)
    }
    return Attention("to_look_at", "ein roter Kreis", outputs, inputs, weights, self_weights)


def mixture(side, positions, count=4, seed=0):
    draw = np.random.default_rng(seed)
    experts = np.stack([draw.permutation(count)[:2] for _ in range(positions)]).astype(np.int32)
    return Mixture(side, experts, rows_of_one(positions, 2, seed=seed), count)


def experts(kind="text", outputs=OUTPUTS, count=4, seed=0):
    mixtures = {"encoder/experts": mixture("inputs", INPUTS[kind].count, count, seed)}
    if outputs:
        mixtures["decoder/experts"] = mixture("outputs", len(outputs), count, seed + 1)
    return ExpertChoice("to_look_at", "ein roter Kreis", outputs, INPUTS[kind], mixtures)
