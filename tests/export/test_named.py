"""The export of problems with named inputs: its signatures answer as the predictor does."""

import copy
import io
import json

import keras
import numpy as np
import pytest
import soundfile
import tensorflow as tf

from t2tlite.data.text.vocabulary import Vocabulary
from t2tlite.decoding.options import DecodeOptions
from t2tlite.decoding.predictor import Predictor
from t2tlite.errors import UserError
from t2tlite.export import saved_model, signatures
from t2tlite.run import Run

from ..data.conftest import png
from ..models import tiny
from .conftest import HPARAMS


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    problems = {name: copy.copy(tiny.NAMED[name]) for name in ("asked", "told")}
    texts = [f"the {colour} {thing}" for colour in ("red", "blue", "green") for thing in ("circle", "square")]
    vocabulary = Vocabulary.train(texts, 285)
    run = Run(folder, HPARAMS, problems, {"asked": tiny.CLASSES}, vocabulary, str(folder), "sample")
    keras.utils.set_random_seed(1)
    options = DecodeOptions(beam_size=1, decode_length=5, batch_size=3)
    return Predictor(run, tiny.randomise(run.make_model(), seed=1), options)


@pytest.fixture(scope="module")
def exported(predictor, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "named"
    return saved_model.export(predictor, ["asked", "told"], path)


@pytest.fixture(scope="module")
def loaded(exported):
    return tf.saved_model.load(str(exported.path)).signatures


PICTURES = [png(np.random.default_rng(i), 20, 30) for i in range(4)]
SOUNDS = [np.float32(0.2 * np.random.default_rng(i).normal(size=900 * (i + 1)).clip(-4, 4)) for i in range(4)]


def test_classes_are_those_of_the_predictor(predictor, loaded):
    """Four of them, of which three are decoded together."""
    questions = ["the red circle", "a", "is it the blue square", ""]
    outputs = loaded["asked"](picture=tf.constant(PICTURES), question=tf.constant(questions))
    inputs = [{"picture": p, "question": q} for p, q in zip(PICTURES, questions, strict=True)]
    for i, one in enumerate(predictor.predict("asked", inputs)):
        assert [name.decode() for name in outputs["label"][i].numpy()] == [
            name for name, _ in one.probabilities
        ]
        np.testing.assert_allclose(outputs["probability"][i], [p for _, p in one.probabilities], rtol=1e-4)
    assert not any(outputs["error"].numpy())


def test_what_can_not_be_read_says_which_input(loaded):
    outputs = loaded["asked"](
        picture=tf.constant([PICTURES[0], b"GIF8", PICTURES[0]]), question=tf.constant(["a", "a", b"\xff"])
    )
    assert outputs["error"].numpy().tolist() == [
        b"",
        b"picture: not a PNG or JPEG file",
        b"question: not UTF-8",
    ]
    assert outputs["label"][0, 0] != b"" and outputs["label"][1, 0] == b""


def wav(sound):
    buffer = io.BytesIO()
    soundfile.write(buffer, sound, 16000, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def padded(sounds):
    array = np.zeros([len(sounds), max(map(len, sounds))], np.float32)
    for row, sound in zip(array, sounds, strict=True):
        row[: len(sound)] = sound
    lengths = np.array([len(sound) for sound in sounds], np.int32)
    return {"sound": tf.constant(array), "sound_length": tf.constant(lengths)}


@pytest.mark.parametrize("suffix", ["", "_wav"])
def test_texts_and_scores_are_those_of_the_predictor(predictor, loaded, suffix):
    """An empty string is an optional input that is not there."""
    hints = ["", "the blue circle", "a", ""]
    files = [wav(sound) for sound in SOUNDS]
    sounds = {"sound": tf.constant(files)} if suffix else padded(SOUNDS)
    arguments = {**sounds, "question": tf.constant(["why"] * 4), "hint": tf.constant(hints)}
    outputs = loaded[f"told{suffix}"](**arguments)
    inputs = [
        {"sound": sound, "question": "why", "hint": hint}
        for sound, hint in zip(files if suffix else SOUNDS, hints, strict=True)
    ]
    for i, one in enumerate(predictor.predict("told", inputs)):
        assert outputs["text"][i].numpy().decode() == one.text
        np.testing.assert_allclose(outputs["log_probability"][i], one.score, rtol=1e-4)
    targets = ["the red circle", "a", "square", "blue"]
    scored = loaded[f"told{suffix}_score"](**arguments, targets=tf.constant(targets))
    expected = [one.log_probability for one in predictor.score("told", inputs, targets)]
    np.testing.assert_allclose(scored["log_probability"], expected, rtol=1e-4)


def test_what_it_says_of_itself(exported, loaded):
    assert sorted(loaded) == ["asked", "told", "told_score", "told_wav", "told_wav_score"]
    content = json.loads((exported.path / "assets" / "t2tlite.json").read_text())
    assert content["problems"]["asked"]["inputs"] == {"picture": "image", "question": "text"}
    assert list(content["signatures"]["told"]["inputs"]) == ["sound", "sound_length", "question", "hint"]
    assert content["signatures"]["told"]["inputs"]["hint"]["what"].endswith("; empty where there is none")
    readme = (exported.path / "README.md").read_text()
    call = 'picture=tf.constant([open("picture.jpg", "rb").read()]), question=tf.constant(["..."])'
    assert f'model.signatures["asked"]({call})' in readme
    assert {"input_picture", "input_sound"} <= set(exported.kept)


def test_what_can_not_be_read_in_a_graph(predictor, monkeypatch):
    monkeypatch.setattr(type(tiny.ASKED.parts[0][1]), "raw_readers", lambda self, vocabulary, hparams: ())
    with pytest.raises(UserError, match=r"reads picture \(image\), question \(text\), which can't be read"):
        signatures.of_problem(predictor, "asked")
