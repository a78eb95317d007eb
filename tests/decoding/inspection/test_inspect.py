"""Seeing: attention and experts of one example are what the model's own layers used."""

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.decoding.predictor import Prediction, Predictor
from t2tlite.errors import UserError
from t2tlite.layers import recording

from ...models import tiny

TEXT, OUTPUT = "the red circle", "a blue thing"
EXAMPLES = ("translation", "captions", "spoken")


def picture(size=40):
    return (255 * np.random.default_rng(0).random((size, size, 3))).astype(np.uint8)


def sound(samples=3000):
    return 0.3 * np.random.default_rng(0).standard_normal(samples)


def value_of(problem):
    return {"translation": TEXT, "captions": picture(), "pictures": picture(), "spoken": sound()}[problem]


def in_training(predictor, problem, value, output):
    """What the layers record when the model is called as in training, on a batch with more padding."""
    reader = predictor.reader(problem)
    features = {name: tf.constant(x) for name, x in reader.batch([reader.read(value)]).items()}
    ids = [*predictor.run.vocabulary.encode(output), 1]
    features["targets"] = tf.constant([ids + [0] * 5], tf.int32)
    with recording.recorder() as records:
        predictor.model(features, problem=problem)
    return records, len(ids)


@pytest.mark.parametrize("problem", EXAMPLES)
def test_attention_is_that_of_training(predictor, problem):
    view = predictor.attention(problem, value_of(problem), OUTPUT)
    assert list(view.weights) == ["mixer/attention", "decoder/attention0", "decoder/attention1"]
    assert list(view.self_weights) == [f"{name}/self_attention" for name in view.weights]
    records, outputs = in_training(predictor, problem, value_of(problem), OUTPUT)
    inputs = view.inputs.count
    for name, weights in view.weights.items():
        expected = records["attention", f"multimodel/{name}"][0].numpy()
        assert (expected[..., inputs:] == 0).all()
        assert weights.shape == (2, outputs, inputs) and weights.dtype == np.float32
        np.testing.assert_allclose(weights, expected[:, :outputs, :inputs], atol=1e-5)
        np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-5)
    for name, weights in view.self_weights.items():
        expected = records["self_attention", f"multimodel/{name}"][0].numpy()
        np.testing.assert_allclose(weights, expected[:, :outputs, :outputs], atol=1e-5)


@pytest.mark.parametrize("problem", EXAMPLES)
def test_experts_are_those_of_training(predictor, problem):
    view = predictor.experts(problem, value_of(problem), OUTPUT)
    records, outputs = in_training(predictor, problem, value_of(problem), OUTPUT)
    sides = {"encoder/experts": ("inputs", view.inputs.count), "decoder/experts": ("outputs", outputs)}
    assert list(view.mixtures) == list(sides)
    for name, mixture in view.mixtures.items():
        experts, gates, count = records["experts", f"multimodel/{name}"]
        side, positions = sides[name]
        assert (mixture.side, mixture.count, count) == (side, 4, 4)
        assert mixture.experts.shape == mixture.gates.shape == (positions, 2)
        assert (mixture.experts == experts.numpy()[:positions]).all()
        np.testing.assert_allclose(mixture.gates, gates.numpy()[:positions], atol=1e-5)
        np.testing.assert_allclose(mixture.gates.sum(axis=1), 1, atol=1e-5)
        dense = mixture.dense()
        assert (np.count_nonzero(dense, axis=1) == 2).all()
        assert (np.take_along_axis(dense, mixture.experts, axis=1) == mixture.gates).all()


def test_units(predictor):
    view = predictor.attention("translation", TEXT, OUTPUT)
    vocabulary = predictor.run.vocabulary
    for text, units in ((TEXT, view.inputs.units), (OUTPUT, view.outputs)):
        assert units[-1] == "</s>"
        assert units[:-1] == tuple(vocabulary.piece(i) for i in vocabulary.encode(text))
        assert "".join(units[:-1]).replace("\u2581", " ") == text
    assert view.output == OUTPUT and view.problem == "translation"
    assert view.inputs.count == len(view.inputs.units)
    assert view.inputs.grid is None and view.inputs.seconds == ()


def test_the_grid_of_an_image(predictor):
    inputs = predictor.attention("captions", picture(), OUTPUT).inputs
    assert inputs.grid == (3, 3) and inputs.count == 9 and inputs.units == ()
    assert inputs.content.shape == (33, 33, 3) and 0 <= inputs.content.min() < inputs.content.max() <= 1


def test_the_seconds_of_a_sound(predictor):
    """Each position is a stride behind the last; a longer sound only has more of them."""
    short = predictor.attention("spoken", sound(1500), OUTPUT).inputs
    long = predictor.attention("spoken", sound(4500), OUTPUT).inputs
    stride = tiny.HPARAMS.audio_frame_step / 1000 * 2**tiny.HPARAMS.audio_strided_blocks
    for inputs, samples in ((short, 1500), (long, 4500)):
        assert inputs.seconds[0] == 0 and len(inputs.seconds) == inputs.count
        assert inputs.count == np.ceil(samples / 16000 / stride)
        assert inputs.seconds[-1] < samples / 16000
        np.testing.assert_allclose(np.diff(inputs.seconds), stride, rtol=0.1)
        assert len(inputs.content) == samples


def test_the_models_own_output(predictor, monkeypatch):
    calls = []
    monkeypatch.setattr(predictor, "predict", lambda *args: calls.append(args) or [Prediction(OUTPUT)])
    view = predictor.attention("translation", TEXT)
    assert calls == [("translation", [TEXT])] and view.output == OUTPUT
    of_output = predictor.attention("translation", TEXT, OUTPUT)
    assert len(calls) == 1
    assert all((of_output.weights[name] == weights).all() for name, weights in view.weights.items())


def test_what_the_problem_makes_of_texts(predictor, monkeypatch):
    """The model reads and writes what to_text gives; the view shows it, and the output as it was given."""
    problem = predictor.run.problems["translation"]
    swapped = lambda example: {name: text.replace("A", "the red") for name, text in example.items()}  # noqa: E731
    monkeypatch.setattr(problem, "to_text", swapped, raising=False)
    view = predictor.attention("translation", "A circle", "A square")
    assert "".join(view.inputs.units) == "the\u2581red\u2581circle</s>"
    assert "".join(view.outputs) == "the\u2581red\u2581square</s>"
    assert view.output == "A square"


def test_a_class(predictor, monkeypatch):
    monkeypatch.setattr(predictor, "predict", lambda *args: [Prediction("red circle")])
    view = predictor.experts("pictures", picture())
    assert list(view.mixtures) == ["encoder/experts"] and view.outputs == ()
    assert view.output == "red circle" and view.inputs.grid == (3, 3)


def test_an_empty_output_and_an_empty_input(predictor):
    view = predictor.attention("translation", "", "")
    assert view.inputs.units == view.outputs == ("</s>",)
    assert all((weights == 1).all() for weights in view.weights.values())


@pytest.mark.parametrize(
    ("look", "problem", "value", "output", "message"),
    [
        ("attention", "translatoin", TEXT, OUTPUT, "has no problem `translatoin`; did you mean"),
        ("experts", "zzz", TEXT, OUTPUT, "it was trained on translation, captions"),
        (
            "attention",
            "pictures",
            picture(),
            None,
            "`pictures` writes a label, for which no attention is used",
        ),
        ("experts", "pictures", picture(), "red circle", "`pictures` writes a label; give no output"),
        ("attention", "translation", TEXT, 3, "expected the output as a str; received 3"),
        ("attention", "translation", 3, OUTPUT, "expected a str, received 3"),
        ("attention", "captions", "/no.png", OUTPUT, "can't read /no.png: No such file"),
        ("experts", "translation", TEXT, "a" * 10000, "is too long"),
        ("experts", "translation", TEXT, "\ud800", "lone surrogate"),
    ],
)
def test_what_it_refuses(predictor, look, problem, value, output, message):
    with pytest.raises(UserError, match=message):
        getattr(predictor, look)(problem, value, output)


@pytest.mark.parametrize(
    ("change", "look", "message"),
    [
        ({"attention": False}, "attention", "trained with attention=False"),
        ({"moe": "none"}, "experts", "trained with moe=none"),
    ],
)
def test_models_without(predictor, run, monkeypatch, change, look, message):
    changed = run.hparams.replace(**change)
    monkeypatch.setitem(run.__dict__, "hparams", changed)
    other = Predictor(run, run.make_model())
    with pytest.raises(UserError, match=message):
        getattr(other, look)("translation", TEXT, OUTPUT)
    other_look = {"attention": "experts", "experts": "attention"}[look]
    getattr(other, other_look)("translation", TEXT, OUTPUT)


def test_parts_that_record_nothing(predictor, monkeypatch):
    monkeypatch.setattr(recording, "record", lambda *message: None)
    with pytest.raises(UserError, match="of the model `multimodel` records no attention"):
        predictor.attention("translation", TEXT, OUTPUT)
    with pytest.raises(UserError, match="the model `multimodel` records no choice"):
        predictor.experts("translation", TEXT, OUTPUT)
