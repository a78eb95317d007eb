"""t2tlite: one model for many problems, after Tensor2Tensor and "One Model To Learn Them All"."""

import importlib
import os
from typing import TYPE_CHECKING, Any

from t2tlite.version import __version__ as __version__

if TYPE_CHECKING:
    from t2tlite.api.decoding import decode as decode
    from t2tlite.api.decoding import decode_file as decode_file
    from t2tlite.api.evaluation import evaluate as evaluate
    from t2tlite.api.examples import from_examples as from_examples
    from t2tlite.api.experiments import run_experiment as run_experiment
    from t2tlite.api.problems import register as register
    from t2tlite.api.trained import TrainedRun as TrainedRun
    from t2tlite.api.training import train as train
    from t2tlite.decoding.options import DecodeOptions as DecodeOptions
    from t2tlite.decoding.predictor import Predictor
    from t2tlite.export.keras_model import ProblemModel
    from t2tlite.run import Run

# Imported once they are asked for: each module of t2tlite imports this one first.
_LAZY = {
    "DecodeOptions": "t2tlite.decoding.options",
    "TrainedRun": "t2tlite.api.trained",
    "decode": "t2tlite.api.decoding",
    "decode_file": "t2tlite.api.decoding",
    "evaluate": "t2tlite.api.evaluation",
    "from_examples": "t2tlite.api.examples",
    "register": "t2tlite.api.problems",
    "run_experiment": "t2tlite.api.experiments",
    "train": "t2tlite.api.training",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY])


def load(
    output_dir: str | os.PathLike,
    checkpoint_path: str | os.PathLike | None = None,
    options: "DecodeOptions | None" = None,
) -> "Predictor":
    """A `Predictor` for the run in a folder: `t2tlite.load(output_dir).predict("wmt_ende", ["..."])`.

    Args:
      output_dir: the `--output_dir` of a training.
      checkpoint_path: one of its checkpoints; default: the newest.
      options: a `t2tlite.decoding.options.DecodeOptions`; default: a beam search with 4 beams.

    Raises:
      UserError: there is no run or no checkpoint, or it is broken.
    """
    from t2tlite.decoding.predictor import Predictor  # imports TensorFlow

    return Predictor.load(output_dir, checkpoint_path, options)


def keras_model(
    run: "Run | str | os.PathLike",
    problem: str | None = None,
    checkpoint_path: str | os.PathLike | None = None,
) -> "ProblemModel":
    """An ordinary Keras model of one problem of a run: `fit`, `predict`, `summary`, `save`.

    Args:
      run: a `t2tlite.run.Run`, or the `--output_dir` of a training.
      problem: its name; may be left out where the run has only one.
      checkpoint_path: one of its checkpoints; default: the newest.

    Raises:
      UserError: there is no run or no checkpoint, or it is broken, or the run has no such problem.
    """
    from t2tlite.export import keras_model  # imports TensorFlow

    return keras_model.keras_model(run, problem, checkpoint_path)
