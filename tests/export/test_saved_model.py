"""Exports: what they answer is what the predictor says, and they hold no more than they need."""

import io
import json
import pathlib
import re
import wave

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from t2tlite import registry
from t2tlite.decoding.predictor import Hypothesis
from t2tlite.errors import UserError
from t2tlite.export import saved_model, signatures
from t2tlite.problems import trees

from ..models import tiny
from . import outside

SENTENCES = [
    "the red circle",
    "",
    "the green square " * 8,  # longer than any in training
    " the  red circle",
    "\u2581 😀\ue0001\x01\te\u0301",
    " \u3000",
    "x" * 5000,  # too long
    b"\xff the",
    "a",
]
TREES = [
    "the red circle (",
    "",
    "a b c d e",
    " a\u3000b\u00a0c \n(d) \u2581 ",
    "the " * 13,  # the most words that a tree has in 16 positions
    "the " * 14,
]


def picture(mode="RGB", format="PNG", size=(60, 48), seed=0):
    draw = np.random.default_rng(seed)
    smooth = PIL.Image.fromarray(draw.integers(0, 256, (3, 4, 3), np.uint8)).resize(size)
    buffer = io.BytesIO()
    smooth.convert(mode).save(buffer, format)
    return buffer.getvalue()


PICTURES = [
    picture(seed=1),
    picture("RGB", "JPEG", (300, 200), 2),
    b"",
    picture()[:300],
    picture("L", "PNG", (33, 33), 3),
    picture("CMYK", "JPEG"),
    picture("RGBA", "PNG", (20, 90), 4),
]


def sounds():
    draw = np.random.default_rng(0)
    return [(draw.standard_normal(n) * 0.3).clip(-1, 1).astype(np.float32) for n in (700, 4000, 1, 2500)]


def wav(samples, rate=16000):
    """Two channels of which the mean is the sound, as 16-bit PCM."""
    buffer = io.BytesIO()
    values = np.round(samples * 32767)
    with wave.open(buffer, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.stack([values // 2, values - values // 2], axis=1).astype("<i2").tobytes())
    return buffer.getvalue()


def as_bytes(values):
    return [value if isinstance(value, bytes) else value.encode() for value in values]


def padded(rows):
    """The rows beside what must not matter."""
    array = np.full([len(rows), max(map(len, rows)) + 5], np.nan, np.float32)
    for row, values in zip(array, rows, strict=True):
        row[: len(values)] = values
    return array


@pytest.fixture(scope="module")
def answers(exported, tmp_path_factory):
    """What the export answers in a process without t2tlite."""
    lengths = [len(samples) for samples in sounds()]
    calls = {
        "translation": {"inputs": as_bytes(SENTENCES)},
        "translation_score": {
            "inputs": as_bytes(["the red circle", "", "a", b"\xff", "a"]),
            "targets": as_bytes(["\u2581 the  😀", "a", "", "a", "x" * 5000]),
        },
        "captions": {"inputs": PICTURES},
        "pictures": {"inputs": PICTURES},
        "spoken": {"inputs": padded(sounds()), "inputs_length": np.array(lengths, np.int32)},
        "spoken_wav": {"inputs": [wav(sounds()[0]), b"RIFF", wav(sounds()[1], 8000), wav(sounds()[3])]},
        "wsj_parsing": {"inputs": as_bytes(map(read_by_parsing, TREES))},
        "none": {"inputs": np.array([], "S1")},
    }
    calls_by_name = [(name.replace("none", "translation"), tensors) for name, tensors in calls.items()]
    outputs = outside.answers(exported.path, calls_by_name, tmp_path_factory.mktemp("answers"))
    return dict(zip(calls, outputs, strict=True))


def assert_same(answer, predictions):
    """All outputs of the search are alike; of an empty input they are empty."""
    nothing = [Hypothesis("", 0.0, 0.0)] * 3
    for i, prediction in enumerate(predictions):
        beams = prediction.beams or nothing
        assert [text.decode() for text in answer["text"][i]] == [beam.text for beam in beams]
        logs = [beam.log_probability for beam in beams]
        np.testing.assert_allclose(answer["log_probability"][i], logs, rtol=1e-3)
        np.testing.assert_allclose(answer["score"][i], [beam.score for beam in beams], rtol=1e-3)


def errors(answer):
    return [error.decode() for error in answer["error"]]


def test_texts(predictor, answers):
    outputs = answers["translation"]
    readable = ["" if isinstance(text, bytes) else text for text in SENTENCES]
    # An export has one greatest length for all outputs.
    options = predictor.options.replace(decode_length=16)
    assert_same(outputs, predictor.predict("translation", readable, keep_errors=True, options=options))
    assert [bool(error) for error in outputs["error"]] == [False] * 6 + [True, True, False]
    assert "subword units; at most 256 are read" in errors(outputs)[6] and errors(outputs)[7] == "not UTF-8"
    assert [not any(texts) for texts in outputs["text"]] == [
        False,
        True,
        False,
        False,
        False,
        True,
        True,
        True,
        False,
    ]
    assert len({*outputs["text"].ravel()}) > 9


def test_pictures_to_texts(predictor, answers):
    predictions = predictor.predict("captions", PICTURES, keep_errors=True)
    predictions[5] = predictions[2]  # CMYK, which the graph does not read
    assert_same(answers["captions"], predictions)


def test_broken_pictures_do_not_fail_the_others(answers):
    for name in ("captions", "pictures"):
        assert errors(answers[name]) == [
            *("", "", "not a PNG or JPEG file", "a damaged picture", "", "a CMYK JPEG; convert it to RGB", "")
        ]


def test_classes(predictor, answers):
    outputs = answers["pictures"]
    for i, prediction in enumerate(predictor.predict("pictures", PICTURES, keep_errors=True)):
        if i in (2, 3, 5):
            assert not outputs["probability"][i].any() and not any(outputs["label"][i])
            continue
        names, probabilities = zip(*prediction.probabilities, strict=True)
        assert tuple(name.decode() for name in outputs["label"][i]) == names
        np.testing.assert_allclose(outputs["probability"][i], probabilities, rtol=1e-3)


def test_sounds(predictor, answers):
    assert_same(answers["spoken"], predictor.predict("spoken", sounds()))
    assert errors(answers["spoken"]) == [""] * 4


def test_wav_files(predictor, answers):
    first, _, _, last = [wav(samples) for samples in sounds()]
    outputs = answers["spoken_wav"]
    predictions = predictor.predict("spoken", [first, b"", b"", last], keep_errors=True)
    assert_same(outputs, predictions)
    assert errors(outputs) == [
        *("", "not a WAV file of 16-bit PCM, or a damaged one", "8000 Hz; expected 16000 Hz", "")
    ]


def read_by_parsing(sentence):
    return registry.get_problem("wsj_parsing").to_text({"inputs": sentence})["inputs"]


def test_trees_are_what_the_model_wrote_and_the_file_beside_makes_trees_of_it(predictor, exported, answers):
    description = exported.description["problems"]["wsj_parsing"]
    assert (
        description["from_text"] and description["to_text"]
    )  # which leaves the Treebank's words as they are
    namespace = {}
    exec((exported.path / description["from_text_file"]).read_text(), namespace)
    options = predictor.options.replace(decode_length=16)
    predictions = predictor.predict("wsj_parsing", TREES, options=options)
    inputs = map(read_by_parsing, TREES)
    for words, texts, prediction in zip(inputs, answers["wsj_parsing"]["text"], predictions, strict=True):
        outputs = [text.decode() for text in filter(None, texts)]
        repaired = [namespace["from_text"](words, text) for text in outputs]
        assert repaired == [beam.text for beam in prediction.beams]
        assert any(outputs) == bool(words) and (repaired != outputs or not words)
        for tree, text in zip(repaired, outputs, strict=True):
            assert trees.well_formed(tree, text) == (len(words.split()) < 14), "it is a tree of its sentence"
    readme = (exported.path / "README.md").read_text()
    assert (
        "`from_text(inputs, output)` in [assets.extra/wsj_parsing.py](assets.extra/wsj_parsing.py)" in readme
    )


def test_scores_of_given_texts(predictor, answers):
    outputs = answers["translation_score"]
    pairs = [("the red circle", "\u2581 the  😀"), ("", "a"), ("a", "")]
    scores = predictor.score("translation", *zip(*pairs, strict=True))
    np.testing.assert_allclose(
        outputs["log_probability"], [*(s.log_probability for s in scores), 0, 0], rtol=1e-4
    )
    assert errors(outputs)[:4] == ["", "", "", "not UTF-8"] and "at most 256 are read" in errors(outputs)[4]


def test_no_inputs(answers):
    outputs = answers["none"]
    assert outputs["text"].shape == outputs["score"].shape == (0, 3) and outputs["error"].shape == (0,)


def stored(export):
    """The paths of the variables in an export's files."""
    listed = tf.train.list_variables(str(export.path / "variables" / "variables"))
    files = [name.split("/")[1] for name, _ in listed if name.startswith("weights/")]
    return {re.sub(r"\.(.)", lambda m: "/" if m[1] == "S" else m[1], name) for name in files}


def nets(paths):
    return {path.split("/")[1].split("_")[0] for path in paths}


@pytest.fixture(scope="module")
def classes(predictor, tmp_path_factory):
    """The export of a problem without text."""
    return saved_model.export(predictor, ["pictures"], tmp_path_factory.mktemp("classes") / "deep" / "1")


def test_holds_what_its_problems_need_and_nothing_else(predictor, exported, classes):
    every = {v.path for v in predictor.model.variables}
    assert stored(exported) == every
    assert stored(classes) == {path for path in every if nets([path]) <= {"image", "encoder", "categorical"}}
    assert classes.kept == {part: size for part, size in classes.whole.items() if part in classes.kept}
    translation = signatures.of_problem(predictor, "translation")
    assert {v.path for v in saved_model.variables_of(translation, predictor.model)} == {
        path
        for path in every
        if nets([path]) <= {"language", "encoder", "mixer", "decoder"} or path.endswith("/command_to_german")
    }


def test_needs_no_tokenizer_where_there_is_no_text(predictor, classes, tmp_path):
    assert classes.description["needs"] == ["tensorflow"]
    calls = [(name, {"inputs": PICTURES[:1]}) for name in ("serving_default", "pictures")]
    by_default, answers = outside.answers(classes.path, calls, tmp_path, text=False)
    assert all(np.array_equal(answers[name], by_default[name]) for name in answers)
    names = dict(predictor.predict("pictures", PICTURES[:1])[0].probabilities)
    assert [name.decode() for name in answers["label"][0]] == list(names)


def test_describes_itself(run, exported, classes):
    content = json.loads((exported.path / "assets" / "t2tlite.json").read_text())
    assert content == exported.description
    assert list(content["problems"]) == [*run.problems]
    assert content["problems"]["pictures"]["classes"] == list(tiny.CLASSES)
    assert content["checkpoint"] == "step-00000007" and content["decode_options"]["beam_size"] == 3
    assert content["hparams"]["hidden_size"] == 16 and content["needs"] == ["tensorflow", "tensorflow-text"]
    model = tf.saved_model.load(str(classes.path))
    asset = pathlib.Path(model.description.asset_path.numpy().decode())
    assert json.loads(asset.read_text()) == classes.description
    signature, content = model.signatures["pictures"], classes.description["signatures"]["pictures"]
    for side, tensors in (
        ("inputs", signature.structured_input_signature[1]),
        ("outputs", signature.structured_outputs),
    ):
        shapes = {key: (one["dtype"], one["shape"]) for key, one in content[side].items()}
        assert shapes == {key: (t.dtype.name, t.shape.as_list()) for key, t in tensors.items()}


def test_the_readme_names_every_signature_and_tensor(exported):
    readme = (exported.path / "README.md").read_text()
    for name, signature in exported.description["signatures"].items():
        section = readme.partition(f"\n`{name}`\n")[2].partition("\n`")[0]
        for tensor in (*signature["inputs"], *signature["outputs"]):
            assert f"`{tensor}`" in section


def test_says_nothing_of_where_it_was_made(exported, run):
    here = (
        run.output_dir,
        exported.path,
        pathlib.Path(tf.__file__).parent,
        pathlib.Path(__file__).parents[2],
    )
    for file in filter(pathlib.Path.is_file, exported.path.rglob("*")):
        content = file.read_bytes()
        assert not [folder for folder in here if str(folder).encode() in content], file


def test_is_there_whole_or_not_at_all(predictor, tmp_path, monkeypatch):
    def fails(*args, **kwargs):
        raise tf.errors.ResourceExhaustedError(None, None, "no space left")

    monkeypatch.setattr(tf.saved_model, "save", fails)
    with pytest.raises(UserError, match="can't write .*/new: no space left"):
        saved_model.export(predictor, ["pictures"], tmp_path / "new")
    assert not list(tmp_path.iterdir())


def test_refuses(predictor, tmp_path):
    (tmp_path / "file").touch()
    for folder, message in ((tmp_path, "is not empty"), (tmp_path / "file", "is no folder")):
        with pytest.raises(UserError, match=message):
            saved_model.export(predictor, ["pictures"], folder)
    with pytest.raises(UserError, match="has no problem `picture`; did you mean `pictures`"):
        saved_model.export(predictor, ["picture"], tmp_path / "new")
