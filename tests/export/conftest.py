"""A small model of problems of every kind, never trained, with a real vocabulary; and its export."""

import copy

import keras
import pytest

from t2tlite import registry
from t2tlite.data.text.vocabulary import Vocabulary
from t2tlite.decoding.options import DecodeOptions
from t2tlite.decoding.predictor import Predictor
from t2tlite.export import saved_model
from t2tlite.problems import trees
from t2tlite.run import Run

from ..models import tiny

NAMES = ("translation", "captions", "spoken", "pictures")
HPARAMS = tiny.HPARAMS.replace(
    num_encoder_layers=1,
    num_mixer_layers=0,
    num_decoder_layers=1,
    audio_blocks=1,
    audio_strided_blocks=1,
    length_bounds=(8, 16),
    seconds_bounds=(0.1, 0.3),
)


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    texts = [f"the {colour} {thing}" for colour in ("red", "blue", "green") for thing in ("circle", "square")]
    parsing = registry.get_problem("wsj_parsing")
    problems = {name: copy.copy(tiny.PROBLEMS[name]) for name in NAMES} | {"wsj_parsing": parsing}
    folder = tmp_path_factory.mktemp("run")
    return Run(
        folder,
        HPARAMS,
        problems,
        {"pictures": tiny.CLASSES},
        Vocabulary.train(texts * 3, 440, trees.SYMBOLS),
        str(folder / "data"),
        "sample",
    )


@pytest.fixture(scope="session")
def predictor(run):
    keras.utils.set_random_seed(1)
    model = tiny.randomise(run.make_model(), seed=1)
    options = DecodeOptions(beam_size=3, alpha=1.0, return_beams=True, batch_size=3)
    return Predictor(run, model, options)


@pytest.fixture(scope="session")
def exported(predictor, tmp_path_factory):
    """The `Export` of all problems."""
    path = tmp_path_factory.mktemp("export") / "all"
    return saved_model.export(predictor, predictor.problems, path, "step-00000007")
