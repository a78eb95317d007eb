"""The feature `vector`: so many numbers."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from t2tlite import registry
from t2tlite.features.feature import Feature
from t2tlite.features.statistics import Distribution, Statistics, spread
from t2tlite.hparam import HParams

if TYPE_CHECKING:
    from t2tlite.features.codec import Codec, Reading
    from t2tlite.features.inputs import InputReader
    from t2tlite.features.raw import RawReader


@registry.register_feature
@dataclasses.dataclass(frozen=True)
class Vector(Feature):
    """A vector of fixed length: a float array `[size]`, or a list of numbers.

    Attributes:
      size: how many numbers it has.
    """

    size: int
    modality: str | None = dataclasses.field(default="vector", kw_only=True)
    kind: ClassVar[str] = "vector"
    objective: ClassVar[str] = "regression"
    asked_for: ClassVar[str] = "numbers with spaces between them"
    graph_input: ClassVar[str] = "tf.constant([[...]])"
    content_types: ClassVar[tuple[str, ...]] = ("application/json",)

    def numbers(self, value: Any) -> np.ndarray:
        """The value as float32 `[size]`; of a `str` the numbers have spaces between them.

        Raises:
          ValueError: it has another length, or is no vector of finite numbers.
        """
        try:
            array = np.asarray(value.split() if isinstance(value, str) else value, np.float32)
        except (TypeError, ValueError):
            array = None
        if array is None or array.shape != (self.size,) or not np.isfinite(array).all():
            raise ValueError(f"{value!r:.60}; expected {self.size} finite numbers")
        return array

    def to_record(self, value: Any, labels: Sequence[str] | None = None) -> list[bytes]:
        return [self.numbers(value).astype("<f4").tobytes()]

    def from_cell(self, cell: Any) -> Any:
        """A number alone is a vector of one."""
        return [cell] if isinstance(cell, int | float) else cell

    def from_record(self, values: list[bytes]) -> np.ndarray:
        return np.frombuffer(values[0], "<f4")

    def stand_in(self) -> Any:
        return np.zeros([self.size], np.float32)

    def codec(self, reading: "Reading") -> "Codec":
        """Float32 `[batch, size]`."""
        from t2tlite.features.vector_tensors import VectorCodec

        return VectorCodec(reading, self.size)

    def random_batch(
        self, name: str, size: int, generator: np.random.Generator, run: Any, problem: str
    ) -> dict[str, Any]:
        return {name: generator.normal(size=(size, self.size)).astype(np.float32)}

    def input_reader(self, vocabulary: Any, hparams: HParams) -> "InputReader | None":
        """Reads a list of numbers, an array or a line of numbers to float32 `[size]`."""
        from t2tlite.features.vector_tensors import VectorInputs

        return VectorInputs(self)

    def raw_readers(self, vocabulary: Any, hparams: HParams) -> "tuple[RawReader, ...]":
        """Numbers, float32 `[batch, size]`."""
        from t2tlite.features.vector_tensors import RawVectors

        return (RawVectors(self),)

    def from_json(self, value: Any, what: str) -> Any:
        return value  # checked where it is read

    def example_input(self) -> Any:
        return [0.0] * self.size

    def statistics(self, vocabulary: Any, hparams: HParams) -> Statistics:
        return _Vectors()

    def shown(self, value: Any) -> list[str]:
        return [" ".join(f"{number:g}" for number in value)]


class _Vectors(Statistics):
    def __init__(self) -> None:
        self._lengths: list[float] = []

    def take(self, value: Any) -> int:
        self._lengths.append(float(np.linalg.norm(value)))
        return 0

    def distribution(self, name: str) -> Distribution:
        counts, edges = np.histogram(self._lengths, bins=10) if self._lengths else ((), ())
        labels = [f"{low:.3g} to {high:.3g}" for low, high in zip(edges[:-1], edges[1:], strict=True)]
        bins = tuple(zip(labels, map(int, counts), strict=True))
        facts = spread(self._lengths, "of length")
        return Distribution(f"{name}: Euclidean length", bins, len(self._lengths), facts)
