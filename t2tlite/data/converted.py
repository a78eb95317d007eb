"""Records as the model reads them, after a problem's `to_text`: one at a time, or as a copy of all files."""

import contextlib
import hashlib
import inspect
import itertools
import json
import os
import pathlib
import sys

import tensorflow as tf

from t2tlite.data import damage, records
from t2tlite.errors import UserError
from t2tlite.files import write_json
from t2tlite.problem import Problem
from t2tlite.version import __version__

_FRAME_BYTES = 16  # what a TFRecord adds to each record


def record(problem: Problem, stored: bytes) -> bytes:
    """What `to_text` makes of a record."""
    features = records.stored_features(problem)
    example = _swapped(problem, problem.to_text(_swapped(problem, records.deserialize(stored, features))))
    return records.serialize(example, features, f"to_text of `{problem.name}`")


def folder(problem: Problem, data_dir) -> pathlib.Path:
    """Where the converted copy of the problem's data is."""
    return records.corpus_dir(problem, data_dir) / f"converted-{problem.name}"


def written(problem: Problem, split: str, data_dir) -> list[dict]:
    """The files of a converted copy as `records.split_index` has them; none where there is no copy."""
    return _read(folder(problem, data_dir), split).get("files", [])


def files(problem: Problem, split: str, data_dir) -> list[dict]:
    """Files with converted records, which are written unless they are there; as of `records.split_index`.

    The copy is that of these records, the module of the problem's class and this version of t2tlite; and its
    first records are compared, since `to_text` may call what is defined elsewhere.

    Raises:
      UserError: the data is missing or damaged, or the copy can't be written.
    """
    fingerprint = _fingerprint(problem, split, data_dir)
    found = _read(folder(problem, data_dir), split)
    if found.get("fingerprint") == fingerprint and _is_fresh(problem, split, data_dir, found["files"]):
        return found["files"]
    print(f"{problem.name} {split}: converting the data once, with to_text", file=sys.stderr, flush=True)
    target = folder(problem, data_dir)
    try:
        target.mkdir(exist_ok=True)
        made = [
            _convert(problem, split, data_dir, file, target)
            for file in records.split_index(problem, split, data_dir)
        ]
        write_json(target / f"{split}.index.json", {"fingerprint": fingerprint, "files": made})
    except (OSError, tf.errors.ResourceExhaustedError, tf.errors.PermissionDeniedError) as error:
        reason = error.strerror if isinstance(error, OSError) else error.message
        raise UserError(
            f"can't write {target}, a copy of `{problem.name}` {split} after to_text: {reason}; make room, "
            "or use another --data_dir"
        ) from None
    return written(problem, split, data_dir)


def _swapped(problem, example):
    return {"inputs": example["targets"], "targets": example["inputs"]} if problem.swap else example


def _fingerprint(problem, split, data_dir):
    module = sys.modules[type(problem).__module__]
    try:
        source = inspect.getsource(module)
    except (OSError, TypeError):  # defined at a prompt
        source = ""
    stored = records.manifest(problem, data_dir)["splits"][split]["sha256"]
    parts = [__version__, problem.name, type(problem).__qualname__, source, stored]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode("utf-8")).hexdigest()


def _read(where, split):
    try:
        found = json.loads((where / f"{split}.index.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    for file in found["files"]:
        file["file"] = str(where / file["file"])
    return found


def _is_fresh(problem, split, data_dir, copied):
    for file in copied:
        path = pathlib.Path(file["file"])
        if not path.exists() or path.stat().st_size != file["bytes"]:
            return False
    first = itertools.islice(records.serialized(problem, split, data_dir), records.CHUNK)
    copy = tf.data.TFRecordDataset(copied[0]["file"]).take(records.CHUNK)
    return [record(problem, stored) for stored in first] == [found.numpy() for found in copy]


def _convert(problem, split, data_dir, file, target):
    """Writes the copy of one file, whole or not at all, and returns its entry of the index."""
    path = target / pathlib.Path(file["file"]).name
    part = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    offsets, size, count = [], 0, 0
    with contextlib.ExitStack() as undo:
        undo.callback(part.unlink, missing_ok=True)
        with tf.io.TFRecordWriter(str(part)) as writer:
            for stored in damage.batches(tf.data.TFRecordDataset(file["file"]), problem, split, data_dir):
                if count % records.CHUNK == 0:
                    offsets.append(size)
                made = record(problem, stored.numpy())
                writer.write(made)
                size += len(made) + _FRAME_BYTES
                count += 1
        with open(part, "rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        part.replace(path)
    return {"file": path.name, "examples": count, "bytes": size, "sha256": digest, "offsets": offsets}
