"""The feature `distribution`: a probability for each of a problem's classes, as a target (soft targets)."""

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

_ROUNDING = 1e-3  # by which a sum of probabilities may differ from 1


@registry.register_feature
@dataclasses.dataclass(frozen=True)
class Distribution(Feature):
    """Probabilities of classes: a dict of names of `Problem.labels` and probabilities, others being 0."""

    kind: ClassVar[str] = "distribution"
    objective: ClassVar[str] = "soft_classification"
    has_classes: ClassVar[bool] = True

    def modality_name(self, hparams: HParams) -> str:
        return self.modality or hparams.modality_label

    def to_record(self, value: Any, labels: Sequence[str] | None = None) -> list[bytes]:
        shares = weights.checked(value, labels, "a dict of classes and probabilities")
        if abs(sum(shares.values()) - 1) > _ROUNDING:
            raise ValueError(f"a dict whose probabilities have the sum {sum(shares.values()):g}; expected 1")
        return weights.to_entries(shares)

    def from_record(self, values: list[bytes]) -> dict[str, float]:
        return weights.from_entries(values)

    def references(self, value: Any) -> tuple[str, ...]:
        """The likeliest class; several that are as likely."""
        return tuple(name for name, weight in value.items() if weight == max(value.values()))

    def codec(self, reading: "Reading") -> "Codec":
        """Float32 `[batch, classes]`."""
        from t2tlite.features.weights_tensors import WeightsCodec

        return WeightsCodec(reading, reading.labels)

    def random_batch(
        self, name: str, size: int, generator: np.random.Generator, run: Any, problem: str
    ) -> dict[str, Any]:
        return {name: generator.dirichlet(np.ones(len(run.labels[problem])), size).astype(np.float32)}

    def describe(self, value: np.ndarray, vocabulary: Any, labels: Sequence[str]) -> str | None:
        return weights.described(value, labels)

    def statistics(self, vocabulary: Any, hparams: HParams) -> Statistics:
        return weights.NameStatistics()
