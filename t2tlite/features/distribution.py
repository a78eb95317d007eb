"""The feature `distribution`: a probability for each of a problem's classes, as a target (soft targets)."""

import dataclasses
from typing import ClassVar

import numpy as np

from t2tlite import registry
from t2tlite.features import weights
from t2tlite.features.feature import Feature

_ROUNDING = 1e-3  # by which a sum of probabilities may differ from 1


@registry.register_feature
@dataclasses.dataclass(frozen=True)
class Distribution(Feature):
    """Probabilities of classes: a dict of names of `Problem.labels` and probabilities, others being 0."""

    kind: ClassVar[str] = "distribution"
    objective: ClassVar[str] = "soft_classification"
    has_classes: ClassVar[bool] = True

    def modality_name(self, hparams):
        return self.modality or hparams.modality_label

    def to_record(self, value, labels=None):
        found = weights.checked(value, labels, "a dict of classes and probabilities")
        if abs(sum(found.values()) - 1) > _ROUNDING:
            raise ValueError(f"a dict whose probabilities have the sum {sum(found.values()):g}; expected 1")
        return weights.to_entries(found)

    def from_record(self, values) -> dict[str, float]:
        return weights.from_entries(values)

    def references(self, value):
        """The likeliest class; several that are as likely."""
        return tuple(name for name, weight in value.items() if weight == max(value.values()))

    def codec(self, reading):
        """Float32 `[batch, classes]`."""
        from t2tlite.features.weights_tensors import WeightsCodec

        return WeightsCodec(reading, reading.labels)

    def random_batch(self, name, size, generator, run, problem):
        return {name: generator.dirichlet(np.ones(len(run.labels[problem])), size).astype(np.float32)}

    def describe(self, value, vocabulary, labels):
        return weights.described(value, labels)

    def statistics(self, vocabulary, hparams):
        return weights.NameStatistics()
