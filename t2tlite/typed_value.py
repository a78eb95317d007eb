"""Values of annotated fields: reading them from text, writing them, and checking those given in Python."""

import math
import types
import typing
from typing import Any

from t2tlite.errors import UserError

_BOOLEANS = {"true": True, "false": False}


def parse(name: str, annotation: Any, text: str) -> Any:
    """Reads a value as the annotation says.

    Args:
      name: the field, for the error.
      annotation: bool, int, float, str, a tuple of these (`tuple[int, ...]`, `tuple[float, float]`), or such
        a type `| None`.
      text: "true" or "false", a number, a string; the parts of a tuple separated by ";"; "none".

    Raises:
      UserError: the text is not of that type.
    """
    if not text.strip():
        raise UserError(f"{name}= has no value; expected {describe(annotation)}")
    try:
        return _checked(annotation, _parse(annotation, text.strip()))
    except ValueError:
        raise UserError(f"{name}={text} is not {describe(annotation)}") from None


def checked(name: str, annotation: Any, value: Any) -> Any:
    """Returns the value with an int made a float, and a list a tuple, where the annotation asks for that.

    Raises:
      UserError: the value is not of that type.
    """
    try:
        return _checked(annotation, value)
    except ValueError:
        raise UserError(f"{name} must be {describe(annotation)}; received {value!r}") from None


def written(value: Any) -> str:
    """A value as `parse` reads it; lists stand for tuples."""
    if isinstance(value, tuple | list):
        return ";".join(written(item) for item in value)
    return str(value).lower() if isinstance(value, bool | None) else str(value)


def describe(annotation: Any) -> str:
    """The type in words, such as "an integer" or "numbers separated by `;`"."""
    words = {bool: "true or false", int: "an integer", float: "a finite number", str: "a string"}
    if annotation in words:
        return words[annotation]
    if optional := _without_none(annotation):
        return f"{describe(optional)}, or none"
    parts = typing.get_args(annotation)
    count = "" if parts[-1] is Ellipsis else f"{len(parts)} "
    plural = {bool: "booleans", int: "integers", float: "numbers", str: "strings"}
    return f"a tuple of {count}{plural.get(parts[0], parts[0])} (as text, with `;` between them)"


def _parse(annotation: Any, text: str) -> Any:
    if annotation is str:
        return text
    if annotation is bool:
        if text.lower() not in _BOOLEANS:
            raise ValueError(text)
        return _BOOLEANS[text.lower()]
    if annotation in (int, float):
        return annotation(text)
    if optional := _without_none(annotation):
        return None if text.lower() == "none" else _parse(optional, text)
    pieces = text.strip("()").split(";")
    return tuple(_parse(part, piece.strip()) for part, piece in _paired(annotation, pieces))


def _checked(annotation: Any, value: Any) -> Any:
    if annotation is float and type(value) is int:
        value = float(value)
    if annotation in (bool, int, float, str):
        finite = annotation is not float or (type(value) is float and math.isfinite(value))
        if type(value) is not annotation or not finite or value == "":
            raise ValueError(value)
        return value
    if optional := _without_none(annotation):
        return None if value is None else _checked(optional, value)
    if typing.get_origin(annotation) is not tuple:
        raise TypeError(f"hyperparameters cannot be of the type {annotation}")
    if not isinstance(value, list | tuple):
        raise ValueError(value)
    return tuple(_checked(part, item) for part, item in _paired(annotation, value))


def _paired(annotation: Any, values: Any) -> list[tuple[Any, Any]]:
    """The items of a tuple, each with its type."""
    parts = typing.get_args(annotation)
    if parts[-1] is Ellipsis:
        parts = parts[:1] * len(values)
    if len(parts) != len(values):
        raise ValueError(values)
    return list(zip(parts, values, strict=True))


def _without_none(annotation: Any) -> Any:
    """The type X of `X | None`, or None for any other annotation."""
    if typing.get_origin(annotation) not in (typing.Union, types.UnionType):
        return None
    others = [part for part in typing.get_args(annotation) if part is not types.NoneType]
    return others[0] if len(others) == 1 else None
