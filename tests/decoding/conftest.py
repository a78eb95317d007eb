"""Small models with random weights, for every kind of input."""

import types

import numpy as np
import pytest

from t2tlite import problem, registry
from t2tlite.models.multimodel import MultiModel, wire

SIZE = 40
KINDS = ("text", "image", "audio")


class FromText(problem.Problem):
    name = "from_text"
    command = "to_words"


class FromImage(problem.Problem):
    name = "from_image"
    inputs = problem.Image()
    command = "to_caption"


class FromAudio(problem.Problem):
    name = "from_audio"
    inputs = problem.Audio()
    command = "to_transcript"


class ToLabel(problem.Problem):
    name = "to_label"
    inputs = problem.Image()
    targets = problem.Label()
    command = "to_category"


def small_hparams(**changes):
    small = {
        "hidden": 16,
        "filter": 16,
        "heads": 2,
        "experts": 4,
        "long_kernel": 5,
        "long_dilation": 2,
        "image_size": 24,
        "image_widths": (4, 4, 4, 8),
        "audio_least_width": 2,
        "mel_bins": 8,
        "length_bounds": (6, 12),
        "seconds_bounds": (0.5, 1.0),
    }
    return registry.get("hparams", "multimodel_tiny")().replace(**{**small, **changes})


def make_model(hparams, problems, seed=0, scale=0.4):
    """A model whose weights are all random, so that every part of it matters and outputs vary."""
    vocabulary = types.SimpleNamespace(fingerprint="0" * 16, size=SIZE)
    labels = {p.name: ("red", "green", "blue") for p in problems if p.targets.kind == "label"}
    model = MultiModel(hparams, wire(problems, hparams, vocabulary, labels))
    model.build()
    draw = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        variable.assign(variable + scale * draw.standard_normal(variable.shape).astype(np.float32))
    return model


@pytest.fixture(scope="session")
def hparams():
    return small_hparams()


@pytest.fixture(scope="session")
def model(hparams):
    return make_model(hparams, [FromText(), FromImage(), FromAudio(), ToLabel()])
