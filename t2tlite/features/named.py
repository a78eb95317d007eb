"""Named inputs: several features that a problem reads together, each under a name of its own.

An input `picture` is `inputs.picture` in records and batches. Whether an optional one is there is in
`inputs.picture_given` of a batch.
"""

import dataclasses
import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from t2tlite.errors import UserError
from t2tlite.features.encoding import GIVEN, MARK
from t2tlite.features.feature import Feature
from t2tlite.features.positions import Encoded, Positions, joined
from t2tlite.hparam import HParams
from t2tlite.nearest import did_you_mean

if TYPE_CHECKING:
    from t2tlite.features.inputs import InputReader
    from t2tlite.features.raw import RawReader

_TAKEN = ("inputs", "targets")
_ENDINGS = ("_length", GIVEN)  # of further tensors of an input


@dataclasses.dataclass(frozen=True)
class NamedInputs(Feature):
    """What a problem with `inputs = {"picture": Image(), "question": Text()}` reads.

    Attributes:
      parts: pairs of a name and its feature, in the order in which the model joins them.
    """

    parts: tuple[tuple[str, Feature], ...] = ()  # type: ignore[misc]  # of the instance here

    @classmethod
    def of(cls, features: Mapping[str, Feature]) -> "NamedInputs":
        """The features by name.

        Raises:
          UserError: a name or a feature can't be used.
        """
        feature = cls(parts=tuple(features.items()))
        feature._check()
        return feature

    def _check(self) -> None:
        features = dict(self.parts)
        for name, feature in self.parts:
            if not isinstance(name, str) or not name.isidentifier() or name in _TAKEN:
                raise UserError(f"an input can't have the name {name!r}; expected one such as `question`")
            for ending in _ENDINGS:
                if name + ending in features:
                    raise UserError(
                        f"an input can't be called `{name}{ending}`, since `{name}` has a tensor of that name"
                    )
            if not isinstance(feature, Feature) or isinstance(feature, NamedInputs):
                raise UserError(f"the input `{name}` is {feature!r:.60}; expected a feature such as Text()")
        if all(feature.optional for feature in features.values()):
            raise UserError(f"of the inputs {', '.join(features) or '(none)'} one must not be optional")

    @property
    def kind(self) -> str:  # type: ignore[override]  # of the instance here
        """The names with their kinds, for messages."""
        return ", ".join(f"{name} ({feature.kind})" for name, feature in self.parts)

    @property
    def asked_for(self) -> str:  # type: ignore[override]  # of the instance here
        return ", ".join(f"{name} ({feature.asked_for})" for name, feature in self.parts)

    @property
    def content_types(self) -> tuple[str, ...]:  # type: ignore[override]  # of the instance here
        """JSON alone, if all of them can be sent."""
        return ("application/json",) if all(one.content_types for _, one in self.parts) else ()

    def named(self, side: str) -> dict[str, Feature]:
        return {f"{side}{MARK}{name}": feature for name, feature in self.parts}

    def described(self) -> dict[str, str]:
        return {name: feature.kind for name, feature in self.parts}

    def present(self, value: Any) -> dict[str, Any]:
        """The values by name, without those that are missing.

        Raises:
          UserError: it is no dict of these names, or one that is not optional is missing.
        """
        names = dict(self.parts)
        if not isinstance(value, Mapping):
            raise UserError(f"expected a dict of {', '.join(names)}; received {value!r:.60}")
        for name in value:
            if name not in names:
                near = did_you_mean(str(name), names) or f"; expected {', '.join(names)}"
                raise UserError(f"there is no input `{name!s:.40}`{near}")
        values = {}
        for name, feature in self.parts:
            if feature.is_missing(value.get(name)):
                continue
            if value.get(name) is None:
                raise UserError(f"the input `{name}` is missing")
            values[name] = value[name]
        return values

    def input_reader(self, vocabulary: Any, hparams: HParams) -> "InputReader | None":
        """Reads a dict of values to a `t2tlite.features.named_tensors.Values`; None if one can't be read."""
        from t2tlite.features.named_tensors import NamedReader

        readers = {}
        for name, feature in self.parts:
            reader = feature.input_reader(vocabulary, hparams)
            if reader is None:
                return None
            readers[name] = reader
        return NamedReader(self, readers)

    def positions(self, value: Any, encoded: Encoded, vocabulary: Any) -> Positions:
        parts = {}
        for name, feature in self.parts:
            parts[name] = Positions(0)
            if name in value.parts:
                parts[name] = feature.positions(value.parts[name], encoded.parts[name], vocabulary)
        return joined(parts)

    def raw_readers(self, vocabulary: Any, hparams: HParams) -> "tuple[RawReader, ...]":
        """Every input under its name; a signature for each suffix that one of them has."""
        from t2tlite.features.named_tensors import NamedRawReader

        readers = {name: feature.raw_readers(vocabulary, hparams) for name, feature in self.parts}
        if not all(readers.values()):
            return ()
        suffixes = dict.fromkeys(one.suffix for several in readers.values() for one in several)
        return tuple(NamedRawReader(self, readers, suffix) for suffix in suffixes)

    def from_json(self, value: Any, what: str) -> Any:
        """A dict of inputs out of a JSON object."""
        if not isinstance(value, dict):
            names = ", ".join(f"{json.dumps(name)}: ..." for name, _ in self.parts)
            raise UserError(f"{what} must be an object {{{names}}}; received {type(value).__name__}")
        try:
            values = self.present(value)
        except UserError as error:
            raise UserError(f"{what}: {error}") from None
        features = dict(self.parts)
        return {name: features[name].from_json(one, f"{what}.{name}") for name, one in values.items()}

    def example_input(self) -> Any:
        return {name: feature.example_input() for name, feature in self.parts}


def flatten(example: Mapping[str, Any], features: Collection[str]) -> dict[str, Any]:
    """The values of an example by the names that records have: a dict of inputs becomes `inputs.NAME`.

    What is missing, or None in such a dict, has no entry.

    Args:
      features: the names of the problem's features, or of those of its corpus.
    """
    flat: dict[str, Any] = {}
    for side, value in example.items():
        if isinstance(value, Mapping) and side not in features:
            flat |= {f"{side}{MARK}{name}": one for name, one in value.items() if one is not None}
        else:
            flat[side] = value
    return flat


def nest(values: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `flatten`."""
    example: dict[str, Any] = {}
    for name, value in values.items():
        side, mark, part = name.partition(MARK)
        if mark:
            example.setdefault(side, {})[part] = value
        else:
            example[side] = value
    return example
