"""The feature `label`: the name of a class, read as its number."""

import collections
import dataclasses
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from t2tlite import registry
from t2tlite.features.feature import Feature
from t2tlite.features.statistics import Distribution, Statistics
from t2tlite.hparam import HParams
from t2tlite.hyperparameter import Hyperparameter
from t2tlite.plural import counted

if TYPE_CHECKING:
    from t2tlite.features.codec import Codec, Reading

CLASSES = 15  # that t2t-data shows one by one


@registry.register_feature
@dataclasses.dataclass(frozen=True)
class Label(Feature):
    """One of a fixed set of class names, given by the problem's `labels(source)`."""

    HPARAMS: ClassVar[tuple[Hyperparameter, ...]] = (
        Hyperparameter("modality_label", str, "net of classes", default="categorical", names="modality"),
    )
    kind: ClassVar[str] = "label"
    objective: ClassVar[str] = "classification"
    has_classes: ClassVar[bool] = True

    def to_record(self, value: Any, labels: Sequence[str] | None = None) -> list[bytes]:
        if not isinstance(value, str) or not value:
            raise ValueError(f"{value!r:.60}; expected the name of a class")
        stored = value.encode("utf-8")
        if labels is not None and value not in labels:
            raise ValueError(f"{value!r}, which is not one of the problem's labels")
        return [stored]

    def from_cell(self, cell: Any) -> Any:
        """A class that JSON has as a number or as true or false has that as its name."""
        return json.dumps(cell) if isinstance(cell, int) else cell

    def from_record(self, values: list[bytes]) -> str:
        return values[0].decode()

    def codec(self, reading: "Reading") -> "Codec":
        """Int32 `[batch]`, the number of each class."""
        from t2tlite.features.label_tensors import LabelCodec

        return LabelCodec(reading)

    def random_batch(
        self, name: str, size: int, generator: np.random.Generator, run: Any, problem: str
    ) -> dict[str, Any]:
        return {name: generator.integers(len(run.labels[problem]), size=size).astype(np.int32)}

    def describe(self, value: np.ndarray, vocabulary: Any, labels: Sequence[str]) -> str | None:
        number = int(value)
        return repr(labels[number]) if 0 <= number < len(labels) else f"class {number}"

    def statistics(self, vocabulary: Any, hparams: HParams) -> Statistics:
        return _Classes(vocabulary, hparams)


class _Classes(Statistics):
    def __init__(self, vocabulary: Any, hparams: HParams) -> None:
        self._counts: collections.Counter[str] = collections.Counter()

    def take(self, value: Any) -> int:
        self._counts[value] += 1
        return 0

    def distribution(self, name: str) -> Distribution:
        ordered = sorted(self._counts.items(), key=lambda pair: (-pair[1], pair[0]))
        facts = [counted(len(ordered), "class", "classes")]
        if ordered:
            facts.append(f"the rarest has {counted(ordered[-1][1], 'example')}: {ordered[-1][0]}")
        title = f"{name}: examples of a class"
        if len(ordered) > CLASSES:
            title += f" (the {CLASSES} most frequent)"
        return Distribution(title, tuple(ordered[:CLASSES]), self._counts.total(), tuple(facts))
