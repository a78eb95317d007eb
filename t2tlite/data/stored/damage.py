"""What is wrong with prepared data that can't be read: one line that names the file, and no traceback."""

import contextlib
import hashlib
import json
import os
import pathlib
import re
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any

import tensorflow as tf

from t2tlite.data.stored import records
from t2tlite.data.stored.prepared import PreparedSplit
from t2tlite.errors import UserError

_OF_A_FILE = (
    tf.errors.DataLossError,
    tf.errors.NotFoundError,
    tf.errors.OutOfRangeError,
    tf.errors.PermissionDeniedError,
    tf.errors.FailedPreconditionError,
    tf.errors.UnknownError,  # an input or output error of the disk
)
_SEARCH_SECONDS = 600  # for a value that can't be decoded
_AGAIN = "then give the same command again: training goes on from its last checkpoint"


@contextlib.contextmanager
def errors(split: PreparedSplit) -> Iterator[None]:
    """Around what reads a split: turns TensorFlow's errors, which name no file, into a UserError that does.

    Args:
      split: what is read. Its files are compared with their checksums, if need be all.

    Raises:
      UserError: a file is missing or damaged, or a record can't be decoded.
    """
    try:
        yield
    except _OF_A_FILE as error:
        raise UserError(_damaged(split, error)) from None
    except tf.errors.InvalidArgumentError as error:
        raise UserError(_undecodable(split, error)) from None


def batches(dataset: Iterable[Any], split: PreparedSplit) -> Iterator[Any]:
    """The elements of a dataset, with its `errors`; those of who uses the elements are left alone."""
    iterator = iter(dataset)
    while True:
        with errors(split):
            batch = next(iterator, None)
        if batch is None:
            return
        yield batch


def _damaged(split: PreparedSplit, error: tf.errors.OpError) -> str:
    try:
        split.check()
    except UserError as missing:
        return str(missing)
    what = f"{split.problem.name} {split.name}"
    _say(f"{what}: looking for a damaged file among {len(split.files)} ({split.total_bytes >> 20} MiB)")
    for file in split.files:
        if _sha256(file["file"]) != split.checksums[pathlib.Path(file["file"]).name]:
            return (
                f"{file['file']} is damaged: it is not as it was written; delete the folder {split.folder}, "
                f"prepare the data again, {_AGAIN}"
            )
    for index in split.folder.glob(f"*/{split.name}.index.json"):
        for file in json.loads(index.read_text(encoding="utf-8"))["files"]:
            if _sha256(index.parent / file["file"]) != file["sha256"]:
                return (
                    f"{index.parent / file['file']} is damaged; delete the folder {index.parent}, which is a "
                    f"copy, {_AGAIN}"
                )
    return (
        f"`{split.problem.name}` {split.name} in {split.folder} can't be read: {_first_line(error)}; now all "
        f"its files are as they were written. Check the disk and the memory, {_AGAIN}"
    )


def _undecodable(split: PreparedSplit, error: tf.errors.OpError) -> str:
    place = _find_unreadable(split)
    return (
        f"{place or f'a record of `{split.problem.name}` {split.name} in {split.folder}'} can't be decoded: "
        f"{_first_line(error)}; take that example out of the corpus, delete the folder {split.folder}, "
        f"prepare the data again, {_AGAIN}"
    )


def _find_unreadable(split: PreparedSplit) -> str | None:
    """The file and number of the first record with a value that can't be decoded, if it is found in time."""
    checked = {
        name: feature for name, feature in records.stored_features(split.problem).items() if feature.readable
    }
    if not checked:
        return None
    what = " or ".join(dict.fromkeys(feature.kind for feature in checked.values()))
    _say(f"{split.problem.name} {split.name}: looking for the {what} that can't be decoded")
    end = time.monotonic() + _SEARCH_SECONDS
    spec = {
        name: tf.io.FixedLenFeature([], tf.string, feature.to_record(feature.stand_in())[0])
        if feature.optional
        else tf.io.FixedLenFeature([], tf.string)
        for name, feature in checked.items()
    }

    def sized(number: tf.Tensor, record: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        values = tf.io.parse_single_example(record, spec)
        return number, [feature.readable(values[name]) for name, feature in checked.items()]

    for file in split.files:
        stored = tf.data.TFRecordDataset(file["file"]).enumerate()
        good = stored.map(sized, num_parallel_calls=2, deterministic=True).ignore_errors()
        expected = 0
        for number, _ in good.prefetch(16):
            if int(number) != expected or time.monotonic() > end:
                break
            expected += 1
        if time.monotonic() > end:
            return None
        if expected < file["examples"]:
            return f"{file['file']}: the {what} of record {expected} (from 0)"
    return None


def _first_line(error: tf.errors.OpError) -> str:
    """What went wrong, without where in TensorFlow's graph."""
    text = str(error.message).split("}} ", 1)[-1].splitlines()[0]
    return re.sub(r"^.*Iterator::\S+: ", "", text).split(" [Op:")[0].strip()


def _sha256(path: str | os.PathLike) -> str | None:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
