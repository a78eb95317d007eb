"""Very small hyperparameters, problems, batches and models for the tests of anything that needs a model."""

import functools
import io
import types

import numpy as np
import PIL.Image
import tensorflow as tf

from t2tlite import hparam, objective, problem, registry, shard_values, shards
from t2tlite.models import multimodel

HPARAMS = hparam.get("multimodel_tiny").replace(
    hidden_size=16,
    filter_size=8,
    num_heads=2,
    num_encoder_layers=2,
    num_mixer_layers=1,
    num_decoder_layers=2,
    moe_num_experts=4,
    moe_k=2,
    image_size=33,
    image_widths=(4, 6, 8, 12),
    audio_blocks=3,
    audio_strided_blocks=2,
    audio_least_width=4,
    audio_num_mel_bins=12,
    dropout=0.1,
)
VARIANTS = {
    "whole": HPARAMS,
    "without_attention": HPARAMS.replace(attention=False),
    "without_experts": HPARAMS.replace(moe="none"),
    "transformer": HPARAMS.replace(encoder="transformer", mixer="none", decoder="transformer", moe="switch"),
    "lstm": HPARAMS.replace(encoder="lstm", mixer="none", decoder="lstm", moe="dense"),
    "gru": HPARAMS.replace(encoder="gru", mixer="none", decoder="gru", moe="none"),
    "mixed": HPARAMS.replace(encoder="transformer", decoder="lstm"),
}
VOCABULARY = types.SimpleNamespace(fingerprint="0123456789abcdef", size=19)
CLASSES = ("red circle", "blue circle", "red square")
SECONDS_TO_SAMPLES = 16000


def a_problem(name, inputs, targets, command="to_test"):
    new_problem = problem.Problem()
    new_problem.name, new_problem.inputs, new_problem.targets, new_problem.command = (
        name,
        inputs,
        targets,
        command,
    )
    new_problem.objective = "contrastive" if targets is None else None
    return new_problem


PROBLEMS = {
    p.name: p
    for p in (
        a_problem("translation", problem.Text(), problem.Text(), "to_german"),
        a_problem("captions", problem.Image(), problem.Text(), "to_caption"),
        a_problem("spoken", problem.Audio(), problem.Text(), "to_transcript"),
        a_problem("pictures", problem.Image(), problem.Label(), "to_category"),
        a_problem("topics", problem.Text(), problem.Label(), "to_category"),
        a_problem("sounds", problem.Audio(), problem.Label(), "to_category"),
    )
}

ASKED = problem.NamedInputs.of({"picture": problem.Image(), "question": problem.Text()})
TOLD = problem.NamedInputs.of(
    {"sound": problem.Audio(), "question": problem.Text(), "hint": problem.Text(optional=True)}
)
NAMED = {
    p.name: p
    for p in (
        a_problem("asked", ASKED, problem.Label(), ""),
        a_problem("answered", ASKED, problem.Text(), "to_answer"),
        a_problem("told", TOLD, problem.Text(), "to_answer"),
    )
}

MATCHED = problem.NamedInputs.of({"one": problem.Text(), "other": problem.Text()})
PAIRS = {p.name: p for p in (a_problem("shown", ASKED, None, ""), a_problem("matched", MATCHED, None, ""))}


def get(name):
    """One of `PROBLEMS`, of `NAMED`, which have several inputs, or of `PAIRS`, which have no targets."""
    return next(known[name] for known in (PROBLEMS, NAMED, PAIRS) if name in known)


def png(seed, height, width):
    """The bytes of a PNG file of noise."""
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    PIL.Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def wiring(names, hparams=HPARAMS, vocabulary=VOCABULARY, classes=CLASSES):
    return multimodel.wire([get(n) for n in names], hparams, vocabulary, {n: classes for n in names})


def objectives(model):
    """The objective of each problem of a model."""
    return objective.all_of({name: get(name) for name in model.wiring}, model.hparams)


def model(names=tuple(PROBLEMS), hparams=HPARAMS, seed=0):
    """A built model of which every variable was drawn, so that no bias or gate is zero."""
    new_model = registry.get("model", hparams.model)(hparams, wiring(names, hparams))
    new_model.build(None)
    return randomise(new_model, seed)


@functools.cache
def shared_model(variant="whole"):
    """`model` of a variant, made once for all tests; they must not change it."""
    return model(hparams=VARIANTS[variant])


def randomise(layer, seed=0, scale=0.3):
    """Draws every variable from `seed` alone, so that no bias, scale or gate is 0 or 1; returns the layer."""
    generator = np.random.default_rng(seed)
    for variable in layer.variables:
        shape = shards.whole_shape(variable)
        if len(shape) > 1:
            drawn = (1 / shape[-2] + scale**2) ** 0.5 * generator.normal(size=shape)
            shard_values.assign(variable, np.float32(drawn))
        else:  # a shift, a scale, or what is multiplied by sqrt(hidden) where it is read
            size = scale * shape[0] ** -0.5 if variable.name.startswith(("command", "input_")) else scale
            variable.assign(np.round(variable.numpy().mean()) + size * generator.normal(size=shape))
    return layer


def noise(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).normal(size=shape), tf.float32)


def text(lengths, longest, seed=0):
    """int32 `[batch, longest]` ids that end in EOS (1) and are padded with 0."""
    ids = np.random.default_rng(seed).integers(2, VOCABULARY.size, (len(lengths), longest))
    for row, length in zip(ids, lengths, strict=True):
        row[length - 1] = 1
        row[length:] = 0
    return tf.constant(ids, tf.int32)


def batch(name, size=3, seed=0):
    """A batch for a problem, with examples of different lengths; every second one lacks what is optional."""
    generator = np.random.default_rng(seed)
    features = {}
    for side, feature in get(name).features().items():
        if feature.optional:
            features[f"{side}_given"] = tf.constant(np.arange(size) % 2 == 0)
        if feature.kind == "text":
            lengths = generator.integers(3, 9, size)
            features[side] = text(lengths, 9, seed)
        elif feature.kind == "image":
            side_length = HPARAMS.image_size
            features[side] = tf.constant(generator.random((size, side_length, side_length, 3)), tf.float32)
        elif feature.kind == "audio":
            lengths = generator.integers(2000, 4001, size)
            samples = 0.3 * generator.normal(size=(size, 4000)) * (np.arange(4000) < lengths[:, None])
            features[side] = tf.constant(samples, tf.float32)
            features[f"{side}_length"] = tf.constant(lengths, tf.int32)
        else:
            features[side] = tf.constant(generator.integers(0, len(CLASSES), size), tf.int32)
    return features


def close(actual, expected, tolerance=1e-4):
    """Asserts that two tensors agree, relative to the largest entry."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * np.abs(expected).max(initial=1e-30))


def same(actual, expected):
    """Whether two tensors agree to float32 rounding of a deep network."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    return np.abs(actual - expected).max(initial=0.0) <= 1e-4 * np.abs(expected).max(initial=1.0)


def assert_gradients(loss, variables, seed=0, step=1e-5, tolerance=1e-5):
    """Compares the tape's gradients with central differences of `loss()` along a random direction.

    One direction for each variable; the variables are float64.
    """
    with tf.GradientTape() as tape:
        value = loss()
    gradients = tape.gradient(value, [v.value for v in variables])
    generator = np.random.default_rng(seed)
    for variable, gradient in zip(variables, gradients, strict=True):
        before = variable.numpy()
        direction = generator.normal(size=before.shape)
        ends = []
        for sign in (1, -1):
            variable.assign(before + sign * step * direction)
            ends.append(float(loss()))
        variable.assign(before)
        measured = (ends[0] - ends[1]) / (2 * step)
        directional = float(np.sum(gradient.numpy() * direction))
        assert abs(directional - measured) <= tolerance * max(1.0, abs(measured)), variable.path
