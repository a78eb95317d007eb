"""The feature `counts`: a bag of words or tags, how often each name of a fixed vocabulary is there."""

import collections
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
    from t2tlite.features.inputs import InputReader
    from t2tlite.features.raw import RawReader


@registry.register_feature
@dataclasses.dataclass(frozen=True)
class Counts(Feature):
    """A bag of names: a dict of names and counts, or a list of names.

    Attributes:
      vocabulary: the names that there are, in the order of the columns of a batch.
    """

    vocabulary: tuple[str, ...]
    modality: str | None = dataclasses.field(default="counts", kw_only=True)
    kind: ClassVar[str] = "counts"
    objective: ClassVar[str] = "soft_classification"
    asked_for: ClassVar[str] = "names with commas between them"
    graph_input: ClassVar[str] = "tf.constant([[...]])"
    content_types: ClassVar[tuple[str, ...]] = ("application/json",)

    def __post_init__(self) -> None:
        object.__setattr__(self, "vocabulary", tuple(self.vocabulary))  # a list can't be hashed

    def weights(self, value: Any) -> dict[str, float]:
        """The counts by name; of a `str` the names have commas between them.

        Raises:
          ValueError: it is no bag of these names, or an empty one.
        """
        names = [name.strip() for name in value.split(",")] if isinstance(value, str) else value
        if isinstance(names, list | tuple) and all(isinstance(name, str) for name in names):
            names = collections.Counter(names)
        return weights.checked(names, self.vocabulary, "a dict of names and counts, or a list of names")

    def to_record(self, value: Any, labels: Sequence[str] | None = None) -> list[bytes]:
        return weights.to_entries(self.weights(value))

    def from_record(self, values: list[bytes]) -> dict[str, float]:
        return weights.from_entries(values)

    def stand_in(self) -> Any:
        return {self.vocabulary[0]: 1}

    def codec(self, reading: "Reading") -> "Codec":
        """Float32 `[batch, names]`."""
        from t2tlite.features.weights_tensors import WeightsCodec

        return WeightsCodec(reading, self.vocabulary)

    def random_batch(
        self, name: str, size: int, generator: np.random.Generator, run: Any, problem: str
    ) -> dict[str, Any]:
        return {name: generator.poisson(1.0, (size, len(self.vocabulary))).astype(np.float32)}

    def describe(self, value: np.ndarray, vocabulary: Any, labels: Sequence[str]) -> str | None:
        return weights.described(value, self.vocabulary)

    def input_reader(self, vocabulary: Any, hparams: HParams) -> "InputReader | None":
        """Reads a dict of names and counts, a list of names, or a line of them to float32 `[names]`."""
        from t2tlite.features.weights_tensors import CountsInputs

        return CountsInputs(self)

    def raw_readers(self, vocabulary: Any, hparams: HParams) -> "tuple[RawReader, ...]":
        """Counts, float32 `[batch, names]`."""
        from t2tlite.features.weights_tensors import RawCounts

        return (RawCounts(self),)

    def from_json(self, value: Any, what: str) -> Any:
        return value  # checked where it is read

    def example_input(self) -> Any:
        return self.stand_in()

    def statistics(self, vocabulary: Any, hparams: HParams) -> Statistics:
        return weights.NameStatistics()
