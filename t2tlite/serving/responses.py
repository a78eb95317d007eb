"""Responses: what the model gives, as JSON holds it."""

import base64
import io
import math
from typing import Any

import numpy as np

from t2tlite.decoding.inspection.results import Attention
from t2tlite.decoding.prediction import Prediction
from t2tlite.serving.refusal import Refusal

MOST_WEIGHTS = 250_000  # of a block, in one answer
_DIGITS = 4


def prediction(result: Prediction) -> dict[str, Any]:
    """A `Prediction` with all its fields; log-probabilities in nats, None where they are not finite."""
    return {
        "text": result.text,
        "log_probability": _finite(result.score),
        "probabilities": [{"class": name, "probability": _finite(p)} for name, p in result.probabilities],
        "beams": [
            {
                "text": beam.text,
                "log_probability": _finite(beam.log_probability),
                "score": _finite(beam.score),
            }
            for beam in result.beams
        ],
        "error": result.error,
    }


def attention(result: Attention) -> dict[str, Any]:
    """An `Attention`: units of the output, positions of the input, weights of each block (mean of its heads).

    For an image also the square that the model read, as the address of a PNG: the grid lies on that.

    Raises:
      Refusal: 400, if input and output are too long to be shown.
    """
    weights = {}
    for name, of_heads in result.weights.items():  # [heads, outputs, inputs]
        if of_heads[0].size > MOST_WEIGHTS:
            outputs, inputs = of_heads.shape[1:]
            raise Refusal(
                400, f"{outputs} x {inputs} weights are too many to be shown; at most {MOST_WEIGHTS:,}"
            )
        weights[name] = np.round(of_heads.mean(axis=0, dtype=np.float64), _DIGITS).tolist()
    inputs = result.inputs
    answer = {
        "output": result.output,
        "outputs": list(result.outputs),
        "inputs": inputs.as_json(),
        "weights": weights,
    }
    if inputs.grid and inputs.content is not None:
        answer["picture"] = _picture(inputs.content)
    return answer


def _picture(pixels: np.ndarray) -> str:
    import PIL.Image

    buffer = io.BytesIO()
    PIL.Image.fromarray(np.round(255 * np.clip(pixels, 0, 1)).astype(np.uint8)).save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _finite(value: float) -> float | None:
    value = float(value)
    return value if math.isfinite(value) else None
