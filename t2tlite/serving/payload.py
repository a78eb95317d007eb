"""Bodies of requests to inputs of the predictor: text, or the bytes of pictures and sounds; never a path."""

import base64
import binascii
import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any

from t2tlite.decoding.options import DecodeOptions
from t2tlite.errors import UserError
from t2tlite.nearest import did_you_mean
from t2tlite.serving import asked_options, media
from t2tlite.serving.refusal import Refusal

MOST_INPUTS = 64
MOST_CHARACTERS = 10_000
JSON = "application/json"
# What may stand as the body itself, by what the problem reads.
_RAW = {"text": ("text/plain",), "image": ("image/",), "audio": ("audio/",)}
_BINARY = "application/octet-stream"
_DATA_URL = re.compile(r"data:[\w.+/-]*(;[\w.+=-]+)*;base64,")


@dataclasses.dataclass(frozen=True)
class Asked:
    """What a request asks for.

    Attributes:
      inputs: `str` for text, otherwise the `bytes` of files.
      options: how to decode.
      output: for an attention map: the output to look at; None for the model's own.
    """

    inputs: tuple[str | bytes, ...]
    options: DecodeOptions
    output: str | None = None


def read(
    kind: str, body: bytes, content_type: str, query: Mapping[str, str], base: DecodeOptions, more: tuple = ()
) -> Asked:
    """Reads the body of a request.

    Args:
      kind: what the problem reads: "text", "image" or "audio".
      body: JSON `{"inputs": [...], "options": {...}}`, or a single input as it is.
      content_type: without parameters.
      query: of the address: options, for a single input.
      base: the server's own options.
      more: further keys that the JSON may have; "output" is the only one known.

    Raises:
      Refusal: 400 or 415, with what is wrong.
    """
    if content_type == JSON:
        return _from_json(kind, body, query, base, more)
    expected = _RAW[kind]
    if not content_type.startswith(expected) and not (kind != "text" and content_type == _BINARY):
        shown = " or ".join(f"{name}*" if name.endswith("/") else name for name in expected)
        raise Refusal(
            415,
            f"received {content_type[:60]!r}; this problem reads {kind}: send {JSON}, or {shown} as it is",
        )
    options = {name: value for name, value in query.items() if name not in more}
    return Asked(
        (_checked(kind, _utf8(body) if kind == "text" else body, "the body"),),
        asked_options.changed(base, options, as_text=True),
        _output(query, more),
    )


def _from_json(kind, body, query, base, more) -> Asked:
    if query:
        raise Refusal(400, "options of a JSON request stand in its body, not in the address")
    try:
        given = json.loads(_utf8(body))
    except (ValueError, RecursionError) as error:
        reason = "too deeply nested" if isinstance(error, RecursionError) else error
        raise Refusal(400, f"the body is not JSON: {reason}") from None
    if not isinstance(given, dict):
        raise Refusal(400, 'expected a JSON object such as {"inputs": ["..."]}')
    known = ("inputs", "options", *more)
    for key in given:
        if key not in known:
            near = did_you_mean(key, known) or f"; there is {', '.join(known)}"
            raise Refusal(400, f"unknown key `{key[:40]}`{near}")
    options = given.get("options", {})
    if not isinstance(options, dict):
        raise Refusal(400, "options must be a JSON object of names and values")
    return Asked(
        _inputs(kind, given.get("inputs")), asked_options.changed(base, options), _output(given, more)
    )


def _inputs(kind, given: Any) -> tuple[str | bytes, ...]:
    if not isinstance(given, list) or not given:
        raise Refusal(400, 'inputs must be a list of one or more strings, as in {"inputs": ["..."]}')
    if len(given) > MOST_INPUTS:
        raise Refusal(400, f"received {len(given)} inputs; at most {MOST_INPUTS} fit into a request")
    found = []
    for number, value in enumerate(given):
        what = f"inputs[{number}]"
        if not isinstance(value, str):
            raise Refusal(400, f"{what} must be a string; received {type(value).__name__}")
        found.append(_checked(kind, value if kind == "text" else _from_base64(value, what), what))
    return tuple(found)


def _checked(kind, value, what):
    if kind == "text":
        if len(value) > MOST_CHARACTERS:
            raise Refusal(400, f"{what} has {len(value)} characters; at most {MOST_CHARACTERS} are read")
        return value
    try:
        media.check(kind, value)
    except UserError as error:
        raise Refusal(400, f"{what}: {error}") from None
    return value


def _from_base64(value: str, what: str) -> bytes:
    """The bytes of base64, alone or in a `data:` address. Nothing else is looked up, least of all a file."""
    header = _DATA_URL.match(value)
    try:
        return base64.b64decode(value[header.end() :] if header else value, validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(400, f"{what} must be the base64 of a file; paths are not read") from None


def _utf8(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refusal(400, f"the body is not UTF-8 at byte {error.start}") from None


def _output(given, more) -> str | None:
    output = given.get("output") if "output" in more else None
    if output is not None and (not isinstance(output, str) or len(output) > MOST_CHARACTERS):
        raise Refusal(400, f"output must be a string of at most {MOST_CHARACTERS} characters")
    return output
