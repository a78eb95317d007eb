"""What a `problems.toml` says of a problem, checked."""

import dataclasses
import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from t2tlite import registry
from t2tlite.errors import UserError
from t2tlite.nearest import did_you_mean
from t2tlite.problem import SPLITS
from t2tlite.problems.described.columns import Column

_KEYS = ("about", "inputs", "targets", "labels", "files", "hf", "held_out", "command", "objective", "metrics")
_OF_DATA = ("inputs", "targets", "labels", "files", "hf", "held_out")
_BY = "by"


@dataclasses.dataclass(frozen=True)
class Description:
    """A problem over tables.

    Attributes:
      file, name: where it is described, and the problem's name.
      about: its docstring.
      columns: by "inputs" or "inputs.NAME", and "targets" where there are any.
      labels: the classes; (): those that the training tables have.
      files: patterns of each split's tables, by split; None: they are named after the splits.
      hf: path or name of a Hugging Face dataset, and its configuration or "".
      held_out: which share of train is for which other split, by split.
      by: the columns that decide what is held out.
      command, objective, metrics: as of `Problem`.
      digest: of all that decides what is prepared.
    """

    file: str
    name: str
    about: str
    columns: Mapping[str, Column]
    labels: tuple[str, ...]
    files: Mapping[str, tuple[str, ...]] | None
    hf: tuple[str, str] | None
    held_out: Mapping[str, float]
    by: tuple[str, ...]
    command: str
    objective: str | None
    metrics: tuple[str, ...]
    digest: str

    def range_of(self, split: str) -> tuple[float, float] | None:
        """From which to which share, as `columns.share` gives it, rows of train are a split's; None: all."""
        ranges, first = {}, 0.0
        for other, share in self.held_out.items():
            ranges[other] = first, first + share
            first += share
        return (ranges | {"train": (first, 1.0)}).get(split) if ranges else None


def read(file: str) -> list[tuple[Description, int]]:
    """The descriptions in a file, each with the line on which it begins.

    Raises:
      UserError: the file is no TOML, or describes something that can't be.
    """
    try:
        with open(file, encoding="utf-8") as stream:
            text = stream.read()
        tables = tomllib.loads(text)
    except UnicodeDecodeError:
        raise UserError(f"{file} is not UTF-8; save it as that") from None
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"{file}: {error}") from None
    return [(_description(file, name, table), _line(text, name)) for name, table in tables.items()]


def _line(text, name):
    begins = re.search(rf"^\s*\[\s*{re.escape(name)}[\s.\]]", text, re.MULTILINE)
    return text.count("\n", 0, begins.end()) + 1 if begins else 1


def _description(file, name, table):
    try:
        if not re.fullmatch("[a-z][a-z0-9_]*", name) or not isinstance(table, dict):
            raise UserError("expected a table whose name is a problem's, such as [ticket_topic]")
        _check_keys(table, _KEYS)
        if "inputs" not in table:
            raise UserError(
                '`inputs` is missing; it says what is read, as {kind = "text", column = "question"}'
            )
        columns = _columns(table)
        files, held_out, by = _splits(table, columns)
        if "labels" in table and not any(column.feature.has_classes for column in columns.values()):
            raise UserError("`labels` are given, but neither inputs nor targets have classes")
        target = columns.get("targets")
        metrics = tuple(_strings(table.get("metrics", []), "metrics"))
        for metric in metrics:
            registry.entry("metric", metric)
        if objective := table.get("objective"):
            registry.entry("objective", _string(objective, "objective"))
        digest = json.dumps({key: table.get(key) for key in _OF_DATA}, sort_keys=True, default=str)
        return Description(
            file=file,
            name=name,
            about=_string(table.get("about", f"Described in {file}."), "about"),
            columns=columns,
            labels=tuple(_strings(table.get("labels", []), "labels")),
            files=files,
            hf=_hf(table),
            held_out=held_out,
            by=by,
            command=_string(table.get("command", f"to_{name}"), "command")
            if target and target.feature.is_text
            else "",
            objective=objective,
            metrics=metrics,
            digest=hashlib.sha256(digest.encode()).hexdigest()[:16],
        )
    except UserError as error:
        raise UserError(f"{file}: [{name}]: {error}") from None


def _columns(table) -> dict[str, Column]:
    columns = {}
    for side in ("inputs", "targets"):
        given = table.get(side)
        if given is None:
            continue
        if not isinstance(given, dict) or not given:
            raise UserError(f'`{side}` is {given!r:.60}; expected what is read, as {{kind = "text"}}')
        if side == "inputs" and all(isinstance(value, dict) for value in given.values()):
            for name, one in given.items():
                columns[f"{side}.{name}"] = _column(one, f"{side}.{name}", name)
        else:
            columns[side] = _column(given, side, side)
    return columns


def _column(given, what, default):
    """The column of a feature: `kind`, `column`, and what else its kind has."""
    options = {key: tuple(v) if isinstance(v, list) else v for key, v in given.items()}
    kind = options.pop("kind", None)
    names = options.pop("column", default)
    if kind is None:
        raise UserError(f"`{what}` has no `kind`; expected one of {', '.join(registry.names('feature'))}")
    feature = registry.get("feature", _string(kind, f"{what}.kind"))
    known = [field.name for field in dataclasses.fields(feature)]
    _check_keys(options, known, f"`{what}`, of kind `{kind}`, has")
    several = isinstance(names, tuple)
    names = tuple(_strings(names if several else [names], f"{what}.column"))
    try:
        made = feature(**options)
    except TypeError as error:
        raise UserError(f"`{what}`: {str(error).partition(' ')[2]}") from None
    if several and made.is_file:
        raise UserError(f"`{what}` is read from one file; received several columns")
    if not names:
        raise UserError(f"`{what}` names no column")
    return Column(made, names, several)


def _splits(table, columns):
    files, held_out = table.get("files"), table.get("held_out", {})
    if not isinstance(held_out, dict):
        raise UserError(f"`held_out` is {held_out!r:.60}; expected shares by split: {{validation = 0.05}}")
    held_out = dict(held_out)
    if files is not None and not isinstance(files, dict):
        files = {"train": files}
    if files is not None:
        _check_keys(files, SPLITS, "`files` has")
        files = {split: tuple(_strings(_list(given), f"files.{split}")) for split, given in files.items()}
        if not files.get("train"):
            raise UserError("`files` names none for train")
    by = held_out.pop(
        _BY, [name for key, column in columns.items() if key != "targets" for name in column.names]
    )
    _check_keys(held_out, SPLITS[1:], "`held_out` has")
    for split, share in held_out.items():
        if not isinstance(share, int | float) or isinstance(share, bool) or not 0 < share < 1:
            raise UserError(f"held_out.{split} is {share!r}; expected a share of train such as 0.05")
        if files and split in files:
            raise UserError(f"`files` and `held_out` both say what {split} is; leave out one")
    if sum(held_out.values()) >= 1:
        raise UserError("`held_out` leaves nothing for train")
    return files, held_out, tuple(_strings(_list(by), "held_out.by"))


def _hf(table):
    given = table.get("hf")
    if given is None or isinstance(given, str):
        return (_string(given, "hf"), "") if given is not None else None
    if not isinstance(given, dict):
        raise UserError(f"`hf` is {given!r:.60}; expected the path or the name of a dataset")
    _check_keys(given, ("path", "config"), "`hf` has")
    return _string(given.get("path"), "hf.path"), _string(
        given["config"], "hf.config"
    ) if "config" in given else ""


def _check_keys(given: Mapping[str, Any], known: Iterable[str], what: str = "there is") -> None:
    known = list(known)
    for key in given:
        if key not in known:
            near = did_you_mean(key, known) or f"; expected {', '.join(known)}"
            raise UserError(f"{what} no `{key}`{near}")


def _list(value):
    return value if isinstance(value, list) else [value]


def _strings(value, what):
    if not isinstance(value, list | tuple):
        raise UserError(f"`{what}` is {value!r:.60}; expected a list of strings")
    return [_string(one, what) for one in value]


def _string(value, what):
    if not isinstance(value, str) or not value:
        raise UserError(f"`{what}` is {value!r:.60}; expected a string")
    return value
