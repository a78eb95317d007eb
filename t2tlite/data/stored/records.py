"""Record files of what a person can read: text, encoded images, PCM audio, names of classes."""

import os
import pathlib
from collections.abc import Container, Iterable
from typing import Any

import tensorflow as tf

from t2tlite.errors import UserError
from t2tlite.features.named import flatten, nest
from t2tlite.problem import Problem

FRAME_BYTES = 16  # what a TFRecord adds to each record
CHUNK = 64  # records between two offsets of the index; training shuffles chunks of large corpora


def corpus_name(problem: Problem) -> str:
    """Name of the folder with the problem's prepared data."""
    return problem.corpus or problem.name


def corpus_dir(problem: Problem, data_dir: str | os.PathLike) -> pathlib.Path:
    return pathlib.Path(data_dir) / corpus_name(problem)


def stored_features(problem: Problem) -> dict[str, Any]:
    """The features as the corpus has them: for a problem that swaps, the other way round."""
    features = problem.features()
    return {"inputs": features["targets"], "targets": features["inputs"]} if problem.swap else features


def serialize(
    example: dict[str, Any], features: dict[str, Any], where: str, labels: Container[str] | None = None
) -> bytes:
    """One example of a corpus as a serialized `tf.train.Example`.

    Args:
      example: what `Problem.examples` yields.
      features: feature by name, as the corpus has them.
      where: which example this is, for the message.
      labels: the names of classes there are.

    Raises:
      UserError: a value is missing or is not what its feature stands for.
    """
    values_of = flatten(example, features) if isinstance(example, dict) else {}
    present = {name for name, feature in features.items() if not feature.is_missing(values_of.get(name))}
    if not isinstance(example, dict) or not present <= values_of.keys() <= features.keys():
        received = sorted(values_of) if isinstance(example, dict) else type(example).__name__
        raise UserError(f"{where} has {received}; expected a dict with the keys {_keys(features)}")
    message = tf.train.Example()
    # Filled in place, which takes half as long as putting messages together.
    stored = message.features.feature
    for name, feature in features.items():
        if name not in present:
            continue
        try:
            values = feature.to_record(values_of[name], labels)
        except (TypeError, ValueError) as error:
            raise UserError(f"{where}: `{name}` is {error}") from None
        stored[name].bytes_list.value.extend(values)
    return message.SerializeToString(deterministic=True)


def _keys(features: Iterable[str]) -> str:
    """What an example must have, for a message."""
    if all(name in ("inputs", "targets") for name in features):
        return str(sorted(features))
    return f"{sorted(features)} (`inputs.NAME`: NAME in the dict of `inputs`)"


def deserialize(record: bytes, features: dict[str, Any]) -> dict[str, Any]:
    """The inverse of `serialize`; a text with one reference is a `str`, with more a list of `str`."""
    stored = tf.train.Example.FromString(record).features.feature
    return nest(
        {
            name: feature.from_record(list(stored[name].bytes_list.value))
            for name, feature in features.items()
            if not feature.optional or name in stored
        }
    )
