"""Small models whose outputs vary from input to input, and end at different lengths."""

import copy
import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2tlite.data.text.vocabulary import Vocabulary
from t2tlite.decoding.options import DecodeOptions
from t2tlite.decoding.predictor import Predictor
from t2tlite.decoding.search.decode import SETTINGS, DecodeConfig, decode, settings
from t2tlite.decoding.search.outputs import Outputs
from t2tlite.ids import EOS
from t2tlite.run import Run

from ..models import tiny

NAMES = ("translation", "captions", "spoken")
GREEDY = DecodeOptions(beam_size=1)


def features_of(name, size=6, seed=1):
    """Features without targets, of inputs that differ from one another more than noise does."""
    features = {key: value.numpy() for key, value in tiny.batch(name, size, seed).items() if key != "targets"}
    strength = np.random.default_rng(seed).random((size, 3)).astype(np.float32) ** 2
    if name in ("captions", "pictures"):
        features["inputs"] *= strength[:, None, None]
    if name == "spoken":
        features["inputs"] *= strength[:, :1]
    return features


def make_model(hparams=tiny.HPARAMS, names=NAMES, seed=1):
    """A model with random weights that favour no entry.

    The cause of a favoured entry is what the last representations have in common, so that is taken out of
    the softmax matrix.
    """
    keras.utils.set_random_seed(seed)
    model = tiny.model((*names, "pictures"), hparams, seed)
    net = model.target_net(names[0])
    matrix = net.embedding if hparams.shared_embedding_and_softmax_weights else net.softmax
    representations = []
    for name in names:
        features = {**features_of(name, 8), "targets": tiny.batch("translation", 8)["targets"]}
        logits = model(features, problem=name).logits.numpy()
        representations.append(logits.reshape(-1, tiny.VOCABULARY.size) @ np.linalg.pinv(matrix.numpy()).T)
    common = np.linalg.qr(np.stack([x.mean(axis=0) for x in representations], axis=1))[0]
    centred = matrix.numpy() - matrix.numpy() @ common @ common.T
    centred *= 3.0 / np.std(np.concatenate(representations) @ centred.T)
    centred[EOS] *= 1.5  # so that a good part of the outputs ends
    matrix.assign(centred)
    return model


@pytest.fixture(scope="session")
def model():
    return make_model()


@pytest.fixture(scope="session")
def make():
    return make_model


@pytest.fixture(scope="session")
def inputs():
    return features_of


class Decoder:
    """Decodes batches of one problem of a model; `function` is what was compiled."""

    def __init__(self, model, problem, config):
        body = functools.partial(decode, model, problem, config, None)
        spec = tiny.PROBLEMS[problem].inputs.input_reader(None, tiny.HPARAMS).spec
        signature = [spec, tf.TensorSpec([None], tf.int32), {}, SETTINGS]
        self.function = tf.function(body, input_signature=signature, autograph=False)

    def __call__(self, features, options, rows=None):
        rows = np.arange(len(features["inputs"]), dtype=np.int32) if rows is None else rows
        return self.function(features, rows, {}, settings(options))


@pytest.fixture(scope="session")
def decoded():
    """A function of a model, a problem, features, a length and options: `Outputs` as arrays.

    Each way is compiled once.
    """
    functions = {}

    def get(model, problem, features, length, options=GREEDY, rows=None):
        config = DecodeConfig.from_options(options, length)
        key = id(model), problem, config
        if key not in functions:
            functions[key] = Decoder(model, problem, config)
        return Outputs(*(x.numpy() for x in functions[key](features, options, rows)))

    get.functions = functions
    return get


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """A `Run` that was never trained, for text, images and audio to text, and images to classes."""
    texts = [f"the {colour} {thing}" for colour in ("red", "blue", "green") for thing in ("circle", "square")]
    vocabulary = Vocabulary.train(texts, 285)
    folder = tmp_path_factory.mktemp("run")
    problems = {name: copy.copy(tiny.PROBLEMS[name]) for name in (*NAMES, "pictures")}
    hparams = tiny.HPARAMS.replace(length_bounds=(8, 16), seconds_bounds=(0.1, 0.3))
    return Run(
        folder, hparams, problems, {"pictures": tiny.CLASSES}, vocabulary, str(folder / "data"), "sample"
    )


@pytest.fixture(scope="session")
def predictor(run):
    """Of that run, with random weights; greedy, which compiles in a third of the time."""
    keras.utils.set_random_seed(1)
    return Predictor(run, tiny.randomise(run.make_model(), seed=1), GREEDY)
