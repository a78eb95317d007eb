"""What the model gives, as JSON: nothing that JSON has no word for, and no more than a page can show."""

import base64
import io
import json
import math

import numpy as np
import PIL.Image
import pytest

from t2tlite.decoding.inspection.results import Attention, Positions
from t2tlite.decoding.prediction import Hypothesis, Prediction
from t2tlite.serving import responses
from t2tlite.serving.refusal import Refusal


def attention(heads, inputs):
    """Of a block with weights `[heads, outputs, inputs]`."""
    outputs = tuple("x" * heads.shape[1])
    return Attention("shout", "x", outputs, inputs, {"block": heads})


def test_what_is_not_finite_is_null():
    prediction = Prediction(
        "", -math.inf, (("cat", math.nan),), beams=(Hypothesis("a", -math.inf, math.inf),)
    )
    response = responses.prediction(prediction)
    json.dumps(response, allow_nan=False)
    assert response["log_probability"] is None
    assert response["probabilities"] == [{"class": "cat", "probability": None}]
    assert response["beams"] == [{"text": "a", "log_probability": None, "score": None}]


def test_weights_are_the_mean_of_the_heads():
    heads = np.array([[[0.0, 1.0]], [[1.0, 0.0]], [[0.25, 0.75]], [[0.5, 0.5]]], np.float32)
    response = responses.attention(attention(heads, Positions(2, ("a", "</s>"))))
    assert response["weights"] == {"block": [[0.4375, 0.5625]]}
    assert response["inputs"] == {"count": 2, "units": ["a", "</s>"]} and "picture" not in response


def test_as_many_weights_of_a_block_as_a_page_can_show(monkeypatch):
    monkeypatch.setattr(responses, "MOST_WEIGHTS", 12)
    shown = responses.attention(attention(np.ones([5, 3, 4], np.float32), Positions(4)))
    assert np.shape(shown["weights"]["block"]) == (3, 4)
    with pytest.raises(Refusal, match="1 x 13 weights are too many to be shown; at most 12") as caught:
        responses.attention(attention(np.ones([1, 1, 13], np.float32), Positions(13)))
    assert caught.value.status == 400


def test_the_picture_is_the_square_that_the_grid_lies_on():
    content = np.zeros([2, 2, 3], np.float32)
    content[0, 1] = (1.5, 0.5, -0.5)  # a little outside, as resizing may leave it
    content[1, 0] = 1.0
    response = responses.attention(attention(np.ones([1, 1, 4]), Positions(4, grid=(2, 2), content=content)))
    kind, _, encoded = response["picture"].partition(",")
    assert kind == "data:image/png;base64"
    pixels = np.asarray(PIL.Image.open(io.BytesIO(base64.b64decode(encoded))))
    assert pixels.tolist() == [[[0, 0, 0], [255, 128, 0]], [[255, 255, 255], [0, 0, 0]]]
    sound = Positions(4, seconds=(0.0, 0.1, 0.2, 0.3), content=np.zeros(6400, np.float32))
    assert "picture" not in responses.attention(attention(np.ones([1, 1, 4]), sound))
