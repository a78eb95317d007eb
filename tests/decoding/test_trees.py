"""Trees of a model that was never trained, as the predictor gives them: none of them is repaired."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2tlite import registry
from t2tlite.data.text.vocabulary import Vocabulary
from t2tlite.decoding.options import DecodeOptions
from t2tlite.decoding.predictor import Predictor
from t2tlite.decoding.search.outputs import Outputs
from t2tlite.metrics.trees import RepairedTree
from t2tlite.problems import trees
from t2tlite.run import Run

from ..models import tiny

LENGTH = 16
SENTENCES = [
    "the dog",
    "",
    "a\u3000b\u00a0c\u2003d \n e\u0085f\tg",
    " ( ( ) \u2581 \ue000 ",
    "dog " * 13,  # in a length of 16 there is room for no bracket
    "unknown \u6f22\u5b57 \U0001f600\u200bx",
    " \u3000",
]
BEAM = DecodeOptions(beam_size=3, return_beams=True, batch_size=3, decode_length=LENGTH)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    vocabulary = Vocabulary.train(["the dog sees (TOP (NP NN )NP )TOP"] * 9, 420, trees.SYMBOLS)
    problems = {"wsj_parsing": registry.get_problem("wsj_parsing"), "captions": tiny.PROBLEMS["captions"]}
    changes = {"num_encoder_layers": 1, "num_mixer_layers": 0, "num_decoder_layers": 1}
    hparams = tiny.HPARAMS.replace(length_bounds=(8, LENGTH), **changes)
    folder = tmp_path_factory.mktemp("trees")
    return Run(folder, hparams, problems, {}, vocabulary, str(folder), "sample")


@pytest.fixture(scope="module")
def predictor(run):
    keras.utils.set_random_seed(3)
    return Predictor(run, tiny.randomise(run.make_model(), seed=3), BEAM)


def test_none_is_repaired(predictor):
    texts = set()
    for sentence, prediction in zip(SENTENCES, predictor.predict("wsj_parsing", SENTENCES), strict=True):
        assert bool(prediction.text) == bool(sentence.split())
        for beam in prediction.beams:
            texts.add(beam.text)
            assert not isinstance(beam.text, RepairedTree)
            assert len(trees.words(beam.text)) == len(sentence.split())
            assert trees.canonical(beam.text) == beam.text
    assert len(texts) > 12


def test_a_length_that_holds_no_tree_of_the_sentence(predictor):
    """The first words are in the tree that the model writes, and the others are added to it."""
    for words in (LENGTH - 3, LENGTH - 2, 3 * LENGTH):
        [prediction] = predictor.predict("wsj_parsing", ["dog " * words])
        assert isinstance(prediction.text, RepairedTree) == (words > LENGTH - 3)
        assert len(trees.words(prediction.text)) == words
        assert prediction.text.count("(XX dog)") == max(words - (LENGTH - 3), 0)


def test_neither_the_others_nor_their_order_matter(predictor):
    together = predictor.predict("wsj_parsing", SENTENCES)
    assert predictor.predict("wsj_parsing", SENTENCES[::-1])[::-1] == together
    for sentence, one in zip(SENTENCES, together, strict=True):
        [alone] = predictor.predict("wsj_parsing", [sentence])
        assert alone.text == one.text and alone.score == pytest.approx(one.score, rel=1e-5)


def test_outputs_have_room_for_their_trees(predictor, monkeypatch):
    """By default four times as many positions as words, for the brackets."""
    calls = []

    def decoder(problem, options, length):
        calls.append(length)
        return lambda features, rows, texts: Outputs(tf.ones([1, 1, 1], tf.int32), *[tf.zeros([1, 1])] * 2)

    monkeypatch.setattr(predictor, "decoder", decoder)
    free = BEAM.replace(decode_length=None)
    for options in (free, free.replace(constrain=False), BEAM):
        for words in (1, 4, 5, 8, 9, 30):
            predictor.predict("wsj_parsing", ["dog " * words], options=options)
    assert calls == [16, 16, 32, 32, 64, 128] + [16, 16, 16, 16, 16, 32] + 6 * [16]


def test_of_a_picture_there_is_a_tree_of_some_words(predictor):
    pictures = list(np.random.default_rng(0).random((4, 32, 32, 3)))
    predictions = predictor.predict(predictor.zero_shot("captions", "wsj_parsing"), pictures)
    for text in (beam.text for one in predictions for beam in one.beams):
        words = sum(token[0] not in "()" for token in text.split())
        assert words and trees.well_formed(trees.unlinear("a " * words, text), text)
