"""Views as JSON, and what can't be looked at."""

import json

import numpy as np
import pytest

from t2tlite import problem
from t2tlite.decoding.inspection import results
from t2tlite.errors import UserError

from ...models import tiny
from . import looks


@pytest.mark.parametrize("kind", looks.INPUTS)
def test_attention_as_json(kind):
    view = looks.attention(kind)
    content = json.loads(json.dumps(view.as_json()))
    assert content["output"] == "ein roter Kreis" and content["problem"] == "to_look_at"
    assert tuple(content["outputs"]) == looks.OUTPUTS
    for ours, theirs in ((content["weights"], view.weights), (content["self_weights"], view.self_weights)):
        assert list(ours) == list(theirs)
        for name, weights in theirs.items():
            np.testing.assert_allclose(ours[name], weights, atol=1e-6)


def test_positions_as_json():
    description = {kind: positions.as_json() for kind, positions in looks.INPUTS.items()}
    assert description["text"] == {"count": 5, "units": list(looks.INPUTS["text"].units)}
    assert description["image"] == {"count": 6, "grid": [2, 3]}
    assert description["audio"] == {"count": 3, "seconds": [0.0, 0.1, 0.2]}


def test_experts_as_json():
    view = looks.experts("image")
    content = json.loads(json.dumps(view.as_json()))["mixtures"]
    assert {name: one["side"] for name, one in content.items()} == {
        "encoder/experts": "inputs",
        "decoder/experts": "outputs",
    }
    for name, one in content.items():
        assert one["experts"] == view.mixtures[name].experts.tolist() and one["count"] == 4
        np.testing.assert_allclose(one["gates"], view.mixtures[name].gates, atol=1e-6)


def test_dense_gates():
    mixture = results.Mixture("inputs", np.array([[2, 0], [1, 2]]), np.float32([[0.75, 0.25], [0.5, 0.5]]), 4)
    assert mixture.dense().tolist() == [[0.25, 0, 0.75, 0], [0, 0.5, 0.5, 0]]


def test_checks():
    text, label = (tiny.PROBLEMS[name] for name in ("translation", "topics"))
    assert isinstance(text.targets, problem.Text)
    results.check_attention(text, tiny.HPARAMS)
    results.check_experts(label, tiny.HPARAMS)
    for output in (None, "", "x"):
        results.check_output(text, output)
    results.check_output(label, None)
    with pytest.raises(
        UserError, match="`topics` writes a label, for which no attention is used; ask for its"
    ):
        results.check_attention(label, tiny.HPARAMS)
    with pytest.raises(UserError, match="attention=False.*; train one with attention=True"):
        results.check_attention(text, tiny.HPARAMS.replace(attention=False))
    with pytest.raises(UserError, match="moe=none.*; train one with experts"):
        results.check_experts(label, tiny.HPARAMS.replace(moe="none"))
    with pytest.raises(UserError, match="`topics` writes a label; give no output"):
        results.check_output(label, "x")
    with pytest.raises(UserError, match="expected the output as a str; received b'x'"):
        results.check_output(text, b"x")
