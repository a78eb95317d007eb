"""A run that `t2tlite.train` made, of problems that are defined here and not in an installed package."""

import threading
import types

import keras
import pytest

import t2tlite
from t2tlite import problem

WORDS = ("red", "green", "blue", "small", "large", "old", "new", "wet", "dry", "warm")
HPARAMS = {
    "hidden_size": 16,
    "num_heads": 2,
    "num_encoder_layers": 1,
    "num_mixer_layers": 1,
    "num_decoder_layers": 1,
    "moe": "none",
    "vocabulary_size": 0,
    "batch_tokens": 64,
    "length_bounds": [8, 16],
}


class Opposite(problem.Problem):
    """The words of a text, the other way round."""

    inputs = problem.Text()
    targets = problem.Text()
    command = "to_opposite"
    metrics = ("bleu",)

    def examples(self, split, source):
        for word in WORDS:
            yield {"inputs": f"the {word} {split}", "targets": f"{split} {word} the"}


def sizes():
    """A problem of classes, from pairs."""
    pairs = [(f"the {word}", number % 2) for number, word in enumerate(WORDS)] * 4
    return t2tlite.from_examples("sizes", train=pairs, targets=problem.Label(), labels=["even", "odd"])


class Calls(keras.callbacks.Callback):
    """Notes each call with the names of its logs, and stops after the second update."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def on_train_begin(self, logs=None):
        self.calls.append("train begins")

    def on_train_batch_begin(self, batch, logs=None):
        self.calls.append(f"update {batch} begins")

    def on_train_batch_end(self, batch, logs=None):
        self.calls.append((batch, dict(logs)))
        self.model.stop_training = batch == 1

    def on_test_begin(self, logs=None):
        self.calls.append("test begins")

    def on_test_end(self, logs=None):
        self.calls.append(dict(logs))

    def on_train_end(self, logs=None):
        self.calls.append("train ends")


@pytest.fixture(scope="module")
def trained(tmp_path_factory, eager, registered_here_only):
    """What a training of two updates gave; it ran in a thread of its own, as in a notebook's widget."""
    folder, calls = tmp_path_factory.mktemp("api") / "run", Calls()
    arguments = {
        "problems": [Opposite, sizes()],
        "output_dir": folder,
        "hparams_set": "multimodel_tiny",
        "hparams": HPARAMS,
        "train_steps": 9,
        "callbacks": [calls],
        "log_steps": 1,
        "eval_steps": 1,
        "dry_run": False,
    }
    results = []
    with registered_here_only(), eager():
        thread = threading.Thread(target=lambda: results.append(t2tlite.train(**arguments)))
        thread.start()
        thread.join()
        [run] = results
        yield types.SimpleNamespace(run=run, arguments=arguments, calls=list(calls.calls))
