"""Predictor: one output for each input, in order, whatever is decoded together."""

import dataclasses

import numpy as np
import pytest

from t2tlite.decoding.predictor import Predictor
from t2tlite.errors import UserError
from t2tlite.features.feature import Feature

SENTENCES = [
    "the red circle",
    "",
    "a",
    "the green square the blue circle",
    "ß↗\u2581",
    "  ",
    "the red circle",
]


def pictures(count, size=33):
    draw = np.random.default_rng(0)
    return [(255 * draw.random((size, size, 3)) * draw.random(3)).astype(np.uint8) for _ in range(count)]


def sounds(count):
    draw = np.random.default_rng(0)
    return [draw.standard_normal(draw.integers(500, 6000)) * 0.3 * draw.random() for _ in range(count)]


@pytest.mark.parametrize(
    ("problem", "inputs"), [("translation", SENTENCES), ("captions", pictures(5)), ("spoken", sounds(5))]
)
def test_batching_changes_nothing(predictor, problem, inputs, monkeypatch):
    one_by_one = [predictor.predict(problem, [value])[0] for value in inputs]
    for size in (2, 3, 32):
        monkeypatch.setattr(predictor, "options", predictor.options.replace(batch_size=size))
        together = predictor.predict(problem, inputs)
        assert [p.text for p in together] == [p.text for p in one_by_one]
        assert [p.score for p in together] == pytest.approx([p.score for p in one_by_one], rel=1e-3)
    assert len({p.text for p in one_by_one}) > 1


def test_empty_lines(predictor):
    predictions = predictor.predict("translation", SENTENCES)
    assert [bool(p.text) for p in predictions] == [bool(text.strip()) for text in SENTENCES]
    assert predictions[0] == predictions[-1]
    assert predictor.predict("translation", []) == []


def test_classes(predictor):
    predictions = predictor.predict("pictures", pictures(4))
    for prediction in predictions:
        names, probabilities = zip(*prediction.probabilities, strict=True)
        assert set(names) == {"red circle", "blue circle", "red square"}
        assert sum(probabilities) == pytest.approx(1)
        assert list(probabilities) == sorted(probabilities, reverse=True)
        assert prediction.text == names[0]
        assert prediction.score == pytest.approx(np.log(probabilities[0]))


def test_hooks(predictor, monkeypatch):
    """The problem's to_text is seen by the model, from_text by the user."""
    problem = predictor.run.problems["translation"]
    plain = predictor.predict("translation", ["the red circle"])[0].text
    monkeypatch.setattr(
        problem, "to_text", lambda example: {"inputs": "the " + example["inputs"]}, raising=False
    )
    monkeypatch.setattr(problem, "from_text", lambda inputs, output: f"[{inputs}] {output}", raising=False)
    assert predictor.predict("translation", ["red circle"])[0].text == f"[the red circle] {plain}"


def test_to_text_must_do_without_targets(predictor, monkeypatch):
    monkeypatch.setattr(predictor.run.problems["translation"], "to_text", lambda e: {"inputs": e["targets"]})
    with pytest.raises(UserError, match="to_text of problem `translation` fails without 'targets'"):
        predictor.predict("translation", ["the red circle"])


def test_decode_length(predictor, monkeypatch):
    """An output has at most so many positions; by default as many as the last bound, or as a longer input."""
    assert [predictor.decode_length(n, predictor.options) for n in (0, 16, 17, 33)] == [16, 16, 32, 64]
    [whole] = predictor.predict("translation", ["the red circle"])
    monkeypatch.setattr(predictor, "options", predictor.options.replace(decode_length=3))
    [cut] = predictor.predict("translation", ["the red circle"])
    assert whole.text.startswith(cut.text) and 0 < len(cut.text) < len(whole.text)


def test_long_inputs(predictor):
    long = " ".join(["the red circle"] * 12)
    length = len(predictor.run.vocabulary.encode(long))
    assert 16 < length < 16 * 16
    assert predictor.predict("translation", [long, "a"])[1] == predictor.predict("translation", ["a"])[0]
    with pytest.raises(UserError, match=r"an input of \d+ subword units.*at most 16, and at most 16 times"):
        predictor.predict("translation", [long * 20])


def test_errors_kept_in_their_place(predictor):
    inputs = ["a", "\ud800", "the red circle", 3]
    with pytest.raises(UserError, match="lone surrogate"):
        predictor.predict("translation", inputs)
    predictions = predictor.predict("translation", inputs, keep_errors=True)
    assert [bool(p.error) for p in predictions] == [False, True, False, True]
    assert predictions[1].text == "" and "expected a str, received 3" in predictions[3].error
    assert predictions[2].text == predictor.predict("translation", ["the red circle"])[0].text


def test_reads_no_more_than_a_window(predictor, monkeypatch):
    monkeypatch.setattr(predictor, "options", predictor.options.replace(batch_size=1))
    read_inputs = []

    def endless():
        while True:
            read_inputs.append(1)
            yield "a"

    stream = predictor.stream("translation", endless())
    assert next(stream).text == predictor.predict("translation", ["a"])[0].text
    assert len(read_inputs) <= 16


@pytest.mark.parametrize(
    ("problem", "inputs", "message"),
    [
        ("translatoin", ["a"], "has no problem `translatoin`; did you mean `translation`"),
        ("zzz", ["a"], "it was trained on translation, captions, spoken, pictures"),
        ("translation", "a", r"expected a list of inputs, received str; write \[input\]"),
    ],
)
def test_what_it_refuses(predictor, problem, inputs, message):
    with pytest.raises(UserError, match=message):
        predictor.predict(problem, inputs)


def test_a_kind_of_input_that_it_cannot_read(predictor, monkeypatch):
    class Video(Feature):
        kind = "video"

    monkeypatch.setattr(predictor.run.problems["captions"], "inputs", Video())
    with pytest.raises(UserError, match="problem `captions` reads video, which can't be decoded"):
        predictor.predict("captions", [b""])


def test_sees_later_weights(predictor):
    fresh = Predictor(predictor.run, predictor.run.make_model())
    before = fresh.predict("pictures", pictures(1))[0].probabilities
    for ours, theirs in zip(fresh.model.variables, predictor.model.variables, strict=True):
        ours.assign(theirs)
    after = fresh.predict("pictures", pictures(1))[0].probabilities
    assert before != after
    assert dict(after) == pytest.approx(
        dict(predictor.predict("pictures", pictures(1))[0].probabilities), rel=1e-3
    )


def test_prediction_is_plain_data(predictor):
    prediction = predictor.predict("pictures", pictures(1))[0]
    assert all(type(p) is float for _, p in dataclasses.asdict(prediction)["probabilities"])
