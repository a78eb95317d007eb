"""Prepared data of the eight problems, small, and a way to train on it without waiting for graphs."""

import contextlib
import gc
import subprocess
import sys
import warnings

import pytest
import tensorflow as tf

from t2tlite import registry
from t2tlite.data.preparing import generate

COUNTS = {"train": 40, "validation": 6, "test": 4}

# Training collects garbage whenever something was compiled. What has been imported by now stays: to look
# through its million objects each time took a fifth of a test's time.
gc.collect()
gc.freeze()


@pytest.fixture(scope="session")
def sample_data(tmp_path_factory):
    """The folder of prepared data of all problems: the first examples of the sample world."""
    from t2tlite.problems.sample_world import corpora

    folder = tmp_path_factory.mktemp("sample_data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpora, "COUNTS", dict.fromkeys(corpora.COUNTS, COUNTS))
        for problem in registry.problems("all"):
            generate.generate([problem], folder, "sample", progress=False, processes=1)
    return folder


@pytest.fixture
def mistake_in_a_process():
    """A function of a command and its arguments: what is said of a mistake, without TensorFlow."""

    def error_of(command: str, *argv: str) -> str:
        code = (
            f"import sys; from t2tlite.bin import {command}; status = {command}.main(sys.argv[1:]);"
            "sys.exit(status if 'tensorflow' not in sys.modules else 99)"
        )
        completed = subprocess.run([sys.executable, "-P", "-c", code, *argv], capture_output=True, text=True)
        assert completed.returncode == 2, completed.stderr
        assert completed.stderr.count("\n") == 1
        return completed.stderr

    return error_of


@contextlib.contextmanager
def users_folder(*modules):
    """What is registered and imported within it is gone after it: `modules` are those of the folder."""
    default = registry.get.__self__
    default.names("problem")  # the scan of installed packages is not the folder's
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(default, "_entries", dict(default._entries))
        patch.setattr(default, "_things", dict(default._things))
        patch.setattr(sys, "path", list(sys.path))
        yield
    for module in modules:
        sys.modules.pop(module, None)


@pytest.fixture(scope="session")
def registered_here_only():
    """`with registered_here_only(MODULE): ...`: `users_folder`, for fixtures of a wider scope."""
    return users_folder


@contextlib.contextmanager
def run_eagerly():
    """Runs tf.functions as Python: to trace one takes seconds, a step of a tiny model takes less."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Even though the `tf.config.experimental_run_functions_eagerly`")
        tf.config.run_functions_eagerly(True)
        try:
            yield
        finally:
            tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="session")
def eager():
    """`with eager(): ...`: `run_eagerly`, for fixtures of a wider scope."""
    return run_eagerly


@pytest.fixture
def eagerly():
    """`run_eagerly` for the whole test."""
    with run_eagerly():
        yield
