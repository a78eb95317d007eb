"""Decoding with a run: what `t2t-decode` does with files, and `t2tlite.decode`."""

import dataclasses
import functools
import os
import pathlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from t2tlite import quiet
from t2tlite.checkpoints import locate
from t2tlite.decoding import problem_names
from t2tlite.decoding.files.job import LineJob
from t2tlite.decoding.options import DecodeOptions
from t2tlite.run import read_description
from t2tlite.version import __version__

if TYPE_CHECKING:
    from t2tlite.decoding.predictor import Prediction, Predictor


def decode(
    output_dir: str | os.PathLike,
    inputs: Iterable[Any],
    problem: str | None = None,
    *,
    options: DecodeOptions | None = None,
    checkpoint_path: str | os.PathLike | None = None,
    keep_errors: bool = False,
) -> "list[Prediction]":
    """One `Prediction` for each input, in their order. To decode more than once, keep a `t2tlite.load`.

    Args:
      output_dir: the run's folder.
      inputs: as `Predictor.predict` takes them.
      problem: its name; not needed where the run has only one.
      options: how to decode; default: a beam search with 4 beams.
      checkpoint_path: a checkpoint, or a folder of them; default: the newest.
      keep_errors: an input that can't be read gives a `Prediction` with its `error`.

    Raises:
      UserError: there is no run, checkpoint or such problem, or an input can't be read.
    """
    name, checkpoint, _ = find(output_dir, problem, checkpoint_path)
    predictor = load(output_dir, checkpoint, options or DecodeOptions(), many=False)
    return predictor.predict(name, inputs, keep_errors)


def decode_file(
    output_dir: str | os.PathLike,
    source: str | os.PathLike,
    to: str | os.PathLike | None,
    problem: str | None = None,
    *,
    scoring: bool = False,
    write_scores: bool = False,
    options: DecodeOptions | None = None,
    checkpoint_path: str | os.PathLike | None = None,
) -> tuple[int, int]:
    """Decodes a file line by line into another one; stopped, the same call goes on where it was.

    Args:
      output_dir: the run's folder.
      source: a text, or the path of a picture or sound, a line; "-": standard input.
      to: path of the outputs, a line for each line; None: standard output.
      problem: its name; not needed where the run has only one.
      scoring: whether lines are pairs `input<TAB>target`, whose log-probability is written.
      write_scores: whether each text is followed by a tab and its score.
      options, checkpoint_path: as for `decode`.

    Returns:
      How many lines there were, and how many of them are errors.

    Raises:
      UserError: there is no run, checkpoint or such problem, or a file can't be read or written.
    """
    options = options or DecodeOptions()
    name, checkpoint, identity = find(output_dir, problem, checkpoint_path)
    outputs = {"t2tlite": __version__, "problem": name, "output": "scores" if scoring else "texts"}
    if not scoring:
        outputs |= {field: str(value) for field, value in dataclasses.asdict(options).items()}
        outputs["write_scores"] = str(write_scores)
        del outputs["batch_size"]  # who runs out of memory goes on with a smaller one
    flag = "score_file" if scoring else "decode_from_file"
    loader = functools.partial(load, output_dir, checkpoint, options, many=True)
    target = os.fspath(to) if to else None
    job = LineJob(os.fspath(source), flag, target, name, scoring, write_scores, identity | outputs, loader)
    return job.run()


def find(
    output_dir: str | os.PathLike,
    problem: str | None,
    checkpoint_path: str | os.PathLike | None,
    any_will_do: bool = False,
) -> tuple[str, pathlib.Path, dict[str, str]]:
    """The problem, the checkpoint, and what identifies run and checkpoint. Needs no TensorFlow.

    Args:
      any_will_do: where no problem is named, the first of several is taken.

    Raises:
      UserError: there is no run, checkpoint or such problem, or several problems to choose from.
    """
    folder = os.fspath(output_dir)
    description = read_description(pathlib.Path(folder))
    name = problem_names.chosen(problem, problem_names.of_run(description), folder, any_will_do)
    checkpoint = locate.find(folder, os.fspath(checkpoint_path) if checkpoint_path else None)
    return name, checkpoint, locate.identity(description, checkpoint)


def load(
    output_dir: str | os.PathLike, checkpoint: pathlib.Path, options: DecodeOptions, many: bool
) -> "Predictor":
    """The predictor; for many inputs operations are not split among the cores."""
    quiet.start_tensorflow()
    from t2tlite.decoding import cores
    from t2tlite.decoding.predictor import Predictor

    if many:
        cores.limit_operation_threads()
    return Predictor.load(output_dir, checkpoint, options)
