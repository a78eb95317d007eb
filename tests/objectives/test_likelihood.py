"""Likelihood and classification: losses against NumPy, sums and figures by hand."""

import math

import numpy as np
import pytest
import tensorflow as tf

from t2tlite import objective, registry
from t2tlite.errors import UserError
from t2tlite.model import Output

from ..layers import reference
from ..models import tiny

IDS = np.array([[5, 3, 1, 0, 0], [7, 2, 6, 4, 1]], np.int32)


def make_objective(name="likelihood", **changes):
    return registry.get("objective", name)(tiny.HPARAMS.replace(**changes))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_of_a_text_is_the_cross_entropy_of_what_is_not_padding(smoothing):
    aim = make_objective(label_smoothing=smoothing)
    logits = tiny.noise(2, 5, 19)
    expected = 0
    for row, t in zip(*np.nonzero(IDS), strict=True):
        smoothed = np.full(19, smoothing / 19)
        smoothed[IDS[row, t]] += 1 - smoothing
        expected -= smoothed @ np.log(reference.softmax(np.float64(logits[row, t])))
    tiny.close(aim.loss(Output(logits), {"targets": IDS}), expected)
    assert aim.count({"targets": IDS}) == 8


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_of_a_class_is_the_cross_entropy(smoothing):
    aim = make_objective("classification", label_smoothing=smoothing)
    logits, targets = tiny.noise(3, 5), np.array([0, 4, 2], np.int32)
    smoothed = np.full((3, 5), smoothing / 5)
    smoothed[np.arange(3), targets] += 1 - smoothing
    expected = -sum(
        row @ np.log(reference.softmax(np.float64(scores)))
        for row, scores in zip(smoothed, logits, strict=True)
    )
    tiny.close(aim.loss(Output(logits), {"targets": targets}), expected)
    assert aim.count({"targets": targets}) == 3


def sums_of(logits, targets, autoregressive=True):
    aim = make_objective("likelihood" if autoregressive else "classification")
    logits, targets = tf.constant(logits, tf.float32), tf.constant(targets, tf.int32)
    sums = aim.sums(Output(logits), {"targets": targets})
    return {name: float(value) for name, value in sums.items()}


# Seven entries, of which entry i is the i-th likeliest.
RANKED = [6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.0]


def test_sums_by_hand():
    """Two sequences, of 3 and 1 targets; the ranks of the targets are 1, 4, 5, and 2."""
    logits = np.tile(np.array(RANKED), [2, 3, 1])
    logits[0, 0] = np.roll(RANKED, 1)  # entry 1 is the likeliest
    sums = sums_of(logits, [[1, 4, 5], [2, 0, 0]])
    log_sum = math.log(sum(math.exp(x) for x in RANKED))
    nats = (log_sum - 6) + (log_sum - 2) + (log_sum - 1) + (log_sum - 4)
    assert sums["loss"] == pytest.approx(nats, rel=1e-6) == sums["nats"]
    assert (sums["count"], sums["correct"], sums["correct_top5"]) == (4, 1, 3)
    assert (sums["sequences"], sums["correct_sequences"]) == (2, 0)


def test_padding_is_not_part_of_a_whole_sequence():
    logits = np.tile(np.roll(RANKED, 1), [2, 3, 1])
    sums = sums_of(logits, [[1, 1, 0], [1, 2, 0]])
    assert (sums["count"], sums["correct"]) == (4, 3)
    assert (sums["sequences"], sums["correct_sequences"]) == (2, 1)


def test_class_0_is_no_padding():
    sums = sums_of([RANKED, RANKED, RANKED], [0, 4, 6], autoregressive=False)
    assert (sums["count"], sums["correct"], sums["correct_top5"]) == (3, 1, 2)
    assert (sums["sequences"], sums["correct_sequences"]) == (3, 1)


def test_fewer_than_five_classes():
    assert sums_of([RANKED[:3]], [2], autoregressive=False)["correct_top5"] == 1


def test_each_figure_is_a_share_of_its_own_number():
    """Whole sequences of sequences, and all else of targets."""
    sums = {"loss": 9.0, "nats": 12.0, "count": 6.0, "correct": 3.0, "correct_top5": 4.0}
    sums |= {"sequences": 2.0, "correct_sequences": 1.0}
    assert make_objective().figures(sums) == {
        "loss": 1.5, "log_perplexity": 2.0, "accuracy": 0.5, "accuracy_top5": pytest.approx(2 / 3),
        "sequence_accuracy": 0.5, "targets": 6.0, "sequences": 2.0,
    }  # fmt: skip


def test_what_is_not_finite_is_not_right():
    sums = sums_of([[math.nan] * 7], [0], autoregressive=False)
    assert math.isnan(sums["loss"]) and math.isnan(sums["nats"]) and sums["correct_top5"] == 0


def test_the_first_figure_that_there_is_chooses_the_checkpoint():
    translation = tiny.PROBLEMS["translation"]
    assert objective.score(translation, {"loss": 2.0, "log_perplexity": 1.5, "accuracy": 0.1}) == 1.5
    assert objective.score(translation, {"accuracy": 0.25}) == -0.25  # lower is better
    assert objective.score(translation, {"bleu": 10.0}) is None


def test_a_problem_names_its_objective_or_its_target_does(monkeypatch):
    names = {name: problem.objective_name() for name, problem in tiny.PROBLEMS.items()}
    assert (names["translation"], names["pictures"]) == ("likelihood", "classification")
    odd = tiny.a_problem("odd", tiny.problem.Text(), tiny.problem.Image(), "to_image")
    with pytest.raises(UserError, match="problem `odd` must name an `objective`: its target `Image` has non"):
        odd.objective_name()
    odd.objective = "likelihood"
    assert odd.objective_name() == "likelihood"
    odd.configure(tiny.HPARAMS)
    assert odd.objective_name() == "likelihood"
    odd.configure(tiny.HPARAMS.replace(objective="regression"))
    assert odd.objective_name() == "regression"
