"""Decode options as requests give them: which may be set, how far, and how they are described to a page."""

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any

from t2tlite import typed_value
from t2tlite.decoding.options import DecodeOptions
from t2tlite.errors import UserError
from t2tlite.nearest import did_you_mean
from t2tlite.serving.refusal import Refusal

# name: (least, most, what it is for, in the words of the page)
_BOUNDS = {
    "beam_size": (1, 16, "hypotheses that the search keeps; 1 is greedy"),
    "alpha": (0.0, 4.0, "length penalty: larger prefers longer outputs"),
    "decode_length": (1, 1024, "most subwords of an output"),
    "min_length": (0, 1024, "fewest subwords of an output"),
    "constrain": (None, None, "only well-formed outputs, where the problem says what that is"),
    "temperature": (0.0, 4.0, "above 0 draws samples instead of searching; larger is more daring"),
    "top_k": (0, 1 << 20, "samples from so many likeliest subwords only; 0 for all"),
    "top_p": (0.0, 1.0, "samples from the likeliest subwords of this probability only"),
    "num_samples": (1, 16, "samples to draw"),
    "seed": (0, 2**31 - 1, "of the samples"),
}
_TYPES = {name: kind for name, kind in typing.get_type_hints(DecodeOptions).items() if name in _BOUNDS}


def changed(base: DecodeOptions, changes: Mapping[str, Any], as_text: bool = False) -> DecodeOptions:
    """The options of a request.

    Args:
      base: those of the server.
      changes: name to value, as JSON has it.
      as_text: the values are text, as in the query of an address.

    Raises:
      Refusal: 400, if a name can't be set, or a value is ill-typed or out of bounds.
    """
    values = {}
    try:
        for name, value in changes.items():
            if name not in _TYPES:
                near = did_you_mean(name, _TYPES) or f"; there is {', '.join(_TYPES)}"
                raise UserError(f"option `{name[:40]}` can't be set{near}")
            read = typed_value.parse if as_text else typed_value.checked
            values[name] = _bounded(name, read(name, _TYPES[name], value))
        return base.replace(**values)
    except UserError as error:
        raise Refusal(400, str(error)) from None


def described(base: DecodeOptions) -> list[dict[str, Any]]:
    """For each option its name, type ("boolean", "integer", "number"), default, bounds and what it is for."""
    words = {bool: "boolean", int: "integer", float: "number"}
    options = []
    for field in dataclasses.fields(base):
        if field.name in _TYPES:
            least, most, purpose = _BOUNDS[field.name]
            kind = words.get(_TYPES[field.name], "integer")  # decode_length may be None as well
            value = getattr(base, field.name)
            options.append(
                {
                    "name": field.name,
                    "type": kind,
                    "default": value,
                    "least": least,
                    "most": most,
                    "help": purpose,
                }
            )
    return options


def _bounded(name: str, value: Any) -> Any:
    least, most, _ = _BOUNDS[name]
    if least is not None and value is not None and not least <= value <= most:
        raise UserError(f"{name} must be between {least} and {most}; received {value!r:.40}")
    return value
