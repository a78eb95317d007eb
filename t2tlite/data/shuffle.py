"""A shuffle of any number of records in bounded memory, for writing a training split."""

import contextlib
import mmap
import pathlib
import random
import struct
import tempfile
from collections.abc import Iterable, Iterator

MEMORY_BYTES = 64 << 20  # what is shuffled in memory, as one shard
SPILL_FILES = 64  # shards of anything larger
_LENGTH = struct.Struct("<Q")


def shards(
    records: Iterable[bytes],
    seed: str,
    tmp_dir,
    memory_bytes: int | None = None,
    spill_files: int | None = None,
) -> Iterator[Iterator[bytes]]:
    """Yields shards, each an iterator of records; every order is equally likely, and given by the seed.

    What does not fit in memory is scattered at random over as many files as there will be shards; each is
    then read in random order. So the memory needed is a few bytes a record, however large the records are.

    Args:
      records: read once.
      seed: same seed and records, same order.
      tmp_dir: where a folder for the scattered records is made, and removed at the end.
      memory_bytes: most bytes shuffled in memory, as a single shard.
      spill_files: number of shards where there are more.
    """
    memory_bytes = memory_bytes or MEMORY_BYTES
    rng = random.Random(seed)
    kept, size = [], 0
    records = iter(records)
    for record in records:
        kept.append(record)
        size += len(record)
        if size > memory_bytes:
            break
    else:
        rng.shuffle(kept)
        yield iter(kept)
        return
    with tempfile.TemporaryDirectory(prefix="shuffle-", dir=tmp_dir) as folder:
        paths = [pathlib.Path(folder, str(i)) for i in range(spill_files or SPILL_FILES)]
        with contextlib.ExitStack() as stack:
            files = [stack.enter_context(open(path, "wb")) for path in paths]
            for part in (kept, records):
                for record in part:
                    file = files[int(rng.random() * len(files))]
                    file.write(_LENGTH.pack(len(record)))
                    file.write(record)
                kept.clear()
        for path in paths:
            yield _in_random_order(path, rng)
            path.unlink()


def _in_random_order(path: pathlib.Path, rng: random.Random) -> Iterator[bytes]:
    if not path.stat().st_size:
        return
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        starts, at = [], 0
        while at < len(content):
            starts.append(at)
            at += _LENGTH.size + _LENGTH.unpack_from(content, at)[0]
        rng.shuffle(starts)
        for at in starts:
            first = at + _LENGTH.size
            yield content[first : first + _LENGTH.unpack_from(content, at)[0]]
