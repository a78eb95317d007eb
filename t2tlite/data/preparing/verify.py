"""Checks prepared data against its checksums."""

import functools
import hashlib
import os
import pathlib
from collections.abc import Callable, Sequence

from t2tlite.data.stored import records
from t2tlite.data.stored.prepared import manifest
from t2tlite.errors import UserError
from t2tlite.problem import Problem
from t2tlite.progress import Board

_BLOCK = 1 << 20  # bytes


def verify(problems: Sequence[Problem], data_dir: str | os.PathLike, progress: bool = True) -> int:
    """Reads every file of some problems' data, and returns how many there are.

    Raises:
      UserError: data is missing or not complete, or files are not as they were written.
    """
    distinct = {records.corpus_name(problem): problem for problem in problems}
    number, damaged = 0, []
    with Board(progress) as board:
        for name, problem in distinct.items():
            splits = manifest(problem, data_dir)["splits"].values()
            report = functools.partial(board.advance, name, total=sum(split["bytes"] for split in splits))
            for split in splits:
                for file, expected in split["sha256"].items():
                    path = records.corpus_dir(problem, data_dir) / file
                    number += 1
                    if _sha256(path, report) != expected:
                        damaged.append(str(path))
            board.finish(name)
    if damaged:
        raise UserError(
            f"{len(damaged)} of {number} files are not as they were written: {', '.join(damaged[:5])}"
            f"{', ...' if len(damaged) > 5 else ''}; delete the folder of each, and prepare it again"
        )
    return number


def _sha256(path: pathlib.Path, report: Callable[[int], None]) -> str | None:
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                report(len(block))
    except OSError:  # missing, or on a disk that can't be read
        return None
    return digest.hexdigest()
