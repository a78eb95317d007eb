"""What batches are planned by, of each example of a split: the ids of its texts, how long others are, where.

It is made once: in memory, or of what is too large for it in files beside the data, which are then mapped.
"""

import contextlib
import hashlib
import itertools
import json
import mmap
import os
import pathlib
import struct
import sys
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, Any, TypeAlias

import numpy as np
import tensorflow as tf

from t2tlite.data.reading.reader import Reader
from t2tlite.data.reading.sources import Source
from t2tlite.data.stored import damage, records
from t2tlite.data.stored.prepared import PreparedSplit
from t2tlite.errors import UserError
from t2tlite.files import write_json
from t2tlite.version import __version__

Index: TypeAlias = dict[str, tf.Tensor]
"""The arrays of `Reader.measured` for all examples. From files, also `offsets`, int64 `[examples]`."""

OFFSETS = "offsets"
_BLOCK = 4096  # records measured together
THREADS = max(2, min(16, len(os.sched_getaffinity(0))))  # of each problem
_LENGTH = struct.Struct("<Q")  # how a frame of a TFRecord begins
_RUNNING = ("ends", "firsts")  # numbers that go on from block to block


def of(split: PreparedSplit, source: Source, reader: Reader) -> Index:
    """The index of a split.

    Files of it are those of these records, this vocabulary and this version of t2tlite; and their beginning
    is compared. Where data that many share is read-only, they are temporary.

    Raises:
      UserError: the data is damaged, or there is no room for the files.
    """
    if source.records is not None:
        return in_memory(source.records, reader)
    folder = split.folder / f"index-{_digest(source, reader)}"
    with contextlib.suppress(OSError, ValueError, KeyError), damage.errors(split):
        index = _mapped(folder, split.name)
        if _begins_so(index, source, reader):
            return index
    what = f"{split.problem.name} {split.name}"
    print(f"{what}: reading all of it once, to know how long its examples are", file=sys.stderr, flush=True)
    try:
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            print(f"{what}: {folder} can't be kept ({error.strerror})", file=sys.stderr, flush=True)
            with tempfile.TemporaryDirectory() as temporary:  # what is mapped stays after its name is gone
                return _written(pathlib.Path(temporary), split, source, reader)
        return _written(folder, split, source, reader)
    except OSError as error:
        raise UserError(
            f"can't write {folder}, what is known of {what}: {error.strerror}; make room, or use another "
            "--data_dir"
        ) from None


def in_memory(stored: tf.Tensor, reader: Reader) -> Index:
    """The index of some records `[examples]`."""
    parts = (stored[start : start + _BLOCK] for start in range(0, stored.shape[0], _BLOCK))
    blocks = list(_running(map(reader.measured, parts))) if reader.measures() else []
    keys = blocks[0] if blocks else ()
    return {key: tf.constant(np.concatenate([block[key] for block in blocks])) for key in keys}


def _digest(source: Source, reader: Reader) -> str:
    known = [__version__, source.size, reader.measures(), [file["sha256"] for file in source.files]]
    return hashlib.sha256(json.dumps(known).encode("utf-8")).hexdigest()[:16]


def _running(blocks: Iterable[dict[str, tf.Tensor]]) -> Iterator[dict[str, np.ndarray]]:
    """Arrays of which those of a block follow those of the one before."""
    last: dict[str, int] = {}
    for tensors in blocks:
        arrays = {key: tensor.numpy() for key, tensor in tensors.items()}
        for key in arrays:
            if key.endswith(_RUNNING):
                if key in last:
                    arrays[key] = arrays[key][1:] + last[key]
                last[key] = int(arrays[key][-1])
        yield arrays


def _written(folder: pathlib.Path, split: PreparedSplit, source: Source, reader: Reader) -> Index:
    """Writes the arrays as they lie in memory, each whole or not at all, and last of what kind they are."""
    blocks: Iterable[dict[str, np.ndarray]] = ()
    if reader.measures():
        stored = source.stored(_BLOCK).map(reader.measured, num_parallel_calls=THREADS)
        blocks = _running(stored.prefetch(2))
    offsets = ({OFFSETS: _offsets(file)} for file in (source.files if reader.others else ()))
    kinds: dict[str, str] = {}
    with contextlib.ExitStack() as undo, damage.errors(split):
        parts: dict[str, IO[bytes]] = {}
        for arrays in itertools.chain(offsets, blocks):
            for key, array in arrays.items():
                if key not in parts:
                    path = _path(folder, split.name, f"{key}.{os.getpid()}.tmp")
                    undo.callback(path.unlink, missing_ok=True)
                    parts[key], kinds[key] = undo.enter_context(open(path, "wb")), array.dtype.name
                parts[key].write(np.ascontiguousarray(array).data)
        for key, part in parts.items():
            part.close()
            pathlib.Path(part.name).replace(_path(folder, split.name, key))
    sizes = {key: _path(folder, split.name, key).stat().st_size for key in kinds}
    write_json(folder / f"{split.name}.json", {"kinds": kinds, "bytes": sizes})
    return _mapped(folder, split.name)


def _mapped(folder: pathlib.Path, name: str) -> Index:
    """Raises an OSError, ValueError or KeyError where the files are not there, or not whole."""
    known = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    index = {}
    for key, kind in known["kinds"].items():
        path, size = _path(folder, name, key), known["bytes"][key]
        if path.stat().st_size != size:
            raise ValueError(f"{path} is not as it was written")
        dtype = tf.as_dtype(kind)
        with tf.device("CPU:0"):
            index[key] = tf.raw_ops.ImmutableConst(
                dtype=dtype, shape=[size // dtype.size], memory_region_name=str(path)
            )
    return index


def _path(folder: pathlib.Path, name: str, key: str) -> pathlib.Path:
    return folder / f"{name}.{key.replace('/', '.')}"


def _begins_so(index: Index, source: Source, reader: Reader) -> bool:
    """Whether an index is that of the first records."""
    first = next(iter(source.stored(records.CHUNK)))
    expected = in_memory(first, reader)
    return all(np.array_equal(index[key][: len(array)], array) for key, array in expected.items())


def _offsets(file: dict[str, Any]) -> np.ndarray:
    """Where in a file each of its records begins, int64: each frame begins with the length of its record."""
    offsets = np.zeros(file["examples"], np.int64)
    with (
        open(file["file"], "rb") as opened,
        mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        content.madvise(mmap.MADV_RANDOM)  # no more than that is read
        place = 0
        try:
            for number in range(file["examples"]):
                offsets[number] = place
                place += _LENGTH.unpack_from(content, place)[0] + records.FRAME_BYTES
        except (struct.error, OverflowError):
            place = -1
        if place != len(content):
            raise tf.errors.DataLossError(None, None, "the records are not as long as they say")
    return offsets
