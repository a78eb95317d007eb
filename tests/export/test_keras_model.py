"""One problem as an ordinary Keras model: fit, predict, save and load, and layers on their own."""

import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2tlite import registry
from t2tlite.checkpoints import CHECKPOINTS, checkpoint
from t2tlite.data.text.vocabulary import Vocabulary
from t2tlite.errors import UserError
from t2tlite.export import keras_model
from t2tlite.export.keras_model import ProblemModel, TargetLoss
from t2tlite.layers import (
    attention,
    convolution,
    dense_feed_forward,
    experts,
    normalization,
    recurrent,
    separable,
    source_attention,
    switch,
    transformer,
)
from t2tlite.model import Output
from t2tlite.run import Run
from t2tlite.training import optimizers

from ..models import tiny

HPARAMS = tiny.HPARAMS.replace(dropout=0.0, num_encoder_layers=1, num_decoder_layers=1)
CERTAIN = HPARAMS.replace(moe="none")  # nothing is random in training
every_kind = pytest.mark.parametrize("name", ["translation", "captions", "pictures", "sounds"])


def make(name, hparams=HPARAMS):
    objective = tiny.get(name).objective_name()
    return ProblemModel(hparams, tiny.wiring([name], hparams)[name], name, objective)


def endless(features):
    return tf.data.Dataset.from_tensors((features, features["targets"])).repeat()


@pytest.fixture(scope="module")
def fitted():
    """A model that was fitted to a batch, the batch, and the history."""
    keras.utils.set_random_seed(1)
    model, features = make("translation", CERTAIN), tiny.batch("translation", 6)
    model.compile(optimizers.Adam(3e-3), model.make_loss())
    history = model.fit(endless(features), steps_per_epoch=10, epochs=4, verbose=0).history["loss"]
    return model, features, history


def test_fit_learns(fitted):
    model, features, history = fitted
    assert history[-1] < 0.7 * history[0]
    measured = model.evaluate(endless(features), steps=1, verbose=0)
    aim = tiny.objectives(model.multimodel)["translation"]
    expected = aim.loss(Output(model(features)), features) / aim.count(features)
    np.testing.assert_allclose(measured, expected, rtol=1e-5)
    predicted = model.predict(endless(features), steps=2, verbose=0)
    np.testing.assert_allclose(predicted, np.tile(model(features), [2, 1, 1]), atol=1e-4)


def test_what_is_loaded_goes_on_with_the_same_losses(fitted, tmp_path):
    model, features, _ = fitted
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(features), model(features))
    assert isinstance(loaded.loss, TargetLoss) and type(loaded.optimizer) is optimizers.Adam
    assert int(loaded.optimizer.iterations) == 40
    before = [variable.numpy() for variable in model.variables]
    losses = []
    for each in (model, loaded):
        losses.append(each.fit(endless(features), steps_per_epoch=1, epochs=3, verbose=0).history["loss"])
    assert losses[0] == losses[1]
    for variable, value in zip(model.variables, before, strict=True):
        variable.assign(value)


def test_another_process_loads_it(fitted, tmp_path):
    model, features, _ = fitted
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "features.npz", logits=model(features), **features)
    program = """
import numpy as np, tensorflow as tf
from t2tlite.export import keras_model
found = dict(np.load("features.npz"))
logits = found.pop("logits")
model = keras_model.load("model.keras")
np.testing.assert_allclose(model({k: tf.constant(v) for k, v in found.items()}), logits, atol=1e-5)
"""
    completed = subprocess.run(
        [sys.executable, "-P", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert completed.returncode == 0, completed.stderr


@every_kind
def test_every_kind_of_problem_is_saved_and_loaded(name, tmp_path):
    model, features = make(name), tiny.batch(name)
    tiny.randomise(model)
    expected = model(features)
    assert expected.shape[-1] == (tiny.VOCABULARY.size if name in ("translation", "captions") else 3)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert [v.path for v in loaded.variables] == [v.path for v in model.variables]
    np.testing.assert_array_equal(loaded(features), expected)


def test_the_precision_is_kept(tmp_path):
    wiring = tiny.wiring(["translation"], HPARAMS)["translation"]
    model = tiny.randomise(ProblemModel(HPARAMS, wiring, "translation", "likelihood", dtype="mixed_bfloat16"))
    assert model.multimodel.encoder.blocks[0].step1.conv.compute_dtype == "bfloat16"
    assert keras.config.dtype_policy().name == "float32"
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    features = tiny.batch("translation")
    np.testing.assert_array_equal(loaded(features), model(features))
    assert not np.array_equal(loaded(features), tiny.randomise(make("translation"))(features))


def test_the_summary_has_the_parts_with_their_shapes():
    lines = []
    model = make("pictures")
    model.summary(print_fn=lines.append, line_length=100)
    text = "".join(map(str, lines))
    for part in (
        "encoder (MultiModelEncoder)",
        "image (Image)",
        "categorical_",
        "(None, None, 16)",
        "(None, 3)",
    ):
        assert part in text
    assert f"{model.count_params():,}" in text and "?" not in text


def test_the_experts_count_in_training_only():
    features = tiny.batch("translation")
    hparams = HPARAMS.replace(moe_importance_loss_coef=5.0)
    model = tiny.randomise(make("translation", hparams))
    model(features, training=True)
    assert len(model.losses) == 2 and sum(map(float, model.losses)) > 0.1
    model(features)
    assert model.losses == []


def test_an_objective_that_reads_more_than_targets_is_no_keras_loss():
    wiring = tiny.wiring(["translation"], HPARAMS)["translation"]
    model = ProblemModel(HPARAMS, wiring, "translation", "distillation")
    with pytest.raises(UserError, match="`distillation` reads more than logits and targets"):
        model.make_loss()


def test_the_loss_leaves_padding_out():
    loss = make("translation").make_loss()
    targets = np.array([[5, 1, 0, 0], [3, 4, 2, 1]], np.int32)
    logits = np.random.default_rng(0).normal(size=(2, 4, 19)).astype(np.float32)
    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    nats = -np.take_along_axis(logs, targets[..., None], axis=-1)[..., 0]
    expected = nats[targets != 0].mean()
    np.testing.assert_allclose(loss(targets, logits), expected, rtol=1e-5)
    assert loss(np.zeros_like(targets), logits) == 0, "nothing but padding"
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    np.testing.assert_allclose(again(targets, logits), expected, rtol=1e-5)
    with pytest.raises(ValueError, match="takes no `sample_weight`"):
        loss(targets, logits, sample_weight=np.ones(2))


@pytest.fixture(scope="module")
def run(tmp_path_factory, sample_data):
    """A run of two problems with prepared data and a checkpoint."""
    folder = tmp_path_factory.mktemp("keras_model") / "run"
    problems = {problem.name: problem for problem in registry.problems("wmt_ende,imagenet")}
    hparams = HPARAMS.replace(length_bounds=(256,), batch_tokens=512)
    vocabulary = Vocabulary.train(["the red circle", "the blue square"] * 3, 280)
    labels = {"imagenet": ("a", "b")}
    new_run = Run(folder, hparams, problems, labels, vocabulary, str(sample_data), "sample")
    new_run.save()
    nothing = type("Nothing", (), {"variables": []})
    checkpoint.save(folder / CHECKPOINTS, 7, tiny.randomise(new_run.make_model(), 7), nothing, {}, {}, keep=1)
    return new_run


def test_a_problem_of_a_run_with_its_weights(run):
    whole = {v.path: v.numpy() for v in run.restore_model().variables}
    for source in (run, run.output_dir, str(run.output_dir)):
        model = keras_model.keras_model(source, "wmt_ende")
        assert 0 < len(model.variables) < len(whole)
        for variable in model.variables:
            np.testing.assert_array_equal(variable.numpy(), whole[variable.path])
    with pytest.raises(UserError, match="did you mean `wmt_ende`"):
        keras_model.keras_model(run, "wmt_end")
    with pytest.raises(UserError, match="has no problem"):
        keras_model.keras_model(run)  # which of the two?
    with pytest.raises(UserError, match="no checkpoint"):
        keras_model.keras_model(run, "wmt_ende", checkpoint_path=pathlib.Path("/no"))


def test_fit_on_the_pipeline_of_a_problem(run, eager):
    model = keras_model.keras_model(run, "wmt_ende")
    model.compile(optimizers.Adam(1e-3), model.make_loss())
    with eager():
        model.fit(keras_model.batches(run, "wmt_ende"), steps_per_epoch=2, verbose=0)
        data = keras_model.batches(run, "wmt_ende", "validation", training=False)
        measured = model.evaluate(data, verbose=0)
    assert 0 < measured < 100  # the weights are random
    assert len(list(data)) < 10  # one epoch


MODULES = (
    *(attention, convolution, dense_feed_forward, experts, recurrent, separable),
    *(source_attention, switch, transformer),
)
LAYERS = {
    "conv_step": convolution.ConvStep(4, 3, dilation=2, causal=True, initial_scale=0.5),
    "conv_block": convolution.ConvBlock(4, 5, 2, 0.1, causal=True),
    "conv_step_2d": convolution.ConvStep2D(5, (1, 1), (2, 1)),
    "conv_res": convolution.ConvRes(5, (3, 1), (2, 1)),
    "self_attention": attention.SelfAttention(4, 2),
    "attention_block": attention.AttentionBlock(4, 2, attention=False),
    "separable_1d": separable.SeparableConv1D(5, 3, 2, True),
    "separable_2d": separable.SeparableConv2D(5, (3, 1)),
    "experts": experts.MixtureOfExperts(4, 8, 3, 2, capacity=2.0),
    "no_experts": experts.NoExperts(),
    "normalization": normalization.LayerNormalization(),
    "switch": switch.Switch(4, 8, 3, capacity=2.0),
    "dense": dense_feed_forward.DenseFeedForward(4, 8),
    "source_attention": source_attention.SourceAttention(4, 2),
    "luong_attention": source_attention.LuongAttention(4),
    "feed_forward": transformer.FeedForward(4, 8),
    "transformer_layer": transformer.TransformerLayer(4, 8, 2, 0.1, decodes=True),
    "lstm": recurrent.LSTM(3, backwards=True),
    "gru": recurrent.GRU(3),
    "bidirectional": recurrent.Bidirectional("gru", 6),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_made_again_from_its_config(name):
    layer = LAYERS[name]
    stored = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(stored)
    assert type(again) is type(layer) and again.get_config() == layer.get_config()
    shape = (2, 6, 3, 4) if name.endswith(("2d", "res")) else (2, 6, 4)
    for each in (layer, again):
        each.build(shape)
        tiny.randomise(each)
    x = tiny.noise(*shape)
    more = [each.memory(x) if hasattr(each, "memory") else None for each in (layer, again)]
    one, two = (
        each(x, m) if m is not None else each(x) for each, m in zip((layer, again), more, strict=True)
    )
    for a, b in zip(tf.nest.flatten(one), tf.nest.flatten(two), strict=True):
        np.testing.assert_array_equal(a, b)


def test_every_layer_is_here():
    defined = {
        thing
        for module in MODULES
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, keras.layers.Layer) and not thing.__name__[0] == "_"
    }
    assert defined == {type(layer) for layer in LAYERS.values()}


@pytest.mark.parametrize("name", LAYERS)
def test_its_dtype_reaches_the_layers_within(name):
    config = {**LAYERS[name].get_config(), "dtype": "mixed_bfloat16"}
    layer = type(LAYERS[name]).from_config(config)
    assert {each.compute_dtype for each in layer._flatten_layers()} == {"bfloat16"}


def test_layers_on_their_own(tmp_path):
    """In a functional model of the user's."""
    inputs = keras.Input((None, 4))
    x = convolution.ConvBlock(4, dropout=0.0)(inputs)
    x, _ = experts.MixtureOfExperts(4, 8, 3, 2)(x)
    model = keras.Model(inputs, keras.layers.Dense(2)(x))
    model.compile(keras.optimizers.Adam(0.03), "mse", run_eagerly=True)
    data = np.random.default_rng(0).normal(size=(8, 5, 4)).astype(np.float32)
    history = model.fit(data, data[..., :2], epochs=8, verbose=0).history["loss"]
    assert history[-1] < 0.8 * history[0]
    model.save(tmp_path / "mine.keras")
    loaded = keras.models.load_model(tmp_path / "mine.keras")
    np.testing.assert_allclose(loaded(data), model(data), atol=1e-6)


def test_named_inputs_are_saved_and_loaded(tmp_path):
    """Those of a problem with one that may be missing."""
    model, features = make("told", CERTAIN), tiny.batch("told")
    model.save(tmp_path / "model.keras")
    loaded = keras_model.load(tmp_path / "model.keras")
    assert loaded.wiring == model.wiring and loaded.wiring.optional == ("inputs.hint",)
    np.testing.assert_array_equal(loaded(features), model(features))
