"""Bodies of requests to inputs of the predictor: text, or the bytes of pictures and sounds; never a path."""

import contextlib
import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

from t2tlite.decoding.options import DecodeOptions
from t2tlite.errors import UserError
from t2tlite.features.feature import Feature
from t2tlite.features.untrusted import MOST_CHARACTERS, utf8
from t2tlite.nearest import did_you_mean
from t2tlite.serving import request_options
from t2tlite.serving.refusal import Refusal

MOST_INPUTS = 64
JSON = "application/json"
_BINARY = "application/octet-stream"


@dataclasses.dataclass(frozen=True)
class PredictRequest:
    """What a request asks for.

    Attributes:
      inputs: `str` for text, otherwise the `bytes` of files; dicts of these for named inputs.
      options: how to decode.
      output: for an attention map: the output to look at; None for the model's own.
    """

    inputs: tuple[str | bytes | dict[str, str | bytes], ...]
    options: DecodeOptions
    output: str | None = None


def read(
    feature: Feature,
    body: bytes,
    content_type: str,
    query: Mapping[str, str],
    base: DecodeOptions,
    extra_keys: tuple = (),
) -> PredictRequest:
    """Reads the body of a request.

    Args:
      feature: what the problem reads.
      body: JSON `{"inputs": [...], "options": {...}}`, or a single input as it is.
      content_type: without parameters.
      query: of the address: options, for a single input.
      base: the server's own options.
      more: further keys that the JSON may have; "output" is the only one known.

    Raises:
      Refusal: 400 or 415, with what is wrong.
    """
    if content_type == JSON:
        return _from_json(feature, body, query, base, extra_keys)
    expected = feature.content_types
    if not content_type.startswith(expected) and not (feature.is_file and content_type == _BINARY):
        shown = " or ".join(f"{name}*" if name.endswith("/") else name for name in expected)
        other = "" if JSON in expected else f", or {shown} as it is"
        raise Refusal(
            415, f"received {content_type[:60]!r}; this problem reads {feature.kind}: send {JSON}{other}"
        )
    options = {name: value for name, value in query.items() if name not in extra_keys}
    with _refused():
        value = feature.from_body(body, "the body")
    return PredictRequest(
        (value,),
        request_options.changed(base, options, as_text=True),
        _output(query, extra_keys),
    )


def _from_json(
    feature: Feature, body: bytes, query: Mapping[str, str], base: DecodeOptions, extra_keys: tuple[str, ...]
) -> PredictRequest:
    if query:
        raise Refusal(400, "options of a JSON request stand in its body, not in the address")
    with _refused():
        text = utf8(body, "the body")
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = "too deeply nested" if isinstance(error, RecursionError) else error
        raise Refusal(400, f"the body is not JSON: {reason}") from None
    if not isinstance(fields, dict):
        raise Refusal(400, 'expected a JSON object such as {"inputs": ["..."]}')
    known = ("inputs", "options", *extra_keys)
    for key in fields:
        if key not in known:
            near = did_you_mean(key, known) or f"; there is {', '.join(known)}"
            raise Refusal(400, f"unknown key `{key[:40]}`{near}")
    options = fields.get("options", {})
    if not isinstance(options, dict):
        raise Refusal(400, "options must be a JSON object of names and values")
    return PredictRequest(
        _inputs(feature, fields.get("inputs")),
        request_options.changed(base, options),
        _output(fields, extra_keys),
    )


def _inputs(feature: Feature, values: Any) -> tuple:
    if not isinstance(values, list) or not values:
        what, one = ("objects", "{...}") if feature.parts else ("strings", '"..."')
        raise Refusal(400, f'inputs must be a list of one or more {what}, as in {{"inputs": [{one}]}}')
    if len(values) > MOST_INPUTS:
        raise Refusal(400, f"received {len(values)} inputs; at most {MOST_INPUTS} fit into a request")
    with _refused():
        return tuple(feature.from_json(value, f"inputs[{number}]") for number, value in enumerate(values))


@contextlib.contextmanager
def _refused() -> Iterator[None]:
    """Refuses what an input's feature can't read."""
    try:
        yield
    except UserError as error:
        raise Refusal(400, str(error)) from None


def _output(fields: Mapping[str, Any], extra_keys: tuple[str, ...]) -> str | None:
    output = fields.get("output") if "output" in extra_keys else None
    if output is not None and (not isinstance(output, str) or len(output) > MOST_CHARACTERS):
        raise Refusal(400, f"output must be a string of at most {MOST_CHARACTERS} characters")
    return output
