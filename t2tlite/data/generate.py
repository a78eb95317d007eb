"""Data generation: a problem's examples written as record files, whole or not at all."""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import pathlib
import sys
from collections.abc import Iterator, Sequence

import tensorflow as tf

import t2tlite
from t2tlite.data import records, shuffle
from t2tlite.data.progress import track
from t2tlite.data.records import SPLITS, manifest
from t2tlite.errors import UserError
from t2tlite.problem import Problem

VERSION = 1  # of the files' layout
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_HEADER_BYTES = 16  # what a TFRecord adds to each record

__all__ = ["generate", "is_complete", "manifest", "missing_splits"]


def generate(
    problem: Problem,
    data_dir: str | os.PathLike,
    source: str,
    source_dir: str | None = None,
    tmp_dir: str | None = None,
    progress: bool = True,
    splits: Sequence[str] = SPLITS,
) -> None:
    """Writes `data_dir/<corpus>/` unless it is complete; splits that an earlier call finished are kept.

    Args:
      problem: whose examples to write. Its reverse shares them.
      data_dir: holds a folder for each corpus.
      source: where examples come from, e.g. "sample" or "files".
      source_dir: folder with the corpus's own files.
      tmp_dir: for what does not fit in memory while it is shuffled; default: beside the result.
      progress: on stderr.
      splits: writes only these; the data is complete once all are there.

    Raises:
      UserError: the source is not the problem's, the folder holds data of another source, an example is not
        what the problem's features say, or the folder can't be written or is full.
    """
    problem.check_source(source)
    folder = records.corpus_dir(problem, data_dir)
    with _user_errors(folder), contextlib.ExitStack() as stack:
        _make_dir(folder)
        if tmp_dir:
            _make_dir(pathlib.Path(tmp_dir))
        for split in splits:  # always in the same order, so that two processes can't wait for each other
            stack.enter_context(_lock(folder / f".{split}.lock", f"{folder.name} {split}", progress))
        if is_complete(problem, data_dir, source):
            return
        for split in splits:
            index = _read_index(folder, split)
            if index is None:
                _write_split(problem, folder, split, source, source_dir, tmp_dir, progress)
            else:
                _check_same_source(folder, index["source"], source)
        indices = {split: _read_index(folder, split) for split in SPLITS}
        if all(indices.values()):
            labels = _labels(problem, source, source_dir)
            _write_json(folder / "manifest.json", _manifest(problem, source, labels, indices))


def is_complete(problem: Problem, data_dir: str | os.PathLike, source: str) -> bool:
    """Whether the problem's data is there, whole and from this source.

    Raises:
      UserError: there is data, but of another source, other features or another version of t2tlite.
    """
    folder = records.corpus_dir(problem, data_dir)
    if not (folder / "manifest.json").exists():
        return False
    found = manifest(problem, data_dir)
    if found.get("version") != VERSION:
        raise UserError(
            f"{folder} was written by another version of t2tlite (layout {found.get('version')}, "
            f"expected {VERSION}); delete it and prepare the data again"
        )
    _check_same_source(folder, found["source"], source)
    wanted = _kinds(problem)
    if found["features"] != wanted:
        raise UserError(
            f"{folder} holds {found['features']}, but problem `{problem.name}` has {wanted}; "
            "delete the folder, or give the problem a `corpus` of its own"
        )
    for split in SPLITS:
        records.split_index(problem, split, data_dir)
    return True


def missing_splits(problem: Problem, data_dir: str | os.PathLike) -> list[str]:
    """The splits that are not written yet."""
    folder = records.corpus_dir(problem, data_dir)
    return [split for split in SPLITS if _read_index(folder, split) is None]


def _write_split(problem, folder, split, source, source_dir, tmp_dir, progress):
    _remove(folder, f"{split}-*")  # of a generation that was stopped
    label = f"{folder.name} {split}"
    examples = problem.examples(split, *_given(source, source_dir))
    examples = track(examples, label, problem.count(split, *_given(source, source_dir)), progress)
    features = records.stored_features(problem)
    labels = frozenset(_labels(problem, source, source_dir) or ()) or None
    serialized = (
        records.serialize(example, features, f"example {number} of {label}", labels)
        for number, example in enumerate(examples)
    )
    if split == "train":
        shards = shuffle.shards(serialized, label, tmp_dir or folder)
    else:
        shards = iter([serialized])  # in the corpus's order, which published scores are reported in
    try:
        files = [_write_shard(folder / f"{split}-{i:05d}.tmp", shard) for i, shard in enumerate(shards)]
        if not sum(file["examples"] for file in files):
            raise UserError(f"problem `{problem.name}` yields no examples for {split} from source `{source}`")
    except BaseException:
        _remove(folder, f"{split}-*.tmp")
        raise
    for number, file in enumerate(files):
        name = f"{split}-{number:05d}-of-{len(files):05d}.tfrecord"
        (folder / file["file"]).rename(folder / name)
        file["file"] = name
    index = {"source": source, "features": _kinds(problem), "files": files}
    _write_json(folder / f"{split}.index.json", index)


def _make_dir(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"can't make the folder {folder}: {error.strerror}; use another one") from None


def _remove(folder, pattern):
    for path in folder.glob(pattern):
        path.unlink(missing_ok=True)


def _write_shard(path: pathlib.Path, shard: Iterator[bytes]) -> dict:
    offsets, size, count = [], 0, 0
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in shard:
            if count % records.CHUNK == 0:
                offsets.append(size)
            writer.write(record)
            size += len(record) + _HEADER_BYTES
            count += 1
    if path.stat().st_size != size:
        raise OSError(errno.ENOSPC, "written short")
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"file": path.name, "examples": count, "bytes": size, "sha256": digest, "offsets": offsets}


def _manifest(problem, source, labels, indices):
    splits = {}
    for split, index in indices.items():
        splits[split] = {
            "examples": sum(file["examples"] for file in index["files"]),
            "bytes": sum(file["bytes"] for file in index["files"]),
            "sha256": {file["file"]: file["sha256"] for file in index["files"]},
        }
    return {
        "version": VERSION,
        "t2tlite": t2tlite.__version__,
        "corpus": records.corpus_name(problem),
        "source": source,
        "features": _kinds(problem),
        "labels": labels,
        "splits": splits,
    }


def _labels(problem, source, source_dir):
    if "label" not in _kinds(problem).values():
        return None
    return list(problem.labels(*_given(source, source_dir)))


def _kinds(problem):
    return {name: feature.kind for name, feature in records.stored_features(problem).items()}


def _given(source, source_dir):
    """A problem of one's own whose examples come from no files may leave `source_dir` out."""
    return (source,) if source_dir is None else (source, source_dir)


def _check_same_source(folder, found, wanted):
    if found != wanted:
        raise UserError(
            f"{folder} holds data of source `{found}`, and `{wanted}` is asked for; "
            f"use another --data_dir, or delete the folder"
        )


def _read_index(folder, split):
    try:
        return json.loads((folder / f"{split}.index.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def _write_json(path, value):
    part = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    part.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path)


@contextlib.contextmanager
def _lock(path, label, show):
    """Holds a file's lock; the system lets go of it when the process ends, however it ends."""
    with open(path, "a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if show:
                print(f"{label}: another process is preparing it; waiting", file=sys.stderr, flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _user_errors(folder):
    """Turns a full disk, and a folder that can't be written, into one line."""
    try:
        yield
    except (OSError, tf.errors.ResourceExhaustedError, tf.errors.PermissionDeniedError) as error:
        if isinstance(error, tf.errors.ResourceExhaustedError) or getattr(error, "errno", 0) in _NO_SPACE:
            raise UserError(
                f"no space left while writing {folder}; make room or use another --data_dir or --tmp_dir and "
                "start again (finished splits are kept)"
            ) from None
        if str(folder) in str(error):
            raise UserError(f"can't write {folder}: {error}; use another --data_dir") from None
        raise
