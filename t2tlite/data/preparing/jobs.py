"""A split on its way from the pieces of a corpus to sorted runs to record files, and the tasks on the way."""

import functools
import hashlib
import json
import os
import pathlib
import shutil
from collections.abc import Iterable, Sequence
from typing import Any

from t2tlite.data.preparing import runs, shards, workers
from t2tlite.data.stored import records
from t2tlite.errors import UserError
from t2tlite.files import write_json
from t2tlite.problem import Pieces, Problem
from t2tlite.progress import Board


class Split:
    """One split of a corpus on its way from pieces to runs to shards."""

    def __init__(
        self,
        data_dir: str | os.PathLike,
        source: str,
        source_dir: str | None,
        tmp_dir: str | None,
        skip: bool,
        problem: Problem,
        split: str,
    ) -> None:
        self.folder = records.corpus_dir(problem, data_dir)
        self.label = f"{self.folder.name} {split}"
        self.problem = problem
        self.split = split
        self.shuffled = split == "train"  # the others in the corpus's order, which scores are reported in
        self.source = source
        self.source_arguments = source_arguments(problem, source, source_dir)
        self.skip = skip
        self.runs_dir = self.folder / f".{split}.runs"
        if tmp_dir:
            digest = hashlib.sha256(os.fsencode(self.folder.resolve())).hexdigest()[:8]
            self.runs_dir = make_folder(pathlib.Path(tmp_dir)) / f"{self.folder.name}-{split}-{digest}"
        self.done = self.waiting_for = 0

    def is_done(self) -> bool:
        """Whether an earlier call wrote the split.

        Raises:
          UserError: it did so from another source.
        """
        index = read_json(self.folder / f"{self.split}.index.json")
        if index is not None:
            check_same_source(self.folder, index["source"], self.source)
        return index is not None and index.get("data_version", "") == self.problem.data_version

    def begin(self) -> list[runs.WritePiece]:
        """The pieces that are still to be written.

        Raises:
          UserError: the corpus's files are missing.
        """
        pieces = self.problem.examples(self.split, *self.source_arguments)
        if not isinstance(pieces, Pieces):  # what begins to read once it is iterated, in whichever process
            pieces = Pieces(
                functools.partial(_examples, self.problem, self.split, self.source_arguments), [None]
            )
        self.pieces = pieces
        self._keep_what_fits()
        common: dict[str, Any] = {
            "folder": str(self.runs_dir),
            "label": self.label,
            "read": pieces.read,
            "features": records.stored_features(self.problem),
            "labels": labels(self.problem, self.source_arguments),
            "shuffled": self.shuffled,
            "skip": self.skip,
        }
        return [
            runs.WritePiece(number=number, part=part, **common)
            for number, part in enumerate(pieces.parts)
            if not runs.summary_path(self.runs_dir, number).exists()
        ]

    def _keep_what_fits(self) -> None:
        """Removes the runs of an earlier call unless they were of the same pieces, and what it left."""
        digest = hashlib.sha256(repr((self.source, self.skip, runs.RUN_BYTES, shards.SHARD_BYTES)).encode())
        for part in self.pieces.parts:
            digest.update(repr(part).encode())
        plan = {"pieces": len(self.pieces.parts), "digest": digest.hexdigest()}
        if read_json(self.runs_dir / "plan.json") == plan:
            return
        shutil.rmtree(self.runs_dir, ignore_errors=True)
        for path in self.folder.glob(f"{self.split}-*"):
            path.unlink(missing_ok=True)
        write_json(make_folder(self.runs_dir) / "plan.json", plan)

    def shards(self) -> list[shards.WriteShard]:
        """The shards that are still to be written, once all pieces are.

        Raises:
          UserError: there are no examples.
        """
        self.summaries = [
            read_json(runs.summary_path(self.runs_dir, number)) for number in range(len(self.pieces.parts))
        ]
        cuts, sorted_runs = shards.plan(self.summaries, self.shuffled)
        if not sorted_runs:
            raise UserError(
                f"problem `{self.problem.name}` yields no examples for {self.split} from source "
                f"`{self.source}`{_why_none(self.summaries)}"
            )
        self.number_of_shards = len(cuts)
        tasks = []
        for number, (low, high) in enumerate(cuts):
            path = self.folder / f"{self.split}-{number:05d}-of-{len(cuts):05d}.tfrecord"
            if not shards.entry_path(self.runs_dir, number).exists():
                tasks.append(
                    shards.WriteShard(str(self.runs_dir), str(path), number, low, high, tuple(sorted_runs))
                )
        return tasks

    def end(self) -> None:
        """Writes the split's index, which says that the split is done."""
        files = [
            read_json(shards.entry_path(self.runs_dir, number)) for number in range(self.number_of_shards)
        ]
        index = {
            "source": self.source,
            "features": kinds(self.problem),
            "data_version": self.problem.data_version,
            **_counts(self.summaries),
        }
        write_json(self.folder / f"{self.split}.index.json", index | {"files": files})
        self.clear()

    def clear(self) -> None:
        """Removes what a split that is done went through; a process may be killed before it has."""
        shutil.rmtree(self.runs_dir, ignore_errors=True)
        for path in self.folder.glob(f"{self.split}-*.tmp"):  # of a process that was killed
            path.unlink(missing_ok=True)


class Work:
    """What there is to do for some splits, and what comes next as tasks are finished."""

    def __init__(self, splits: Sequence[Split], board: Board) -> None:
        self._splits = splits
        self._board = board
        self._split_of: dict[str, Split] = {}

    def begin(self) -> list[workers.Task]:
        tasks: list[workers.Task] = []
        for split in self._splits:
            self._split_of[str(split.runs_dir)] = split
            pieces = split.begin()
            split.waiting_for = len(pieces)
            tasks += pieces or self._then(split)
        return tasks

    def finished(self, task: Any) -> Sequence[workers.Task]:
        split = self._split_of[task.folder]
        split.waiting_for -= 1
        if split.waiting_for:
            return []
        if isinstance(task, runs.WritePiece):
            return self._then(split)
        self._end(split)
        return []

    def progress(self, task: Any, amount: int) -> None:
        split = self._split_of[task.folder]
        if isinstance(task, shards.WriteShard):
            if split.number_of_shards > 1:
                self._board.advance(f"{split.label}, files", amount, split.number_of_shards)
            return
        split.done += amount
        finished = len(split.pieces.parts) - split.waiting_for
        total = split.pieces.total
        if total is None and finished:
            total = split.done * len(split.pieces.parts) // finished
        self._board.advance(split.label, amount, total)

    def _then(self, split: Split) -> Sequence[workers.Task]:
        self._board.finish(split.label)
        tasks = split.shards()
        split.waiting_for = len(tasks)
        if not tasks:
            self._end(split)
        return tasks

    def _end(self, split: Split) -> None:
        self._board.finish(f"{split.label}, files")
        split.end()


def _examples(problem: Problem, split: str, arguments: tuple[str, ...], part: None) -> Iterable[Any]:
    """A piece that is all of a split."""
    return problem.examples(split, *arguments)


def _counts(summaries: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What was left out of a split, by reason."""
    dropped: dict[str, int] = {}
    broken: dict[str, dict[str, Any]] = {}
    for summary in summaries:
        for reason, number in summary["dropped"].items():
            dropped[reason] = dropped.get(reason, 0) + number
        for reason, of_reason in summary["broken"].items():
            before = broken.setdefault(reason, {"examples": 0, "first": of_reason["first"]})
            before["examples"] += of_reason["examples"]
    return {"dropped": dropped, "broken": broken}


def _why_none(summaries: Sequence[dict[str, Any]]) -> str:
    counts = _counts(summaries)
    reasons = [f"{number} {reason}" for reason, number in counts["dropped"].items()]
    reasons += [f"{of_reason['examples']} {reason}" for reason, of_reason in counts["broken"].items()]
    return f"; left out were: {', '.join(reasons)}" if reasons else ""


def labels(problem: Problem, arguments: tuple[str, ...]) -> tuple[str, ...] | None:
    return tuple(problem.labels(*arguments)) if problem.has_classes() else None


def kinds(problem: Problem) -> dict[str, str]:
    features = records.stored_features(problem)
    return {name: feature.kind + " (optional)" * feature.optional for name, feature in features.items()}


def source_arguments(problem: Problem, source: str, source_dir: str | None) -> tuple[str, ...]:
    """What `examples` and `labels` are told: the source and, if there is one, the corpus's folder.

    Where `source_dir` has a folder with the corpus's name, that is it: so one `source_dir` serves problems of
    several corpora. A problem of one's own whose examples come from no files may leave `source_dir` out.
    """
    if source_dir is None:
        return (source,)
    inner = pathlib.Path(source_dir, records.corpus_name(problem))
    return source, str(inner if source == "files" and inner.is_dir() else source_dir)


def check_same_source(folder: pathlib.Path, source: str, requested: str) -> None:
    if source != requested:
        raise UserError(
            f"{folder} holds data of source `{source}`, and `{requested}` is asked for; "
            f"use another --data_dir, or delete the folder"
        )


def make_folder(folder: pathlib.Path) -> pathlib.Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"can't make the folder {folder}: {error.strerror}; use another one") from None
    return folder


def read_json(path: pathlib.Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
