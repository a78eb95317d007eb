"""A fresh model of every set: it knows nothing yet, and says so."""

import math

import keras
import numpy as np
import pytest

from t2tlite import hparam, registry

from . import tiny

SETS = (
    "multimodel_tiny",
    "multimodel_base",
    "multimodel_single",
    "multimodel_paper",
    "multimodel_paper_joint",
    "multimodel_2017_06",
    "multimodel_2017_07",
    "transformer_tiny",
    "transformer_base",
)
PROBLEMS = ("translation", "captions", "spoken", "pictures", "topics", "sounds")


def fresh(set_name, **changes):
    """The set's model with its own depth and kernels, and sizes that fit a test."""
    small = dict(hidden_size=32, filter_size=16, moe_num_experts=6, image_size=64, audio_blocks=2)
    small |= dict(audio_strided_blocks=2, num_heads=4)
    keras.utils.set_random_seed(1)
    hparams = hparam.get(set_name).replace(**small | changes)
    model = registry.get("model", hparams.model)(hparams, tiny.wiring(PROBLEMS, hparams))
    model.build(None)
    return model


@pytest.mark.parametrize("set_name", SETS)
def test_every_entry_and_class_is_as_likely_as_the_others(set_name):
    model = fresh(set_name)
    for problem in PROBLEMS:
        features = tiny.batch(problem)
        aim = tiny.objectives(model)[problem]
        total = aim.loss(model(features, problem=problem), features)
        assert abs(float(total / aim.count(features)) - math.log(model.target_net(problem).size)) < 1e-4, (
            problem
        )


@pytest.mark.parametrize(
    "parts",
    [
        {"encoder": "transformer", "decoder": "multimodel", "moe": "switch"},
        {"encoder": "multimodel", "mixer": "none", "decoder": "transformer", "moe": "dense"},
        {"encoder": "lstm", "mixer": "multimodel", "decoder": "gru", "moe": "none"},
        {"encoder": "gru", "mixer": "none", "decoder": "lstm", "moe": "top_k"},
    ],
    ids=lambda parts: "-".join(parts.values()),
)
def test_parts_of_different_kinds_go_together_by_flag(parts):
    flag = ",".join(f"{kind}={name}" for kind, name in parts.items())
    hparams = hparam.get("multimodel_tiny", flag).replace(hidden_size=16, filter_size=8, num_heads=2)
    model = registry.get("model", hparams.model)(hparams, tiny.wiring(("translation",), hparams))
    model.build(None)
    features = tiny.batch("translation")
    aim = tiny.objectives(model)["translation"]
    total = aim.loss(model(features, problem="translation"), features)
    assert abs(float(total / aim.count(features)) - math.log(model.target_net("translation").size)) < 1e-4
    assert all(registry.entry(kind, name).summary for kind, name in parts.items())


@pytest.mark.parametrize("hidden_size", [32, 128])
def test_a_command_begins_as_large_as_the_embeddings_beside_it(hidden_size):
    model = fresh("multimodel_tiny", hidden_size=hidden_size)
    for problem in ("translation", "captions"):
        features = tiny.batch(problem)
        embedded = model.target_net(problem).embed_targets(features["targets"])
        command = np.square(model.start(problem, 2)).mean()
        assert 0.4 < command / np.square(embedded[features["targets"] != 0]).mean() < 2.5
