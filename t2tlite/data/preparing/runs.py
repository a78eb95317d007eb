"""Sorted runs: the first half of data generation, which reads the examples of one piece of a corpus.

Generation is an external sort. Every example gets a key: a random number for a training split, its position
for any other. A piece becomes one or more runs, files of records in the order of their keys;
`preparing.shards` merges the runs of all pieces. So a training split is shuffled as a whole, memory holds one
run or one shard at a time, and the result is the same however many processes share the work.
"""

import collections
import dataclasses
import errno
import functools
import hashlib
import os
import pathlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import tensorflow as tf

from t2tlite.data.stored import records
from t2tlite.errors import UserError
from t2tlite.files import write_json
from t2tlite.problem import Broken, Dropped

RUN_BYTES = 64 << 20  # what is sorted in memory
_REPORT_EVERY = 256  # examples


@dataclasses.dataclass(frozen=True)
class WritePiece:
    """A task: writes the runs of one piece, and then a summary, which says that the piece is done.

    Attributes:
      folder: of the split's runs.
      label: corpus and split, for messages; also the seed of a training split's order.
      number: of the piece.
      read, part: as of `problem.Pieces`.
      features: feature by name, as the corpus has them.
      labels: the names of classes there are, or None.
      shuffled: whether keys are random.
      skip: whether broken examples are counted and left out, rather than stop everything.
    """

    folder: str
    label: str
    number: int
    read: Callable[[Any], Iterable]
    part: Any
    features: dict[str, Any]
    labels: tuple[str, ...] | None
    shuffled: bool
    skip: bool

    def __call__(self, report: Callable[[int], None]) -> None:
        """Does it; `report` is told now and then how many more examples were read.

        Raises:
          UserError: an example is broken, or is not what the features say.
        """
        runs = _Runs(self)
        counts: dict[str, Any] = {"dropped": collections.Counter(), "broken": {}}
        records_of = functools.partial(self._record, counts, frozenset(self.labels or ()) or None)
        number = -1
        for number, example in enumerate(self.read(self.part)):
            record = records_of(number, example)
            if record is not None:
                runs.add(record)
            if number % _REPORT_EVERY == _REPORT_EVERY - 1:
                report(_REPORT_EVERY)
        report((number + 1) % _REPORT_EVERY)
        runs.flush()
        write_json(summary_path(self.folder, self.number), {"runs": runs.written, **counts})

    def _record(
        self, counts: dict[str, Any], labels: frozenset[str] | None, number: int, example: Any
    ) -> bytes | None:
        if isinstance(example, Dropped):
            counts["dropped"][example.reason] += 1
            return None
        try:
            if isinstance(example, Broken):
                raise UserError(f"{example.where}: {example.reason}")
            where = f"example {number} of piece {self.number} of {self.label}"
            return records.serialize(example, self.features, where, labels)
        except UserError as error:
            if not self.skip:
                raise UserError(f"{error} (--on_error=skip leaves such examples out)") from None
            reason = example.reason if isinstance(example, Broken) else "a value its feature can't hold"
            of_reason = counts["broken"].setdefault(reason, {"examples": 0, "first": str(error)})
            of_reason["examples"] += 1
            return None


class _Runs:
    """The runs of one piece, written one by one as they fill the memory."""

    def __init__(self, task: WritePiece) -> None:
        self._task = task
        self.written: list[dict[str, Any]] = []
        self._clear()

    def add(self, record: bytes) -> None:
        self._records.append(record)
        self._bytes += len(record)
        if self._bytes >= RUN_BYTES:
            self.flush()

    def flush(self) -> None:
        if not self._records:
            return
        name = f"piece-{self._task.number:05d}-{len(self.written):03d}"
        keys = self._keys(name)
        order = np.argsort(keys, kind="stable")
        lengths = np.fromiter((len(record) for record in self._records), np.uint64, len(self._records))
        path = pathlib.Path(self._task.folder, name)
        try:
            with tf.io.TFRecordWriter(f"{path}.records") as writer:
                for i in order.tolist():
                    writer.write(self._records[i])
        except (OSError, tf.errors.OpError) as error:  # TensorFlow's can't be sent to another process
            pathlib.Path(f"{path}.records").unlink(missing_ok=True)  # a disk that is full needs the room
            full = isinstance(error, tf.errors.ResourceExhaustedError)
            number = getattr(error, "errno", errno.ENOSPC if full else errno.EIO)
            raise OSError(number, str(error), f"{path}.records") from None
        ends = np.cumsum(lengths[order] + np.uint64(records.FRAME_BYTES))
        np.save(f"{path}.npy", np.stack([keys[order], ends]))
        if pathlib.Path(f"{path}.records").stat().st_size != ends[-1]:
            raise OSError(errno.ENOSPC, "written short")
        self.written.append({"name": name, "examples": len(order), "bytes": int(ends[-1])})
        self._clear()

    def _keys(self, name: str) -> np.ndarray:
        count = len(self._records)
        if not self._task.shuffled:
            return np.arange(count, dtype=np.uint64)
        digest = hashlib.blake2b(f"{self._task.label}/{name}".encode(), digest_size=16).digest()
        return np.random.Philox(key=int.from_bytes(digest, "little")).random_raw(count)

    def _clear(self) -> None:
        self._records: list[bytes] = []
        self._bytes = 0


def summary_path(folder: str | os.PathLike, number: int) -> pathlib.Path:
    """Where the summary of a piece is, once the piece is done."""
    return pathlib.Path(folder, f"piece-{number:05d}.json")
