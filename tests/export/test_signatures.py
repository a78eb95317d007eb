"""Signatures of a model that writes what it reads: what it is asked, and what is said of other inputs."""

import types

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.decoding.options import DecodeOptions
from t2tlite.decoding.search.outputs import Outputs
from t2tlite.export import signatures


@pytest.fixture(scope="module")
def copying(run):
    """Signatures by name; a target is scored by how many entries it has."""

    def decode(features, rows, texts):
        ids = features["inputs"]
        zeros = tf.zeros_like(ids[:, :1], tf.float32)
        return Outputs(ids[:, None], zeros - 3.0, zeros - 2.0)

    compiled = types.SimpleNamespace(
        log_probabilities=lambda problem, spec: lambda features: tf.cast(features["targets"] != 0, tf.float32)
    )
    predictor = types.SimpleNamespace(
        run=run,
        options=DecodeOptions(beam_size=1, batch_size=2),
        decoder=lambda problem: decode,
        reader=lambda problem: types.SimpleNamespace(spec={}),
        compiled=compiled,
    )
    return {one.name: one.function for one in signatures.of_problem(predictor, "translation")}


def test_nothing_is_written_of_what_is_blank_or_not_read(copying):
    texts = ["the red circle", "", " \u3000", "a", b"\xff", "x" * 5000]
    outputs = copying["translation"](inputs=tf.constant(texts))
    assert [text.decode() for text in outputs["text"].numpy()] == ["the red circle", "", "", "a", "", ""]
    assert outputs["score"].numpy().tolist() == [-2, 0, 0, -2, 0, 0]
    assert outputs["log_probability"].numpy().tolist() == [-3, 0, 0, -3, 0, 0]
    errors = [error.decode() for error in outputs["error"].numpy()]
    assert errors[:5] == ["", "", "", "", "not UTF-8"] and "at most 256 are read" in errors[5]


def test_a_score_needs_inputs_and_targets_that_can_be_read(run, copying):
    pairs = [("a", "the red circle"), (b"\xff", "a"), ("a", b"\xff"), ("a", ""), ("x" * 5000, b"\xff")]
    inputs, targets = zip(*pairs, strict=True)
    outputs = copying["translation_score"](inputs=tf.constant(inputs), targets=tf.constant(targets))
    errors = [error.decode() for error in outputs["error"].numpy()]
    assert errors[:4] == ["", "not UTF-8", "not UTF-8", ""] and "at most 256 are read" in errors[4]
    counts = [len(run.vocabulary.encode(text)) for text in ("the red circle", "")]
    ends = outputs["log_probability"][3].numpy()  # an end token, if any, is an entry too
    np.testing.assert_array_equal(outputs["log_probability"], [counts[0] + ends, 0, 0, counts[1] + ends, 0])
