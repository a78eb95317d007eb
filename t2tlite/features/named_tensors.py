"""Named inputs as tensors: what reads each of them, in decoding and in the graph of an export."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from t2tlite.errors import UserError
from t2tlite.features import raw
from t2tlite.features.encoding import GIVEN, MARK
from t2tlite.features.inputs import InputReader

_ONE = "inputs"  # what readers call the only input


@dataclasses.dataclass(frozen=True)
class Values:
    """What was read of an example's inputs; its length is the sum of theirs.

    Attributes:
      parts: by name, of those that are there.
    """

    parts: dict[str, np.ndarray]

    def __len__(self) -> int:
        return sum(len(value) for value in self.parts.values())


class NamedReader(InputReader):
    """Reads each input by the reader of its kind.

    Args:
      feature: the `NamedInputs`.
      readers: by name.
    """

    def __init__(self, feature: Any, readers: Mapping[str, InputReader]) -> None:
        self._feature = feature
        self._readers = dict(readers)
        self._optional = [name for name, one in feature.parts if one.optional]
        self._stand_ins = {
            name: readers[name].read(one.stand_in()) for name, one in feature.parts if one.optional
        }
        self.spec = {}
        for name, reader in self._readers.items():
            self.spec |= _in_a_batch(name, reader.spec)
        self.spec |= {_presence_key(name): tf.TensorSpec([None], tf.bool) for name in self._optional}
        # Of the sum of the lengths; every kind has units of its own.
        self.bounds = (sum(reader.bounds[-1] for reader in self._readers.values()),)

    def read(self, value: Any) -> Values:
        """A dict of values to a `Values`; those that are missing have no entry."""
        values = {}
        for name, one in self._feature.present(value).items():
            try:
                values[name] = self._readers[name].read(one)
            except UserError as error:
                raise UserError(f"{name}: {error}") from None
        return Values(values)

    def room(self, example: Any) -> int:
        return max(self._readers[name].room(value) for name, value in example.parts.items())

    def batch(self, examples: Sequence[Values]) -> dict[str, np.ndarray]:
        arrays: dict[str, np.ndarray] = {}
        for name, reader in self._readers.items():
            arrays |= _in_a_batch(name, reader.batch([self._value(one, name) for one in examples]))
        return arrays | self._presence(examples)

    def alone(self, example: Values) -> dict[str, np.ndarray]:
        arrays: dict[str, np.ndarray] = {}
        for name, reader in self._readers.items():
            arrays |= _in_a_batch(name, reader.alone(self._value(example, name)))
        return arrays | self._presence([example])

    def _value(self, example: Any, name: str) -> np.ndarray:
        return example.parts[name] if name in example.parts else self._stand_ins[name]

    def _presence(self, examples: Sequence[Any]) -> dict[str, np.ndarray]:
        return {
            _presence_key(name): np.array([name in one.parts for one in examples]) for name in self._optional
        }


class NamedRawReader(raw.RawReader):
    """Reads each raw input by a reader of its kind.

    Args:
      feature: the `NamedInputs`.
      readers: those of each kind, by name.
      suffix: each input has the reader with this suffix, or where there is none its first.
    """

    def __init__(self, feature: Any, readers: Mapping[str, Sequence[raw.RawReader]], suffix: str) -> None:
        self.suffix = suffix
        self._readers = {
            name: next((one for one in several if one.suffix == suffix), several[0])
            for name, several in readers.items()
        }
        self._optional = [name for name, one in feature.parts if one.optional]
        self.spec, self.accepts = {}, {}
        for name, reader in self._readers.items():
            self.spec |= {_argument(name, key): spec for key, spec in reader.spec.items()}
            more = "; empty where there is none" if name in self._optional else ""
            self.accepts |= {_argument(name, key): f"{text}{more}" for key, text in reader.accepts.items()}

    def read(self, **tensors: tf.Tensor) -> raw.Read:
        results, there, faults = {}, {}, []
        for name, reader in self._readers.items():
            mine = {key: tensors[_argument(name, key)] for key in reader.spec}
            results[name] = reader.read(**mine)
            error = results[name].error
            faults.append((error != "", tf.strings.join([f"{name}: ", error])))
            if name in self._optional:
                there[name] = ~reader.is_missing(**mine)
                faults[-1] = (faults[-1][0] & there[name], faults[-1][1])
        first = next(iter(results.values()))

        def features(rows: tf.Tensor) -> dict[str, tf.Tensor]:
            columns: dict[str, tf.Tensor] = {}
            for name, one in results.items():
                columns |= _in_a_batch(name, one.features(rows))
            return columns | {_presence_key(name): tf.gather(one, rows) for name, one in there.items()}

        length = tf.reduce_max(tf.stack([one.length for one in results.values()]), axis=0)
        return raw.Read(features, length, raw.first_of(*faults), tf.zeros_like(first.blank))


def _in_a_batch(name: str, tensors: Mapping[str, Any]) -> dict[str, Any]:
    """The tensors of an only input, as those of the input with this name."""
    return {f"{_ONE}{MARK}{_argument(name, key)}": value for key, value in tensors.items()}


def _argument(name: str, key: str) -> str:
    return name + key.removeprefix(_ONE)


def _presence_key(name: str) -> str:
    return f"{_ONE}{MARK}{name}{GIVEN}"
