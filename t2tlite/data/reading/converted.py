"""Records as the model reads them, after a problem's `to_text`: one at a time, or as a copy of all files."""

import contextlib
import hashlib
import inspect
import itertools
import json
import os
import pathlib
import sys
from typing import Any

import tensorflow as tf

from t2tlite.data.stored import damage, records
from t2tlite.data.stored.prepared import PreparedSplit
from t2tlite.errors import UserError
from t2tlite.files import write_json
from t2tlite.problem import Problem
from t2tlite.version import __version__


def record(problem: Problem, stored: bytes) -> bytes:
    """What `to_text` makes of a record."""
    features = records.stored_features(problem)
    example = _swapped(problem, problem.to_text(_swapped(problem, records.deserialize(stored, features))))
    return records.serialize(example, features, f"to_text of `{problem.name}`")


def files(split: PreparedSplit) -> list[dict]:
    """Files with converted records, which are written unless they are there; as `PreparedSplit.files`.

    The copy is that of these records, the module of the problem's class and this version of t2tlite; and its
    first records are compared, since `to_text` may call what is defined elsewhere.

    Raises:
      UserError: the data is missing or damaged, or the copy can't be written.
    """
    fingerprint = _fingerprint(split)
    what = f"{split.problem.name} {split.name}"
    target = split.folder / f"converted-{split.problem.name}"
    copy = _read(target, split.name)
    if copy.get("fingerprint") == fingerprint and _is_fresh(split, copy["files"]):
        return copy["files"]
    print(f"{what}: converting the data once, with to_text", file=sys.stderr, flush=True)
    try:
        target.mkdir(exist_ok=True)
        entries = [_convert(split, file, target) for file in split.files]
        write_json(target / f"{split.name}.index.json", {"fingerprint": fingerprint, "files": entries})
    except (OSError, tf.errors.ResourceExhaustedError, tf.errors.PermissionDeniedError) as error:
        reason = error.strerror if isinstance(error, OSError) else error.message
        raise UserError(
            f"can't write {target}, a copy of {what} after to_text: {reason}; make room, "
            "or use another --data_dir"
        ) from None
    return _read(target, split.name)["files"]


def _swapped(problem: Problem, example: dict[str, Any]) -> dict[str, Any]:
    return {"inputs": example["targets"], "targets": example["inputs"]} if problem.swap else example


def _fingerprint(split: PreparedSplit) -> str:
    problem = split.problem
    module = sys.modules[type(problem).__module__]
    try:
        source = inspect.getsource(module)
    except (OSError, TypeError):  # defined at a prompt
        source = ""
    parts = [__version__, problem.name, type(problem).__qualname__, source, split.checksums]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode("utf-8")).hexdigest()


def _read(where: pathlib.Path, name: str) -> dict[str, Any]:
    try:
        index = json.loads((where / f"{name}.index.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    for file in index["files"]:
        file["file"] = str(where / file["file"])
    return index


def _is_fresh(split: PreparedSplit, copied: list[dict[str, Any]]) -> bool:
    for file in copied:
        path = pathlib.Path(file["file"])
        if not path.exists() or path.stat().st_size != file["bytes"]:
            return False
    first = itertools.islice(split.records(), records.CHUNK)
    copy = tf.data.TFRecordDataset(copied[0]["file"]).take(records.CHUNK)
    return [record(split.problem, stored) for stored in first] == [tensor.numpy() for tensor in copy]


def _convert(split: PreparedSplit, file: dict[str, Any], target: pathlib.Path) -> dict[str, Any]:
    """Writes the copy of one file, whole or not at all, and returns its entry of the index."""
    path = target / pathlib.Path(file["file"]).name
    part = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    offsets, size, count = [], 0, 0
    with contextlib.ExitStack() as undo:
        undo.callback(part.unlink, missing_ok=True)
        with tf.io.TFRecordWriter(str(part)) as writer:
            for stored in damage.batches(tf.data.TFRecordDataset(file["file"]), split):
                if count % records.CHUNK == 0:
                    offsets.append(size)
                converted = record(split.problem, stored.numpy())
                writer.write(converted)
                size += len(converted) + records.FRAME_BYTES
                count += 1
        with open(part, "rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        part.replace(path)
    return {"file": path.name, "examples": count, "bytes": size, "sha256": digest, "offsets": offsets}
