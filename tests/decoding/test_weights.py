"""Vectors and bags that are read, distributions and answers that are written, by a model."""

import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2tlite import objective, problem
from t2tlite.data.preparing import generate
from t2tlite.decoding.evaluate import evaluate_split
from t2tlite.decoding.files.line_decoder import LineDecoder
from t2tlite.decoding.options import DecodeOptions
from t2tlite.decoding.predictor import Predictor
from t2tlite.errors import UserError
from t2tlite.export import signatures
from t2tlite.run import Run

from ..features.test_weights import TAGS, Soft, Tagged
from ..models import tiny

HPARAMS = tiny.HPARAMS.replace(num_encoder_layers=1, batch_tokens=8)


class Answered(Tagged):
    metrics = ("vqa_accuracy", "top1")


class Moved(Tagged):
    """Numbers to other numbers."""

    name, targets = "moved", problem.Vector(2)


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    problems = {one.name: one for one in (Answered(), Soft(), Moved())}
    for one in (problems["tagged"], problems["soft"]):
        generate.generate([one], folder, "sample", progress=False, processes=1)
    labels = {name: ("yes", "no") for name in ("tagged", "soft")}
    run = Run(folder, HPARAMS, problems, labels, None, str(folder), "sample")
    keras.utils.set_random_seed(1)
    return Predictor(run, tiny.randomise(run.make_model(), seed=1), DecodeOptions(batch_size=2))


def test_every_way_to_give_them(eagerly, predictor):
    values = [
        {"numbers": [1, 2, 3], "tags": {"red": 2, "blue": 1}},
        {"numbers": np.array([1.0, 2, 3]), "tags": ["red", "red", "blue"]},
        {"numbers": "1 2 3", "tags": "red, blue, red"},
    ]
    predictions = predictor.predict("tagged", values)
    assert {one.text for one in predictions} <= {"yes", "no"}
    np.testing.assert_allclose([one.score for one in predictions], predictions[0].score, rtol=1e-5)
    [without, other] = predictor.predict("tagged", [{"numbers": [1, 2, 3]}, {"numbers": [3, 2, 1]}])
    assert len({without.score, other.score, predictions[0].score}) == 3
    [score] = predictor.score("soft", [["red", "blue"]], ["no"])
    assert score.log_probability < 0


def test_lines(eagerly, predictor):
    lines = [b"numbers\ttags", b"1 2 3\tred,blue", b"1 2\tred", b"1 2 3\tpink"]
    outputs = LineDecoder(predictor, "tagged", pathlib.Path())(range(4), lines)
    assert outputs[1].split("\t")[0] in ("yes", "no")
    assert outputs[2].startswith("# error: numbers: received '1 2'; expected 3 finite numbers")
    assert outputs[3].startswith("# error: tags: received a dict with 'pink'")


def test_a_split_is_scored(eagerly, predictor):
    evaluation = evaluate_split(predictor, "tagged", "test")
    outputs = [one.prediction.text for one in evaluation.examples]
    annotated = [["yes"] * (i % 3) + ["no"] * (3 - i % 3) + ["perhaps"] for i in range(12)]
    of_others = [(output, answers) for output, answers in zip(outputs, annotated, strict=True)]
    expected = 0.0
    for output, answers in of_others:
        for i in range(4):
            others = answers[:i] + answers[i + 1 :]
            expected += min(1, others.count(output) / 3) / 4
    np.testing.assert_allclose(evaluation.metrics["vqa_accuracy"], 100 * expected / 12, rtol=1e-6)
    assert not evaluation.errors


def test_signatures(eagerly, predictor):
    [one] = signatures.of_problem(predictor, "soft")
    outputs = one.function(inputs=tf.constant([[1.0, 1, 0], [0, 0, 0]]))
    [expected] = predictor.predict("soft", [["red", "blue"]])
    assert outputs["label"][0, 0].numpy().decode() == expected.text
    np.testing.assert_allclose(outputs["probability"][0, 0], expected.probabilities[0][1], rtol=1e-4)
    assert outputs["error"].numpy().tolist() == [b"", b"no counts"]
    assert list(one.inputs) == ["inputs"] and str(len(TAGS)) in one.inputs["inputs"]


def test_a_vector_is_learned_and_not_decoded(predictor):
    model, moved = predictor.model, predictor.run.problems["moved"]
    features = {
        "inputs.numbers": tiny.noise(4, 3),
        "inputs.tags": tf.zeros([4, 3]),
        "inputs.tags_given": tf.constant([False] * 4),
        "targets": tiny.noise(4, 2, seed=1),
    }
    aim = objective.all_of({"moved": moved}, model.hparams)["moved"]
    with tf.GradientTape() as tape:
        loss = aim.loss(model(features, problem="moved"), features)
    written = [v for v in model.trainable_variables if "vector_2/write" in v.path]
    assert len(written) == 2
    assert all(tf.reduce_any(g != 0) for g in tape.gradient(loss, [v.value for v in written]))
    with pytest.raises(UserError, match="problem `moved` writes vector, which can't be decoded"):
        predictor.predict("moved", [])
