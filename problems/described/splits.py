"""Which files have the examples of which split."""

import glob
import os
from collections.abc import Iterable

from t2tlite.errors import UserError
from t2tlite.problems.formats import csv_table, json_lines, webdataset
from t2tlite.problems.formats.split_names import split_of

_FORMATS = {
    ".csv": csv_table,
    ".tsv": csv_table,
    ".jsonl": json_lines,
    ".ndjson": json_lines,
    ".tar": webdataset,
}
ENDINGS = tuple(_FORMATS)


def named(folder: str) -> dict[str, list[str]]:
    """The tables of each split that are named after it, in a folder or its folders.

    Raises:
      UserError: there is no such folder, or two places or formats have tables of one split.
    """
    if not os.path.isdir(folder):
        raise UserError(f"{folder} is no folder; expected one with {_expected('train')}")
    found: dict[str, list[str]] = {}
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        split = split_of(name)
        if split is None:
            continue
        tables = [path] if is_table(path) else []
        if os.path.isdir(path):
            tables = [
                inner for inner in sorted(glob.glob(os.path.join(glob.escape(path), "*"))) if is_table(inner)
            ]
        for table in tables:
            first = found.setdefault(split, [table])[0]
            if _kind(first) != _kind(table) or os.path.dirname(first) != os.path.dirname(table):
                raise UserError(
                    f"both {first} and {table} are for {split}; keep one kind, or name the `files`"
                )
            if table != first:
                found[split].append(table)
    return found


def matching(folder: str, patterns: Iterable[str]) -> list[str]:
    """The tables that patterns such as `shards/*.tar` stand for, in order.

    Raises:
      UserError: there is none for a pattern, or it is no table.
    """
    paths = []
    for pattern in patterns:
        found = sorted(
            glob.glob(os.path.join(glob.escape(folder), os.path.expanduser(pattern)), recursive=True)
        )
        if not found:
            raise UserError(f"there is no file `{pattern}` in {folder}")
        for path in found:
            if not is_table(path):
                raise UserError(f"{path} is no table; expected a name that ends in {', '.join(ENDINGS)}")
        paths += found
    return list(dict.fromkeys(paths))


def parts(paths: Iterable[str]) -> tuple[list, int | None]:
    """The parts of some tables, and their rows as far as they are known without reading all of them.

    Raises:
      UserError: a file can't be read, or has no columns.
    """
    several = [_FORMATS[_kind(path)].parts(path) for path in paths]
    counts = [count for _, count in several]
    return [part for found, _ in several for part in found], None if None in counts else sum(counts)


def none(split: str, folder: str) -> UserError:
    """What to say where a split has no tables."""
    held_out = "" if split == "train" else f", or let a share of train be it: held_out = {{{split} = 0.05}}"
    return UserError(f"no table for {split} in {folder}; expected {_expected(split)}{held_out}")


def is_table(path: str) -> bool:
    return _kind(path) in _FORMATS and os.path.isfile(path)


def _kind(path):
    name = path.lower()
    ending = os.path.splitext(name.removesuffix(".gz"))[1]
    return "" if name.endswith(".tar.gz") else ending


def _expected(split):
    return f"{split}.csv (or {', '.join(ENDINGS[1:])}), or such files in {split}/"
