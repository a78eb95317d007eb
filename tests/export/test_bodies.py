"""Exports of other bodies than the MultiModel's answer what the predictor says."""

import keras
import numpy as np
import pytest

from t2tlite.data.text.vocabulary import Vocabulary
from t2tlite.decoding.options import DecodeOptions
from t2tlite.decoding.predictor import Predictor
from t2tlite.export import saved_model
from t2tlite.run import Run

from ..models import tiny
from . import outside
from .conftest import HPARAMS

SENTENCES = ["the red circle", "the green square the red circle", "a"]


@pytest.mark.parametrize("body", ["transformer", "lstm"])
def test_an_export_answers_what_the_predictor_says(body, tmp_path):
    hparams = HPARAMS.replace(encoder=body, mixer="none", decoder=body, moe="switch")
    vocabulary = Vocabulary.train(SENTENCES * 5, 285)
    problems = {"translation": tiny.PROBLEMS["translation"]}
    run = Run(tmp_path, hparams, problems, {}, vocabulary, str(tmp_path / "data"), "sample")
    keras.utils.set_random_seed(1)
    model = tiny.randomise(run.make_model(), seed=1)
    options = DecodeOptions(beam_size=1, decode_length=8)
    predictor = Predictor(run, model, options)
    exported = saved_model.export(predictor, ["translation"], tmp_path / "export")
    calls = [("translation", {"inputs": [text.encode() for text in SENTENCES]})]
    [answer] = outside.answers(exported.path, calls, tmp_path)
    predictions = predictor.predict("translation", SENTENCES)
    assert [text.decode() for text in answer["text"]] == [one.text for one in predictions]
    assert len({*answer["text"]}) > 1
    np.testing.assert_allclose(answer["score"], [one.score for one in predictions], rtol=1e-3)
