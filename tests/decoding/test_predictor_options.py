"""Predictor: several outputs, samples, threads, and how often anything is compiled."""

import threading

import numpy as np
import pytest

from t2tlite.decoding.options import DecodeOptions
from t2tlite.decoding.predictor import Predictor
from t2tlite.errors import UserError

SENTENCES = ["the red circle", "a", "the green square", "the blue circle the red square", "", "red"]
BEAMS = DecodeOptions(beam_size=3, return_beams=True, decode_length=6)
SAMPLES = DecodeOptions(temperature=1.0, num_samples=3, decode_length=6)


@pytest.fixture(scope="module")
def fresh(predictor):
    """The same model, with nothing compiled yet."""
    return Predictor(predictor.run, predictor.model)


def test_outputs_are_ranked_and_the_best_is_the_text(predictor):
    for sentence, prediction in zip(
        SENTENCES, predictor.predict("translation", SENTENCES, options=BEAMS), strict=True
    ):
        if not sentence:
            assert prediction.beams == () and prediction.text == ""
            continue
        assert len(prediction.beams) == 3
        scores = [one.score for one in prediction.beams]
        assert scores == sorted(scores, reverse=True)
        assert (
            prediction.text == prediction.beams[0].text
            and prediction.score == prediction.beams[0].log_probability
        )
        assert all(one.score >= one.log_probability for one in prediction.beams), "alpha above 0"


def test_a_search_for_the_best_alone_finds_the_same_one(predictor):
    whole = predictor.predict("translation", SENTENCES, options=BEAMS)
    best = predictor.predict("translation", SENTENCES, options=BEAMS.replace(return_beams=False))
    assert [p.beams for p in best] == [p.beams[:1] for p in whole]


def test_from_text_is_applied_to_all_outputs(predictor, monkeypatch):
    plain = predictor.predict("translation", SENTENCES[:1], options=BEAMS)[0]
    problem = predictor.run.problems["translation"]
    monkeypatch.setattr(problem, "from_text", lambda inputs, output: f"[{output}]", raising=False)
    prediction = predictor.predict("translation", SENTENCES[:1], options=BEAMS)[0]
    assert [one.text for one in prediction.beams] == [f"[{one.text}]" for one in plain.beams]
    assert prediction.text == f"[{plain.text}]"


def test_samples_depend_on_the_line_and_not_on_the_batch(predictor):
    predictions = predictor.predict("translation", SENTENCES, options=SAMPLES)
    small = predictor.predict("translation", SENTENCES, options=SAMPLES.replace(batch_size=2))
    turned = predictor.predict("translation", SENTENCES[::-1], options=SAMPLES, rows=range(5, -1, -1))
    alone = predictor.predict("translation", SENTENCES[3:4], options=SAMPLES, rows=[3])
    texts = [[one.text for one in p.beams] for p in predictions]
    assert texts == [[one.text for one in p.beams] for p in small]
    assert texts == [[one.text for one in p.beams] for p in turned[::-1]]
    assert texts[3] == [one.text for one in alone[0].beams]
    assert [len(p) for p in texts] == [3, 3, 3, 3, 0, 3]
    same = predictor.predict("translation", ["a", "a"], options=SAMPLES)
    assert same[0] != same[1], "another line, another sample"
    other = predictor.predict("translation", SENTENCES, options=SAMPLES.replace(seed=2**40 + 1))
    assert [[one.text for one in p.beams] for p in other] != texts


def test_the_same_input_on_the_same_line(predictor):
    predictions = predictor.predict("translation", ["a"] * 3, options=SAMPLES, rows=[7, 7, 8])
    assert predictions[0] == predictions[1] != predictions[2]


def test_min_length(predictor):
    [plain] = predictor.predict("translation", ["a"], options=DecodeOptions(beam_size=1, decode_length=6))
    forced = DecodeOptions(beam_size=1, decode_length=6, min_length=6)
    [prediction] = predictor.predict("translation", ["a"], options=forced)
    assert prediction.score < plain.score or len(prediction.text) >= len(plain.text)
    assert predictor.decode_length(3, DecodeOptions(min_length=40)) == 64


def test_nothing_is_compiled_for_each_sentence_or_setting(fresh):
    options = DecodeOptions(beam_size=2, decode_length=4)
    for i, sentence in enumerate(SENTENCES):
        fresh.predict(
            "translation", [sentence] * (i + 1), options=options.replace(alpha=float(i), min_length=i % 3)
        )
    assert fresh.compiled.traces() == 1
    for i in range(3):
        fresh.predict(
            "translation", SENTENCES, options=SAMPLES.replace(seed=i, temperature=1.0 + i, batch_size=2)
        )
    assert fresh.compiled.traces() == 2


def test_several_threads(fresh, predictor):
    """They get what one gets, and everything is compiled once."""
    options = DecodeOptions(beam_size=1, decode_length=5)
    expected = predictor.predict("translation", SENTENCES, options=options)
    before = fresh.compiled.traces()
    results, start = {}, threading.Barrier(3)

    def work(number):
        start.wait()
        results[number] = fresh.predict("translation", SENTENCES, options=options)

    threads = [threading.Thread(target=work, args=[i]) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 3
    for one in results.values():
        assert [p.text for p in one] == [p.text for p in expected]
    assert fresh.compiled.traces() == before + 1


def test_zero_shot_problems(predictor):
    """The inputs of one with the outputs of another: as the model that reads the one and writes the other."""
    draw = np.random.default_rng(0)
    pictures = [(255 * draw.random((33, 33, 3))).astype(np.uint8) for _ in range(3)]
    name = predictor.zero_shot("pictures", "translation")
    assert name == "pictures>translation" and name not in predictor.problems
    options = DecodeOptions(beam_size=1, decode_length=5)
    predictions = predictor.predict(name, pictures, options=options)
    model, reader = predictor.model, predictor.reader(name)
    features = reader.batch([reader.read(picture) for picture in pictures])
    source, _ = model.encode(features, "pictures")
    ids = np.zeros((3, 0), np.int32)
    for _ in range(5):
        embedded = model.target_net("translation").embed_targets(ids)
        x = np.concatenate([model.start("translation", 3), embedded], axis=1)
        logits = model.decode(x, model.memory(source), "translation")[0].numpy()[:, -1]
        logits[:, 0] = -np.inf
        ids = np.concatenate([ids, logits.argmax(-1)[:, None]], axis=1).astype(np.int32)
    assert [p.text for p in predictions] == [predictor.run.vocabulary.decode(row) for row in ids]
    to_class = predictor.predict("translation>pictures", ["a"])[0]
    assert {name for name, _ in to_class.probabilities} == {"red circle", "blue circle", "red square"}


def test_what_zero_shot_needs(predictor):
    with pytest.raises(UserError, match="has no problem `pictuers`; did you mean `pictures`"):
        predictor.zero_shot("pictuers", "translation")
    with pytest.raises(UserError, match="has no problem `zzz`"):
        predictor.predict("pictures>zzz", [])
