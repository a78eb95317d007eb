"""Paths of variables: patterns for them, and tables of how many parameters the parts of a model have."""

import collections
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from t2tlite import shards
from t2tlite.errors import UserError
from t2tlite.nearest import did_you_mean
from t2tlite.tables import aligned

if TYPE_CHECKING:
    import keras

Counts = Mapping[str, Mapping[str, int]]


def within(path: str) -> str:
    """A path without the name of the model: `encoder/block0/step1/norm/gamma`."""
    return path.partition("/")[2] or path


def part(path: str) -> str:
    """The part of the model that a variable belongs to: encoder, image, language_9916b373 ..."""
    return within(path).split("/")[0]


def compiled(pattern: str) -> re.Pattern:
    """What a pattern matches: a path within the model, or the beginning of one, up to a `/`.

    `*` stands for any characters. There is a group for each of them, and a last one for the rest.
    """
    return re.compile("(.*)".join(map(re.escape, pattern.split("*"))) + "(|/.*)")


def frozen(patterns: Sequence[str], paths: Sequence[str]) -> frozenset[str]:
    """Those of some variables' paths that patterns freeze; one with a minus in front frees what it matches.

    The patterns are taken in turn: `*`, `-image_*` freezes all but the parts whose name begins with image_.

    Raises:
      UserError: a pattern matches nothing, or all that there is.
    """
    frozen_paths: dict[str, None] = {}
    for text in patterns:
        frees = text.startswith("-")
        pattern = compiled(text.removeprefix("-"))
        matched = [path for path in (frozen_paths if frees else paths) if pattern.fullmatch(within(path))]
        if not matched:
            parts = sorted({part(path) for path in (frozen_paths if frees else paths)})
            what = "of what is frozen" if frees else "of the model"
            near = did_you_mean(text.removeprefix("-"), parts)
            raise UserError(
                f"freeze={text} matches no variable {what}{near}; parts are {', '.join(parts) or 'none'}"
            )
        frozen_paths = (
            {path: None for path in frozen_paths if path not in set(matched)}
            if frees
            else {**frozen_paths, **dict.fromkeys(matched)}
        )
    if paths and len(frozen_paths) == len(paths):
        raise UserError(f"freeze={' freeze='.join(patterns)} leaves nothing to train; freeze less")
    return frozenset(frozen_paths)


def counts(variables: "Iterable[keras.Variable]", kind: Callable[[str], str]) -> Counts:
    """`{part: {kind: parameters}}`; `kind` says of a variable's path which column it belongs to."""
    parameters: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
    for variable in variables:
        parameters[part(variable.path)][kind(variable.path)] += math.prod(shards.whole_shape(variable))
    return parameters


def table(title: str, columns: Sequence[str], counts: Counts) -> str:
    """Lines of parameters by part and column, and of all parts together."""
    total: collections.Counter = sum(map(collections.Counter, counts.values()), collections.Counter())
    rows = [
        ("part", *columns),
        *((name, *(_number(of_part.get(c, 0)) for c in columns)) for name, of_part in sorted(counts.items())),
        ("all", *(_number(total[c]) for c in columns)),
    ]
    return "\n".join([title, *aligned(rows)])


def _number(count: int) -> str:
    return f"{count:,}" if count else "-"
