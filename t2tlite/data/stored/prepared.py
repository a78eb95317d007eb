"""A split of a problem's prepared data, opened once for all that read it."""

import dataclasses
import itertools
import json
import os
import pathlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from t2tlite.data.stored import fractions, records
from t2tlite.errors import UserError
from t2tlite.problem import SPLITS, Problem

if TYPE_CHECKING:
    from t2tlite.data.text.vocabulary import Vocabulary

_BLOCK = 256  # records read together


def manifest(problem: Problem, data_dir: str | os.PathLike) -> dict[str, Any]:
    """What is known of a problem's prepared data: source, counts, checksums, labels.

    Raises:
      UserError: there is none, or it is not complete.
    """
    path = records.corpus_dir(problem, data_dir) / "manifest.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(
            f"no prepared data for `{problem.name}`: {path} is missing; prepare it with "
            f"t2t-datagen --problems={problem.name} --source={'|'.join(problem.sources) or 'sample'} "
            f"--data_dir={data_dir}"
        ) from None
    except ValueError:
        raise UserError(f"{path} is damaged; delete the folder {path.parent} and prepare it again") from None


@dataclasses.dataclass(frozen=True, eq=False)
class PreparedSplit:
    """A split of a problem's prepared data, and what its texts and classes are numbered by.

    `open` makes one. `pipeline.dataset` gives its batches, `lengths.measure` its lengths.

    Attributes:
      problem: whose data it is.
      name: "train", "validation" or "test".
      folder: the corpus's folder in the data_dir.
      manifest: of the corpus, as `manifest` gives it.
      files: in their order, of each its path as `file`, `examples`, `bytes`, and `offsets` of each `CHUNK`th
        record.
      labels: names of the classes, in the order of their numbers; None where the problem has none.
      vocabulary: of the texts; None where there are none, or where they are read as texts only.
      first: only so many of its first examples are read; None: all. A training split is stored in random
        order, so its first examples stand for all, and a smaller number of them is part of a larger one.
    """

    problem: Problem
    name: str
    folder: pathlib.Path
    manifest: dict[str, Any]
    files: list[dict[str, Any]]
    labels: tuple[str, ...] | None
    vocabulary: "Vocabulary | None" = None
    first: int | None = None

    @classmethod
    def open(
        cls,
        problem: Problem,
        name: str,
        data_dir: str | os.PathLike,
        vocabulary: "Vocabulary | None" = None,
        labels: Sequence[str] | None = None,
        fraction: float = 1.0,
    ) -> "PreparedSplit":
        """Reads the manifest and the split's index, and checks that its files are there.

        Args:
          labels: default: those in the manifest.
          fraction: share of the examples that is read, from the first.

        Raises:
          UserError: unknown split, no complete data, or files of it are gone or have another size.
        """
        if name not in SPLITS:
            raise UserError(f"unknown split `{name}`; expected one of {', '.join(SPLITS)}")
        known = manifest(problem, data_dir)
        folder = records.corpus_dir(problem, data_dir)
        files = json.loads((folder / f"{name}.index.json").read_text(encoding="utf-8"))["files"]
        for file in files:
            file["file"] = str(folder / file["file"])
        if labels is None:
            labels = known["labels"]
        split = cls(
            problem, name, folder, known, files, None if labels is None else tuple(labels), vocabulary
        )
        split.check()
        return (
            split
            if fraction == 1
            else dataclasses.replace(split, first=fractions.count(fraction, split.size))
        )

    def check(self) -> None:
        """Raises a UserError where a file is gone or has another size."""
        for file in self.files:
            path = pathlib.Path(file["file"])
            if not path.exists() or path.stat().st_size != file["bytes"]:
                raise UserError(
                    f"{path} is missing or not the size it was written with; delete the folder "
                    f"{self.folder} and prepare the data again"
                )

    @property
    def size(self) -> int:
        """Number of examples that are read, those that are too long included."""
        return self.stored if self.first is None else min(self.stored, self.first)

    @property
    def stored(self) -> int:
        """Number of examples in all files."""
        return sum(file["examples"] for file in self.files)

    @property
    def total_bytes(self) -> int:
        """Size of all files."""
        return sum(file["bytes"] for file in self.files)

    @property
    def checksums(self) -> dict[str, str]:
        """SHA-256 of each file, by its name."""
        return self.manifest["splits"][self.name]["sha256"]

    def records(self) -> Iterator[bytes]:
        """The records that are read, as they are stored.

        Raises:
          UserError: a file is damaged.
        """
        return itertools.islice(self._all_records(), self.size)

    def _all_records(self) -> Iterator[bytes]:
        for file in self.files:
            try:
                for block in tf.data.TFRecordDataset(file["file"]).batch(_BLOCK):
                    yield from block.numpy()
            except tf.errors.DataLossError:
                message = f"{file['file']} is damaged; delete its folder and prepare the data again"
                raise UserError(message) from None

    def examples(self, limit: int | None = None) -> Iterator[dict[str, Any]]:
        """Examples as people read them: text, image bytes, waveforms, names of classes.

        Args:
          limit: the most of them, from the first; None for all.

        Raises:
          UserError: a file is damaged.
        """
        features = records.stored_features(self.problem)
        for record in itertools.islice(self.records(), limit):
            example = records.deserialize(record, features)
            if self.problem.swap:
                example = {"inputs": _first(example["targets"]), "targets": example["inputs"]}
            yield example


def _first(value: Any) -> Any:
    """Of several references, which a swapped problem would read, the first."""
    return value[0] if isinstance(value, list) else value
