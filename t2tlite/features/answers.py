"""The feature `answers`: what several annotators answered, as a target."""

import dataclasses
from typing import ClassVar

import numpy as np

from t2tlite import registry
from t2tlite.features import weights
from t2tlite.features.feature import Feature


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

    def modality_name(self, hparams):
        return self.modality or hparams.modality_label

    def to_record(self, value, labels=None):
        texts = isinstance(value, list | tuple) and all(isinstance(v, str) and v for v in value)
        if not texts or len(value) != self.number or any("\t" in v for v in value):
            raise ValueError(f"{value!r:.60}; expected a list of {self.number} answers without tabs")
        return [v.encode("utf-8") for v in value]

    def from_record(self, values) -> list[str]:
        return [value.decode() for value in values]

    def codec(self, reading):
        """Float32 `[batch, classes]`: how many annotators gave each answer."""
        from t2tlite.features.weights_tensors import WeightsCodec

        return WeightsCodec(reading, reading.labels)

    def random_batch(self, name, size, generator, run, problem):
        classes = len(run.labels[problem])
        return {name: generator.multinomial(self.number, [1 / classes] * classes, size).astype(np.float32)}

    def describe(self, value, vocabulary, labels):
        return weights.described(value, labels)

    def statistics(self, vocabulary, hparams):
        return weights.NameStatistics()

    def shown(self, value):
        return list(value)
