"""Record files of what a person can read: text, encoded images, PCM audio, names of classes."""

import itertools
import json
import pathlib
from collections.abc import Container, Iterator
from typing import Any

import tensorflow as tf

from t2tlite.errors import UserError
from t2tlite.features.named import flatten, nest
from t2tlite.problem import Problem

SPLITS = ("train", "validation", "test")
CHUNK = 64  # records between two offsets of the index; training shuffles chunks of large corpora


def corpus_name(problem: Problem) -> str:
    """Name of the folder with the problem's prepared data."""
    return problem.corpus or problem.name


def corpus_dir(problem: Problem, data_dir) -> pathlib.Path:
    return pathlib.Path(data_dir) / corpus_name(problem)


def stored_features(problem: Problem) -> dict[str, Any]:
    """The features as the corpus has them: for a problem that swaps, the other way round."""
    features = problem.features()
    return {"inputs": features["targets"], "targets": features["inputs"]} if problem.swap else features


def serialize(
    example: dict[str, Any], features: dict[str, Any], where: str, labels: Container[str] | None = None
) -> bytes:
    """One example of a corpus as a serialised `tf.train.Example`.

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
        got = sorted(values_of) if isinstance(example, dict) else type(example).__name__
        raise UserError(f"{where} has {got}; expected a dict with the keys {_keys(features)}")
    made = tf.train.Example()
    stored = made.features.feature  # filled in place, which takes half as long as putting messages together
    for name, feature in features.items():
        if name not in present:
            continue
        try:
            values = feature.to_record(values_of[name], labels)
        except (TypeError, ValueError) as error:
            raise UserError(f"{where}: `{name}` is {error}") from None
        stored[name].bytes_list.value.extend(values)
    return made.SerializeToString(deterministic=True)


def _keys(features) -> str:
    """What an example must have, for a message."""
    if all(name in ("inputs", "targets") for name in features):
        return str(sorted(features))
    return f"{sorted(features)} (`inputs.NAME`: NAME in the dict of `inputs`)"


def deserialize(record: bytes, features: dict[str, Any]) -> dict[str, Any]:
    """The inverse of `serialize`; a text with one reference is a `str`, with more a list of `str`."""
    found = tf.train.Example.FromString(record).features.feature
    return nest(
        {
            name: feature.from_record(list(found[name].bytes_list.value))
            for name, feature in features.items()
            if not feature.optional or name in found
        }
    )


def manifest(problem: Problem, data_dir) -> dict[str, Any]:
    """What is known of a problem's prepared data: source, counts, checksums, labels.

    Raises:
      UserError: there is none, or it is not complete.
    """
    path = corpus_dir(problem, data_dir) / "manifest.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(
            f"no prepared data for `{problem.name}`: {path} is missing; prepare it with "
            f"t2t-datagen --problems={problem.name} --source={'|'.join(problem.sources) or 'sample'} "
            f"--data_dir={data_dir}"
        ) from None
    except ValueError:
        raise UserError(f"{path} is damaged; delete the folder {path.parent} and prepare it again") from None


def split_index(problem: Problem, split: str, data_dir) -> list[dict[str, Any]]:
    """The files of a split: `file` (path), `examples`, `bytes`, and `offsets` of each `CHUNK`th record.

    Raises:
      UserError: unknown split, no complete data, or files of it are gone or have another size.
    """
    if split not in SPLITS:
        raise UserError(f"unknown split `{split}`; expected one of {', '.join(SPLITS)}")
    manifest(problem, data_dir)
    folder = corpus_dir(problem, data_dir)
    files = json.loads((folder / f"{split}.index.json").read_text(encoding="utf-8"))["files"]
    for file in files:
        file["file"] = str(folder / file["file"])
        path = pathlib.Path(file["file"])
        if not path.exists() or path.stat().st_size != file["bytes"]:
            raise UserError(
                f"{path} is missing or not the size it was written with; delete the folder {folder} "
                "and prepare the data again"
            )
    return files


def serialized(problem: Problem, split: str, data_dir) -> Iterator[bytes]:
    """The records of a split as they are stored.

    Raises:
      UserError: the data is missing, not complete, or damaged.
    """
    for file in split_index(problem, split, data_dir):
        try:
            for block in tf.data.TFRecordDataset(file["file"]).batch(256):
                yield from block.numpy()
        except tf.errors.DataLossError:
            message = f"{file['file']} is damaged; delete its folder and prepare the data again"
            raise UserError(message) from None


def raw_examples(problem: Problem, split: str, data_dir, limit: int | None = None) -> Iterator[dict]:
    """Examples as people read them: text, image bytes, waveforms, label names; `limit` is the most of them.

    Raises:
      UserError: the data is missing, not complete, or damaged.
    """
    features = stored_features(problem)
    for record in itertools.islice(serialized(problem, split, data_dir), limit):
        example = deserialize(record, features)
        if problem.swap:
            example = {"inputs": _one(example["targets"]), "targets": example["inputs"]}
        yield example


def _one(value):
    """Of several references, which a swapped problem would read, the first."""
    return value[0] if isinstance(value, list) else value
