"""DecodeOptions: how to decode, and reading them from --decode_hparams."""

import dataclasses
import typing

from t2tlite import typed_value
from t2tlite.errors import UserError
from t2tlite.nearest import did_you_mean


@dataclasses.dataclass(frozen=True)
class DecodeOptions:
    """How to decode.

    Attributes:
      batch_size: most inputs decoded together.
      decode_length: most positions of an output; None for the hyperparameters' longest text,
        or as much as a longer input has.
    """

    batch_size: int = 32
    decode_length: int | None = None

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value is not None and value < 1:
                raise UserError(f"{field.name} must be 1 or more; received {value}")

    @classmethod
    def parse(cls, text: str) -> "DecodeOptions":
        """Reads "batch_size=8,decode_length=40".

        Raises:
          UserError: a name is unknown or given twice, or a value is ill-typed or out of range.
        """
        types = typing.get_type_hints(cls)
        given = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            name, equals, value = (piece.strip() for piece in part.partition("="))
            if not equals:
                raise UserError(f"cannot read `{part}` among the decode hyperparameters; expected name=value")
            if name not in types:
                near = did_you_mean(name, types) or f"; there is {', '.join(types)}"
                raise UserError(f"unknown decode hyperparameter `{name}`{near}")
            if name in given:
                raise UserError(f"decode hyperparameter `{name}` is given twice in `{text}`")
            given[name] = typed_value.parse(name, types[name], value)
        return cls(**given)
