"""Problems over tables: what a description says, as a `Problem`."""

import functools
import os
from collections.abc import Iterator, Mapping
from typing import Any

from t2tlite import problem, registry
from t2tlite.discovery import Entry
from t2tlite.errors import UserError
from t2tlite.problems.described import columns, description, splits
from t2tlite.problems.described.description import Description
from t2tlite.problems.formats.rows import Row


@registry.register_user_file("problems.toml")
def register(file: str) -> None:
    """Problems over a person's own tables: CSV, JSON lines, tars of WebDataset or a Hugging Face dataset.

    Args:
      file: its path.

    Raises:
      UserError: it is no TOML, or describes something that can't be.
    """
    for described, line in description.read(file):
        entry = Entry(
            "problem", described.name, os.path.basename(file), file, line, described.name, described.about
        )
        registry.add(entry, _class(described))


class Tables(problem.Problem):
    """Base of problems whose examples are the rows of tables.

    Attributes:
      described: the `Description`.
    """

    sources = ("files", "hf")
    described: Description

    def examples_from_files(self, split, source_dir=None):
        """The rows of the tables in `source_dir`, or else in the folder of the description.

        Raises:
          UserError: there is no table for the split, or one can't be read.
        """
        return self._pieces(split, "files", source_dir)

    def examples_from_hf(self, split, source_dir=None):
        """The rows of a Hugging Face dataset: `source_dir`, a folder or a name, or else the description's.

        Raises:
          UserError: there is no such dataset on this machine, or nothing in it for the split.
        """
        return self._pieces(split, "hf", source_dir)

    def labels(self, source, source_dir=None):
        """The classes in order: numbers by their size, others by the alphabet, unless they are described."""
        if self.described.labels:
            return self.described.labels
        known = vars(self).setdefault("_labels", {})
        if (source, source_dir) not in known:
            known[source, source_dir] = self._find_labels(source, source_dir)
        return known[source, source_dir]

    def _find_labels(self, source, source_dir):
        [column] = [one for one in self.described.columns.values() if one.feature.has_classes]
        parts, _ = self._tables("train", source, source_dir)
        rows = (row for part in parts for row in part.rows(column.wanted()) if isinstance(row, Row))
        found = {name for row in rows for name in columns.classes(column, row)}
        numeric = all(name.isdecimal() for name in found)
        return tuple(sorted(found, key=lambda name: (int(name), name) if numeric else name))

    def _pieces(self, split, source, source_dir):
        parts, total = self._tables(split, source, source_dir)
        labels = frozenset(self.labels(source, source_dir)) if self.has_classes() else None
        described = self.described
        range_ = described.range_of(split)
        read = functools.partial(_read, dict(described.columns), described.by, range_, labels)
        parts = [(described.digest, range_, part) for part in parts]
        return problem.Pieces(read, parts, None if range_ else total)

    def _tables(self, split, source, source_dir):
        """The parts that hold a split, perhaps with others, and how many rows they have."""
        from_train = split in self.described.held_out
        if source == "hf":
            from t2tlite.problems.formats import hf_dataset

            return hf_dataset.parts(*self._dataset(source_dir), "train" if from_train else split)
        folder = os.path.expanduser(source_dir or os.path.dirname(self.described.file))
        if self.described.files is None:
            paths = splits.named(folder)
            if from_train and split in paths:
                raise UserError(
                    f"{self.described.file}: [{self.name}]: `held_out` says what {split} is, but there is "
                    f"{paths[split][0]}; leave out one"
                )
            paths = paths.get("train" if from_train else split, [])
        else:
            paths = splits.matching(folder, self.described.files.get("train" if from_train else split, ()))
        if not paths:
            raise splits.none(split, folder)
        return splits.parts(paths)

    def _dataset(self, source_dir):
        path, config = self.described.hf or (None, "")
        if source_dir is None and path is None:
            raise UserError(
                f"{self.described.file}: [{self.name}] names no `hf` dataset; add it, or give its folder or "
                "name by --source_dir"
            )
        beside = os.path.join(os.path.dirname(self.described.file), path or "")
        return source_dir or (beside if os.path.isdir(beside) else path), config


def _class(described: Description) -> type[Tables]:
    features = {key: column.feature for key, column in described.columns.items()}
    inputs: Any = features.get("inputs") or {
        key.partition(".")[2]: feature for key, feature in features.items() if key != "targets"
    }
    attributes = {
        "__doc__": described.about,
        "described": described,
        "inputs": inputs,
        "targets": features.get("targets"),
        "command": described.command,
        "objective": described.objective,
        "metrics": described.metrics,
        "data_version": described.digest,
    }
    try:
        return type(described.name, (Tables,), attributes)
    except UserError as error:
        raise UserError(f"{described.file}: {error}") from None


def _read(
    of: Mapping[str, columns.Column],
    by: tuple[str, ...],
    range_: tuple[float, float] | None,
    labels: frozenset[str] | None,
    part: tuple,
) -> Iterator[dict[str, Any] | problem.Broken]:
    """The examples of a part whose share is within a range."""
    table = part[-1]
    wanted = {name for column in of.values() for name in column.wanted()}
    if range_:
        wanted |= {name for names in by for name in names.split(";")}
    for row in table.rows(wanted):
        share = columns.share(row, by) if range_ and isinstance(row, Row) else 0.0
        if isinstance(row, problem.Broken):
            yield row
        elif isinstance(share, problem.Broken):
            yield share
        elif range_ is None or range_[0] <= share < range_[1]:
            yield columns.example(of, row, table.folder, labels)
