"""Record files of what a person can read: text, encoded images, PCM audio, names of classes."""

import itertools
import json
import pathlib
from collections.abc import Container, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from t2tlite.errors import UserError
from t2tlite.problem import Problem

SPLITS = ("train", "validation", "test")
CHUNK = 64  # records between two offsets of the index; training shuffles chunks of large corpora
PCM = 32767.0  # the largest sample of 16 bits


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
    if not isinstance(example, dict) or set(example) != set(features):
        got = sorted(example) if isinstance(example, dict) else type(example).__name__
        raise UserError(f"{where} has {got}; expected a dict with the keys {sorted(features)}")
    made = tf.train.Example()
    stored = made.features.feature  # filled in place, which takes half as long as putting messages together
    for name, feature in features.items():
        try:
            values = _TO_BYTES[feature.kind](example[name])
        except (TypeError, ValueError) as error:
            raise UserError(f"{where}: `{name}` is {error}") from None
        if feature.kind == "label" and labels is not None and example[name] not in labels:
            raise UserError(
                f"{where}: `{name}` is {example[name]!r}, which is not one of the problem's labels"
            )
        stored[name].bytes_list.value.extend(values)
    return made.SerializeToString(deterministic=True)


def deserialize(record: bytes, features: dict[str, Any]) -> dict[str, Any]:
    """The inverse of `serialize`; a text with one reference is a `str`, with more a list of `str`."""
    found = tf.train.Example.FromString(record).features.feature
    return {
        name: _FROM_BYTES[feature.kind](list(found[name].bytes_list.value))
        for name, feature in features.items()
    }


def _text_to_bytes(value) -> list[bytes]:
    if isinstance(value, str):
        return [value.encode("utf-8")]  # a lone surrogate raises a ValueError
    values = value
    if not isinstance(values, list | tuple) or not values or not all(isinstance(v, str) for v in values):
        raise ValueError(f"{value!r:.60}; expected a str, or a list of at least one str")
    return [v.encode("utf-8") for v in values]


def _image_to_bytes(value) -> list[bytes]:
    if not isinstance(value, bytes) or not value.startswith((b"\x89PNG", b"\xff\xd8")):
        raise ValueError(f"{value!r:.60}; expected the bytes of a PNG or JPEG file")
    return [value]


def _audio_to_bytes(value) -> list[bytes]:
    samples = np.asarray(value)
    if samples.ndim != 1 or samples.dtype.kind != "f" or not samples.size:
        raise ValueError(f"{samples.dtype} of shape {samples.shape}; expected float samples of shape [n]")
    if not np.isfinite(samples).all() or np.abs(samples).max() > 1.001:
        raise ValueError("a waveform that leaves [-1, 1]; scale it first")
    return [np.round(samples.clip(-1, 1) * PCM).astype("<i2").tobytes()]


def _label_to_bytes(value) -> list[bytes]:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r:.60}; expected the name of a class")
    return [value.encode("utf-8")]


_TO_BYTES = {
    "text": _text_to_bytes,
    "image": _image_to_bytes,
    "audio": _audio_to_bytes,
    "label": _label_to_bytes,
}
_FROM_BYTES = {
    "text": lambda values: values[0].decode() if len(values) == 1 else [v.decode() for v in values],
    "image": lambda values: values[0],
    "audio": lambda values: np.frombuffer(values[0], "<i2").astype(np.float32) / np.float32(PCM),
    "label": lambda values: values[0].decode(),
}


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
