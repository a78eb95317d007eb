"""Data generation: examples of problems written as record files, whole or not at all."""

import contextlib
import errno
import fcntl
import functools
import os
import pathlib
import sys
from collections.abc import Iterator, Sequence

from t2tlite.data.preparing import jobs, workers
from t2tlite.data.stored import records
from t2tlite.data.stored.prepared import PreparedSplit, manifest
from t2tlite.errors import UserError
from t2tlite.files import write_json
from t2tlite.problem import SPLITS, Problem
from t2tlite.progress import Board
from t2tlite.version import __version__

VERSION = 1  # of the files' layout

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def generate(
    problems: Sequence[Problem],
    data_dir: str | os.PathLike,
    source: str,
    source_dir: str | None = None,
    tmp_dir: str | None = None,
    progress: bool = True,
    processes: int | None = None,
    on_error: str = "stop",
) -> None:
    """Writes `data_dir/<corpus>/` for each corpus that is not complete; what is finished is kept.

    Args:
      problems: whose examples to write. A problem and its reverse share them.
      data_dir: holds a folder for each corpus.
      source: where examples come from: "files", "tfds" or "sample".
      source_dir: folder with the corpus's own files.
      tmp_dir: for the sorted runs that a corpus goes through; default: beside the result.
      progress: on stderr.
      processes: how many; default: as many as there are cores. The result is the same for any number.
      on_error: what comes of an example that is broken: "stop", or "skip" it and count it in the manifest.

    Raises:
      UserError: the source is not a problem's, its files are missing or broken, a folder holds data of
        another source, an example is not what the problem's features say, or a folder can't be written or
        is full.
    """
    for problem in problems:
        problem.check_source(source)
    distinct = {records.corpus_name(problem): problem for problem in reversed(problems)}
    with contextlib.ExitStack() as stack:
        stack.enter_context(_user_errors(data_dir))
        locks = []
        for name in sorted(distinct):  # in the same order everywhere: no two processes wait for each other
            folder = jobs.make_folder(records.corpus_dir(distinct[name], data_dir))
            locks.append(stack.enter_context(_lock(folder / ".lock", name, progress)))
        incomplete = [p for p in distinct.values() if not is_complete(p, data_dir, source)]
        make = functools.partial(jobs.Split, data_dir, source, source_dir, tmp_dir, on_error == "skip")
        # Training splits first: they take longest.
        splits = [make(problem, split) for split in SPLITS for problem in reversed(incomplete)]
        finished = [split for split in splits if split.is_done()]
        for split in finished:
            split.clear()
        splits = [split for split in splits if split not in finished]
        with Board(progress) as board:
            work = jobs.Work(splits, board)
            number = processes or len(os.sched_getaffinity(0))
            tasks = work.begin()
            number = min(number, len(tasks))
            workers.run(tasks, work.finished, work.progress, max(number, 1), locks)
        for problem in incomplete:
            _write_manifest(problem, data_dir, source, source_dir)


def is_complete(problem: Problem, data_dir: str | os.PathLike, source: str) -> bool:
    """Whether the problem's data is there, whole and from this source.

    Raises:
      UserError: there is data, but of another source, other features or another version of t2tlite.
    """
    folder = records.corpus_dir(problem, data_dir)
    if not (folder / "manifest.json").exists():
        return False
    known = manifest(problem, data_dir)
    if known.get("version") != VERSION:
        raise UserError(
            f"{folder} was written by another version of t2tlite (layout {known.get('version')}, "
            f"expected {VERSION}); delete it and prepare the data again"
        )
    jobs.check_same_source(folder, known["source"], source)
    expected = jobs.kinds(problem)
    if known["features"] != expected:
        raise UserError(
            f"{folder} holds {known['features']}, but problem `{problem.name}` has {expected}; "
            "delete the folder, or give the problem a `corpus` of its own"
        )
    if known.get("data_version", "") != problem.data_version:
        raise UserError(
            f"{folder} was prepared when problem `{problem.name}` was described otherwise; delete the "
            "folder, or use another --data_dir"
        )
    for split in SPLITS:
        PreparedSplit.open(problem, split, data_dir)
    return True


def _write_manifest(
    problem: Problem, data_dir: str | os.PathLike, source: str, source_dir: str | None
) -> None:
    folder = records.corpus_dir(problem, data_dir)
    splits = {}
    for split in SPLITS:
        index = jobs.read_json(folder / f"{split}.index.json")
        splits[split] = {
            "examples": sum(file["examples"] for file in index["files"]),
            "bytes": sum(file["bytes"] for file in index["files"]),
            "dropped": index["dropped"],
            "broken": index["broken"],
            "sha256": {file["file"]: file["sha256"] for file in index["files"]},
        }
    content = {
        "version": VERSION,
        "t2tlite": __version__,
        "corpus": records.corpus_name(problem),
        "source": source,
        "features": jobs.kinds(problem),
        "data_version": problem.data_version,
        "labels": jobs.labels(problem, jobs.source_arguments(problem, source, source_dir)),
        "splits": splits,
    }
    write_json(folder / "manifest.json", content)


@contextlib.contextmanager
def _lock(path: pathlib.Path, label: str, show: bool) -> Iterator[int]:
    """Holds a file's lock; the system lets go of it when the process ends, however it ends."""
    with open(path, "a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if show:
                print(f"{label}: another process is preparing it; waiting", file=sys.stderr, flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


@contextlib.contextmanager
def _user_errors(data_dir: str | os.PathLike) -> Iterator[None]:
    """Turns a full disk, and a folder that can't be written, into one line."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise UserError(
                f"no space left while writing {error.filename or data_dir}; make room or use another "
                "--data_dir or --tmp_dir and start again (what is finished is kept)"
            ) from None
        if str(data_dir) in str(error):
            raise UserError(f"can't write {data_dir}: {error}; use another one") from None
        raise
