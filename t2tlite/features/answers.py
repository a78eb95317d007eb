"""The feature `answers`: what several annotators answered, as a target."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from t2tlite import registry
from t2tlite.features import weights
from t2tlite.features.feature import Feature
from t2tlite.features.statistics import Statistics
from t2tlite.hparam import HParams

if TYPE_CHECKING:
    from t2tlite.features.codec import Codec, Reading


@registry.register_feature
@dataclasses.dataclass(frozen=True)
class Answers(Feature):
    """The answers of `number` annotators: a list of `str`, in any order.

    The model chooses among `Problem.labels`. An answer that is none of these counts when outputs are scored,
    and is left out of the loss.

    Attributes:
      number: of annotators.
    """

    number: int
    kind: ClassVar[str] = "answers"
    objective: ClassVar[str] = "soft_classification"
    has_classes: ClassVar[bool] = True

    def modality_name(self, hparams: HParams) -> str:
        return self.modality or hparams.modality_label

    def to_record(self, value: Any, labels: Sequence[str] | None = None) -> list[bytes]:
        texts = isinstance(value, list | tuple) and all(isinstance(v, str) and v for v in value)
        if not texts or len(value) != self.number or any("\t" in v for v in value):
            raise ValueError(f"{value!r:.60}; expected a list of {self.number} answers without tabs")
        return [v.encode("utf-8") for v in value]

    def from_record(self, values: list[bytes]) -> list[str]:
        return [value.decode() for value in values]

    def codec(self, reading: "Reading") -> "Codec":
        """Float32 `[batch, classes]`: how many annotators gave each answer."""
        from t2tlite.features.weights_tensors import WeightsCodec

        return WeightsCodec(reading, reading.labels)

    def random_batch(
        self, name: str, size: int, generator: np.random.Generator, run: Any, problem: str
    ) -> dict[str, Any]:
        classes = len(run.labels[problem])
        return {name: generator.multinomial(self.number, [1 / classes] * classes, size).astype(np.float32)}

    def describe(self, value: np.ndarray, vocabulary: Any, labels: Sequence[str]) -> str | None:
        return weights.described(value, labels)

    def statistics(self, vocabulary: Any, hparams: HParams) -> Statistics:
        return weights.NameStatistics()

    def shown(self, value: Any) -> list[str]:
        return list(value)
