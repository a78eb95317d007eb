"""Scores of given outputs: the search's own, teacher-forced."""

import numpy as np
import pytest

from t2tlite.decoding.options import DecodeOptions
from t2tlite.errors import UserError

SENTENCES = ["the red circle", "a", "the green square", "the blue circle the red square"]


def test_what_a_search_found_has_its_log_probability(predictor):
    """By its units: the text of what a random model writes is seldom cut into the same ones again."""
    options = DecodeOptions(beam_size=3, return_beams=True, decode_length=6)
    reader = predictor.reader("translation")
    features = reader.batch([reader.read(sentence) for sentence in SENTENCES])
    outputs = predictor.decoder("translation", options)(features, np.arange(4, dtype=np.int32))
    function = predictor.compiled.log_probabilities("translation", reader.spec)
    for number in range(3):
        logs = function({**features, "targets": outputs.ids[:, number]}).numpy()
        np.testing.assert_allclose(logs.sum(axis=1), outputs.log_probability[:, number], rtol=1e-3)


def test_a_text_that_was_found_has_its_log_probability(predictor, monkeypatch):
    """Through the texts, where a unit is a word."""
    vocabulary = predictor.run.vocabulary
    monkeypatch.setattr(vocabulary, "decode", lambda ids: " ".join(str(i) for i in ids if i > 1))
    predictions = predictor.predict(
        "translation", SENTENCES, options=DecodeOptions(beam_size=1, decode_length=12)
    )
    encode = vocabulary.encode
    written = {p.text: [int(i) for i in p.text.split()] for p in predictions}
    monkeypatch.setattr(vocabulary, "encode", lambda text: written.get(text) or encode(text))
    scores = predictor.score("translation", SENTENCES, [p.text for p in predictions])
    for prediction, score in zip(predictions, scores, strict=True):
        units = sum(p for _, p in score.units[:-1])
        assert score.log_probability == pytest.approx(units + score.units[-1][1], rel=1e-4)
        whole = len(written[prediction.text]) < 12
        assert prediction.score == pytest.approx(score.log_probability if whole else units, rel=1e-3)


def test_units_are_those_of_the_text_given_what_is_before(predictor):
    [score] = predictor.score("translation", ["a"], ["the red circle"])
    vocabulary, model = predictor.run.vocabulary, predictor.model
    ids = [*vocabulary.encode("the red circle"), 1]
    assert [unit for unit, _ in score.units] == [vocabulary.piece(i) for i in ids]
    features = predictor.reader("translation").batch([predictor.reader("translation").read("a")])
    logits = model({**features, "targets": np.array([ids])}, problem="translation").logits[0].numpy()
    logs = logits - np.log(np.exp(logits.astype(np.float64)).sum(-1, keepdims=True))
    expected = [logs[i, entry] for i, entry in enumerate(ids)]
    np.testing.assert_allclose([p for _, p in score.units], expected, rtol=1e-4)


def test_neither_order_nor_batch_matter(predictor, monkeypatch):
    targets = ["blue", "the red square the circle", "", "a"]
    scores = predictor.score("translation", SENTENCES, targets)
    monkeypatch.setattr(predictor, "options", predictor.options.replace(batch_size=3))
    turned = predictor.score("translation", SENTENCES[::-1], targets[::-1])[::-1]
    for one, other in zip(scores, turned, strict=True):
        assert [unit for unit, _ in one.units] == [unit for unit, _ in other.units]
        assert one.log_probability == pytest.approx(other.log_probability, rel=1e-4)
    assert [len(one.units) for one in scores][2] == 1, "the end alone"


def test_classes(predictor):
    pictures = [np.full((33, 33, 3), 80 * i, np.uint8) for i in range(3)]
    names = ["red circle", "blue circle", "red square"]
    predictions = predictor.predict("pictures", pictures)
    for picture, prediction in zip(pictures, predictions, strict=True):
        scores = predictor.score("pictures", [picture] * 3, names)
        for name, score in zip(names, scores, strict=True):
            assert np.exp(score.log_probability) == pytest.approx(
                dict(prediction.probabilities)[name], rel=1e-4
            )
            assert score.units == ((name, score.log_probability),)


def test_what_it_refuses(predictor):
    with pytest.raises(UserError, match="expected a target for each input; received 2 and 1"):
        predictor.score("translation", ["a", "b"], ["a"])
    with pytest.raises(UserError, match="expected a list of inputs, received str"):
        predictor.score("translation", ["a"], "a")
    with pytest.raises(UserError, match="has no class `red circel`; did you mean `red circle`"):
        predictor.score("pictures", [np.zeros((33, 33, 3), np.uint8)], ["red circel"])
    scores = predictor.score("translation", ["a", "\ud800", "b"], ["c", "d", 7], keep_errors=True)
    assert [bool(score.error) for score in scores] == [False, True, True]
    assert "lone surrogate" in scores[1].error and "expected a str, received 7" in scores[2].error
