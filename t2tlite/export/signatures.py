"""Signatures: from raw inputs to what people read, as functions of a graph."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from t2tlite.decoding.predictor import Predictor
from t2tlite.errors import UserError
from t2tlite.export import outputs
from t2tlite.export.chunks import in_chunks
from t2tlite.features.raw import RawReader
from t2tlite.features.text_tensors import RawTargets

_ERROR = {"error": "why there is no output for an input; empty where there is one"}


@dataclasses.dataclass(frozen=True)
class Signature:
    """One function of an export.

    Attributes:
      name: by which it is called.
      problem: whose it is.
      function: the concrete function.
      inputs, outputs: `{name: what it is}`, for people.
    """

    name: str
    problem: str
    function: Any
    inputs: dict[str, str]
    outputs: dict[str, str]


def of_problem(predictor: Predictor, problem: str, scores: bool = True) -> list[Signature]:
    """The signatures of a problem: NAME; NAME_wav, where it reads sound; NAME_score, where it writes text.

    Args:
      predictor: whose run, model, options and compiled functions are used.
      problem: its name.
      scores: whether there are signatures for scores.
    """
    run, size = predictor.run, predictor.options.batch_size
    inputs, targets = run.problems[problem].inputs, run.problems[problem].targets
    readers = inputs.raw_readers(run.vocabulary, run.hparams)
    if not readers:
        raise UserError(f"problem `{problem}` reads {inputs.kind}, which can't be read in a graph")
    writer = outputs.writer(predictor, problem)
    signatures = [_decoding(problem, reader, writer, size) for reader in readers]
    if scores and targets.is_text:
        raw_targets, scorer = RawTargets(run.vocabulary, run.hparams), outputs.Scores(predictor, problem)
        signatures += [_scoring(problem, reader, raw_targets, scorer, size) for reader in readers]
    return signatures


def _decoding(
    problem: str, reader: RawReader, writer: outputs.Texts | outputs.Classes, size: int
) -> Signature:
    def decode(**arguments: tf.Tensor) -> dict[str, tf.Tensor]:
        read = reader.read(**arguments)
        valid = (read.error == "") & ~read.blank

        def write(rows: tf.Tensor) -> dict[str, tf.Tensor]:
            texts = None if read.texts is None else tf.gather(read.texts, rows)
            return writer.write(read.features(rows), rows, texts)

        return {**in_chunks(write, writer.specs, valid, read.length, size), "error": read.error}

    function = _concrete(decode, reader.spec)
    return Signature(
        f"{problem}{reader.suffix}", problem, function, reader.accepts, {**writer.meanings, **_ERROR}
    )


def _scoring(
    problem: str, reader: RawReader, targets: RawReader, scores: outputs.Scores, size: int
) -> Signature:
    def score(**arguments: tf.Tensor) -> dict[str, tf.Tensor]:
        expected = targets.read(targets=arguments.pop("targets"))
        read = reader.read(**arguments)
        error = tf.where(read.error == "", expected.error, read.error)

        def write(rows: tf.Tensor) -> dict[str, tf.Tensor]:
            return scores.write({**read.features(rows), **expected.features(rows)}, rows)

        values = in_chunks(write, scores.specs, error == "", tf.maximum(read.length, expected.length), size)
        return {**values, "error": error}

    return Signature(
        f"{problem}{reader.suffix}{scores.suffix}",
        problem,
        _concrete(score, {**reader.spec, **targets.spec}),
        {**reader.accepts, **targets.accepts},
        {**scores.meanings, **_ERROR},
    )


def _concrete(function: Callable[..., Any], spec: Mapping[str, Any]) -> Any:
    named = {name: tf.TensorSpec(one.shape, one.dtype, name) for name, one in spec.items()}
    return tf.function(function, autograph=False).get_concrete_function(**named)
