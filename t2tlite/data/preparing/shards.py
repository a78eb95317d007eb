"""Shards: the second half of data generation, which merges the sorted runs of a split into record files."""

import dataclasses
import hashlib
import math
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from t2tlite.data.stored import records
from t2tlite.files import write_json

SHARD_BYTES = 64 << 20  # about the size of a file, which is put together in memory
_KEYS = 1 << 64


@dataclasses.dataclass(frozen=True)
class Run:
    """A sorted run, as `t2tlite.data.preparing.runs` wrote it.

    Attributes:
      name: of its files.
      base: what its keys are counted from.
    """

    name: str
    base: int = 0


@dataclasses.dataclass(frozen=True)
class WriteShard:
    """A task: writes one record file, and then its entry of the split's index.

    Attributes:
      folder: of the runs.
      path: of the file.
      number: of the shard.
      low, high: the keys of its records; `high` is not among them.
      runs: all runs of the split, in the order of the corpus.
    """

    folder: str
    path: str
    number: int
    low: int
    high: int
    runs: tuple[Run, ...]

    def __call__(self, report: Callable[[int], None]) -> None:
        """Does it; `report` is told at the end that one more shard is done."""
        stretches = [self._stretch(run) for run in self.runs]
        keys = np.concatenate([stretch[0] for stretch in stretches])
        order = np.argsort(keys, kind="stable")
        part = pathlib.Path(f"{self.path}.{os.getpid()}.tmp")
        records_of = [record for _, ends, content in stretches for record in _cut(ends, content)]
        offsets, size, digest = [], 0, hashlib.sha256()
        try:
            with open(part, "wb") as file:
                for first in range(0, len(order), records.CHUNK):
                    chunk = b"".join([records_of[i] for i in order[first : first + records.CHUNK].tolist()])
                    offsets.append(size)
                    size += len(chunk)
                    digest.update(chunk)
                    file.write(chunk)
        except OSError:
            part.unlink(missing_ok=True)  # a disk that is full needs the room
            raise
        path = pathlib.Path(self.path)
        part.replace(path)
        entry = {"file": path.name, "examples": len(order), "bytes": size, "sha256": digest.hexdigest()}
        write_json(entry_path(self.folder, self.number), entry | {"offsets": offsets})
        report(1)

    def _stretch(self, run: Run) -> tuple[np.ndarray, np.ndarray, bytes]:
        """Keys, ends and content of the run's records that belong to this shard."""
        keys, ends = np.load(pathlib.Path(self.folder, f"{run.name}.npy"), mmap_mode="r")
        low, high = (_place(keys, key - run.base) for key in (self.low, self.high))
        start = int(ends[low - 1]) if low else 0
        stop = int(ends[high - 1]) if high else 0
        with open(pathlib.Path(self.folder, f"{run.name}.records"), "rb") as file:
            file.seek(start)
            content = file.read(stop - start)
        return keys[low:high] + np.uint64(run.base), ends[low:high] - np.uint64(start), content


def plan(summaries: Sequence[dict[str, Any]], shuffled: bool) -> tuple[list[tuple[int, int]], list[Run]]:
    """How to divide a split into shards.

    Args:
      summaries: of all pieces, as `t2tlite.data.preparing.runs` wrote them.
      shuffled: whether keys are random, rather than positions within a run.

    Returns:
      The bounds of each shard's keys, and the runs.
    """
    runs, examples, size = [], 0, 0
    for summary in summaries:
        for run in summary["runs"]:
            runs.append(Run(run["name"], 0 if shuffled else examples))
            examples += run["examples"]
            size += run["bytes"]
    number = max(1, math.ceil(size / SHARD_BYTES))
    last = _KEYS if shuffled else examples
    cuts = [last * i // number for i in range(number + 1)]
    return list(zip(cuts[:-1], cuts[1:], strict=True)), runs


def entry_path(folder: str | os.PathLike, number: int) -> pathlib.Path:
    """Where the index entry of a shard is, once the shard is done."""
    return pathlib.Path(folder, f"shard-{number:05d}.json")


def _place(keys: np.ndarray, key: int) -> int:
    if key <= 0:
        return 0
    return len(keys) if key >= _KEYS else int(np.searchsorted(keys, np.uint64(key)))


def _cut(ends: np.ndarray, content: bytes) -> list[memoryview]:
    view = memoryview(content)
    stops = ends.tolist()
    return [view[a:b] for a, b in zip([0, *stops[:-1]], stops, strict=True)] if stops else []
