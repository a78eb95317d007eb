"""The feature `label`: the name of a class, read as its number."""

import dataclasses
from typing import Any, ClassVar

import numpy as np

from t2tlite import registry
from t2tlite.features.feature import Feature


@registry.register_feature
@dataclasses.dataclass(frozen=True)
class Label(Feature):
    """One of a fixed set of class names, given by the problem's `labels(source)`."""

    kind: ClassVar[str] = "label"
    objective: ClassVar[str] = "classification"
    has_classes: ClassVar[bool] = True

    def to_record(self, value, labels=None):
        if not isinstance(value, str) or not value:
            raise ValueError(f"{value!r:.60}; expected the name of a class")
        stored = value.encode("utf-8")
        if labels is not None and value not in labels:
            raise ValueError(f"{value!r}, which is not one of the problem's labels")
        return [stored]

    def from_record(self, values) -> str:
        return values[0].decode()

    def codec(self, reading):
        """Int32 `[batch]`, the number of each class."""
        from t2tlite.features.label_tensors import LabelCodec

        return LabelCodec(reading)

    def random_batch(self, name, size, generator, run, problem) -> dict[str, Any]:
        return {name: generator.integers(len(run.labels[problem]), size=size).astype(np.int32)}

    def describe(self, value, vocabulary, labels):
        number = int(value)
        return repr(labels[number]) if 0 <= number < len(labels) else f"class {number}"
