"""Problems whose examples are given as they are: lists, data sets, tables, functions; no class is needed."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from t2tlite import registry
from t2tlite.errors import UserError
from t2tlite.features.feature import Feature
from t2tlite.problem import Problem, Text

Rows = Iterable[Any] | Callable[[], Iterable[Any]]
_EVERY = 20  # of so many examples one is held out for each split that is not given
_HELD_OUT = {"validation": 0, "test": 1}  # the remainder that a split takes


def from_examples(
    name: str,
    *,
    train: Rows | None = None,
    validation: Rows | None = None,
    test: Rows | None = None,
    inputs: Feature | dict[str, Feature] | None = None,
    targets: Feature | None = None,
    labels: Sequence[str] | None = None,
    metrics: Sequence[str] = (),
) -> Problem:
    """A problem of examples that are there already: `t2tlite.train(problems=from_examples(...))`.

    Examples are dicts with the keys "inputs" and "targets", or pairs of the two. They come from a list, a
    `tf.data.Dataset`, a pandas DataFrame with these columns, a data set of Hugging Face, or a function
    that yields them. They are read anew for each split. Texts may be `bytes`, pictures arrays, and classes
    numbers.

    What a training reads is prepared once, in its data_dir, in a folder with the problem's name: other
    examples need another name or another folder.

    Args:
      name: of letters, digits and underscores. A run finds the problem again by it, see `t2tlite.register`.
      train: the examples to train on; None: none, as to decode with a run that has trained it.
      validation, test: the other splits. Of one that is not given, each 20th example of `train` is taken.
      inputs: what is read, a `Feature` or several by name; default: `problem.Text()`.
      targets: what is written; default: `problem.Text()`.
      labels: names of the classes, by which numbers are told; default: the different ones of all splits.
      metrics: names of registered metrics, of decoded outputs.

    Raises:
      UserError: the name or a metric is not one, or examples can be read only once.
    """
    if not re.fullmatch(r"[A-Za-z]\w*", name):
        raise UserError(f"a problem can't have the name {name!r}; expected one such as `my_problem`")
    for metric in metrics:
        registry.entry("metric", metric)
    splits = {"train": train, "validation": validation, "test": test}
    for split, rows in splits.items():
        _check(split, rows)
    written = targets or Text()
    attributes = {
        "__doc__": "Examples that were given in Python.",
        "inputs": inputs or Text(),
        "targets": written,
        "command": "" if written.has_classes else f"to_{name}",
        "metrics": tuple(metrics),
    }
    problem = type(name, (GivenExamples,), attributes)(splits, labels)
    problem.name = name
    return problem


class GivenExamples(Problem):
    """What `from_examples` makes a subclass of.

    Args:
      splits: the examples of each split, or None.
      labels: names of the classes; None: the different ones of all splits.
    """

    def __init__(self, splits: Mapping[str, Rows | None], labels: Sequence[str] | None) -> None:
        self._splits = dict(splits)
        self._labels = None if labels is None else tuple(labels)

    def examples(self, split: str, source: str, source_dir: str | None = None) -> Iterator[dict[str, Any]]:
        """The examples that were given, or what is held out of those of training."""
        if self._splits["train"] is None:
            raise UserError(
                f"problem `{self.name}` was made without examples; give t2tlite.from_examples `train`"
            )
        for row in self._rows(split):
            example = _example(row)
            yield {
                name: self._value(feature, example[name])
                for name, feature in (("inputs", self.inputs), ("targets", self.targets))
                if name in example and feature is not None
            } | {name: value for name, value in example.items() if name not in ("inputs", "targets")}

    def labels(self, source: str, source_dir: str | None = None) -> tuple[str, ...]:
        """The names that were given, or the different classes of all splits: numbers in order, or names."""
        if self._labels is not None:
            return self._labels
        side = "inputs" if self.inputs.has_classes else "targets"
        given = [rows for rows in self._splits.values() if rows is not None]
        values = {_plain(_example(row)[side]) for rows in given for row in _iterated(rows)}
        numbers = all(isinstance(value, int) for value in values)
        return tuple(map(str, sorted(values) if numbers else sorted(map(str, values))))

    def _rows(self, split: str) -> Iterator[Any]:
        given = self._splits[split]
        if given is not None and split != "train":
            yield from _iterated(given)
            return
        held_out = {turn for name, turn in _HELD_OUT.items() if self._splits[name] is None}
        for number, row in enumerate(_iterated(self._splits["train"])):
            turn = number % _EVERY
            if (turn not in held_out) if split == "train" else turn == _HELD_OUT[split]:
                yield row

    def _value(self, feature: Feature, value: Any) -> Any:
        """A value as the feature stores it."""
        if feature.parts:
            return {name: self._value(dict(feature.parts)[name], one) for name, one in value.items()}
        if not (feature.is_text or feature.has_classes):
            return _scalar(value)
        value = _plain(value)
        return self._class(value) if feature.has_classes and isinstance(value, int) else value

    def _class(self, number: int) -> str:
        """The name of a class that is told by its number."""
        names = self._labels
        if names is None:
            return str(number)
        if not 0 <= number < len(names):
            raise UserError(f"problem `{self.name}` has {len(names)} labels; received class {number}")
        return names[number]


def _example(row: Any) -> dict[str, Any]:
    """A row as a dict, which pairs become; what else is wrong with it is told when it is stored."""
    if isinstance(row, Mapping):
        return dict(row)
    if isinstance(row, tuple | list) and len(row) == 2:
        return {"inputs": row[0], "targets": row[1]}
    raise UserError(
        f"expected a dict with `inputs` and `targets`, or a pair of the two; received {row!r:.60}"
    )


def _scalar(value: Any) -> Any:
    """A NumPy scalar, or an array without dimensions, as the Python value that it holds."""
    return value.item() if getattr(value, "ndim", None) == 0 else value


def _plain(value: Any) -> Any:
    """A text or the class of an example: bytes become a text."""
    value = _scalar(value)
    return value.decode() if isinstance(value, bytes) else value


def _iterated(rows: Any) -> Iterator[Any]:
    """The rows, from the first."""
    if hasattr(rows, "as_numpy_iterator"):  # of tf.data
        return rows.as_numpy_iterator()
    if hasattr(rows, "itertuples"):  # of pandas
        return (dict(zip(rows.columns, row, strict=True)) for row in rows.itertuples(index=False, name=None))
    return iter(rows() if callable(rows) else rows)


def _check(split: str, rows: Any) -> None:
    """Raises a UserError for what can't be read as often as is needed."""
    if rows is None or callable(rows):
        return
    if isinstance(rows, Iterator):
        raise UserError(
            f"the examples of {split} are an iterator, which can be read only once; give a list, a data set"
            " or the function that makes it"
        )
    if not isinstance(rows, Iterable) or isinstance(rows, str | bytes | Mapping):
        raise UserError(
            f"expected the examples of {split} as a list, a data set, a table or a function; received"
            f" {rows!r:.60}"
        )
    if hasattr(rows, "cardinality") and int(rows.cardinality()) == -1:
        raise UserError(f"the examples of {split} repeat without end; give the data set before `repeat()`")
