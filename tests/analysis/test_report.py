"""The report of an analysis, of figures that are known."""

import json
import types

import numpy as np
import pytest

from t2tlite.analysis import report
from t2tlite.analysis.analysis import ALL_PARTS, Analysis
from t2tlite.analysis.sample import OfProblem

ORIGIN = {"run": "RUN", "checkpoint": "step-00000001", "split": "train", "batches": 2, "seed": 0}
SHARED, OWN = "m/encoder/block/kernel", "m/encoder/experts/in"
MODEL = types.SimpleNamespace(
    trainable_variables=[types.SimpleNamespace(path=path, shape=(2, 2)) for path in (SHARED, OWN)]
)


def seen(gates, *gradients):
    """Of a problem whose batches all have the same gradients."""
    half = dict(zip((SHARED, OWN), map(np.array, gradients), strict=False))
    gates = {"m/encoder/experts": np.array([gates, gates], float)} if gates else {}
    return OfProblem(10, 8, 0.5, gates, (half, half))


def test_figures_of_two_problems(tmp_path):
    one = seen([3, 1, 0], [[1.0, 0], [0, 0]], np.ones([2, 2]))
    other = seen([0, 2, 2], [[-1.0, 0], [0, 0]], np.ones([2, 2]))
    found = Analysis.of({"one": one, "other": other}, MODEL, ORIGIN)
    text = report.write(tmp_path, found)
    content = json.loads((tmp_path / "analysis.json").read_text())
    layer = content["experts"]["encoder/experts"]
    assert layer["share"] == [[0.75, 0.25, 0.0], [0.0, 0.5, 0.5]]
    assert layer["overlap"] == [[1.0, 0.25], [0.25, 1.0]] and layer["effective_experts"][1] == 2.0
    parts = content["gradients"]
    assert parts["encoder"] == {"parameters": 4, "cosine": [[1, -1], [-1, 1]], "ceiling": [[1, 1], [1, 1]]}
    assert parts["encoder/experts"]["cosine"] == [[1, 1], [1, 1]]
    assert parts[ALL_PARTS]["cosine"][0][1] == pytest.approx((4 - 1) / 5)
    assert "one      1.8                75.0%     25.0%     0.0%" in text
    assert "encoder                      4           1      -1.00 (1.00)  -1.00 one, other" in text
    assert (tmp_path / "analysis.html").read_text().count("<svg") == 5


def test_without_experts(tmp_path):
    alone = Analysis.of(dict.fromkeys("ab", seen([], np.ones([2, 2]))), MODEL, ORIGIN)
    assert "no mixture of experts" in report.write(tmp_path, alone)
    content = json.loads((tmp_path / "analysis.json").read_text())
    assert content["experts"] == {} and content["mean_overlap"] is None
    assert set(content["gradients"]) == {ALL_PARTS, "encoder"}


def test_a_table_of_many_experts_has_those_that_do_most(tmp_path):
    many = seen([0] * 58 + [3, 1], np.ones([2, 2]))
    text = report.write(tmp_path, Analysis.of({"a": many, "b": many}, MODEL, ORIGIN))
    assert "58: 75.0%, 59: 25.0%, 0: 0.0%" in text


def test_examples_that_were_read_twice():
    twice = seen([1, 1], np.ones([2, 2]))
    twice.examples = 11
    found = Analysis.of({"a": twice, "b": seen([1, 1], np.ones([2, 2]))}, MODEL, ORIGIN)
    assert report._summary(found).grids[0].note.startswith("Of a all examples were read")
