"""Early stopping: which figure, which way is better, when to stop, and going on from a checkpoint."""

import json
import math
import types

import pytest

from t2tlite import registry
from t2tlite.errors import UserError
from t2tlite.training.early_stopping import EarlyStopping

PROBLEMS = [
    types.SimpleNamespace(name=name, metrics=metrics, objective_name=lambda: "likelihood")
    for name, metrics in (
        ("wmt_ende", ("bleu", "log_perplexity")),
        ("wmt_deen", ("bleu",)),
        ("wsj_speech", ("wer",)),
    )
]


def make(monitor, patience=2, least=0.0):
    return EarlyStopping(monitor, patience, PROBLEMS, least)


def stops_at(stopping, values, name="bleu", problem="wmt_ende"):
    """The number of the evaluation that stops the training, from 1; None for none."""
    for number, value in enumerate(values, start=1):
        stopping.update(10 * number, {problem: {name: value}})
        if stopping.stopped:
            return number
    return None


def test_stops_when_it_was_not_better_so_many_times_in_a_row():
    assert stops_at(make("wmt_ende/bleu"), [1, 2, 2, 3, 2.9, 2.8, 9]) == 6
    assert stops_at(make("wmt_ende/bleu", 3), [1, 2, 2, 3, 2.9, 2.8, 9]) is None
    assert stops_at(make("wmt_ende/bleu", 1), [1, 1]) == 2


def test_remembers_the_best():
    stopping = make("wmt_ende/bleu")
    betters = [stopping.update(10 * i, {"wmt_ende": {"bleu": x}}) for i, x in enumerate([1, 3, 2])]
    assert betters == [True, True, False]
    assert (stopping.best, stopping.best_step, stopping.waited) == (3, 10, 1)
    assert str(stopping) == "wmt_ende/bleu was best at step 10 (3), and not better in 1 evaluations since"


@pytest.mark.parametrize(
    ("monitor", "higher"),
    [
        ("wmt_ende/bleu", True),
        ("wmt_ende/accuracy", True),
        ("wmt_ende/accuracy_top5", True),
        ("mean/sequence_accuracy", True),
        ("wmt_ende/log_perplexity", False),
        ("mean/loss", False),
        ("wsj_speech/wer", False),
    ],
)
def test_which_way_is_better(monitor, higher):
    stopping = make(monitor)
    assert stopping.higher_is_better == higher
    assert stopping.is_decoded == (monitor.split("/")[1] in ("bleu", "wer"))
    for value in (1.0, 2.0):
        figures = {p.name: {monitor.split("/")[1]: value} for p in PROBLEMS}
        better = stopping.update(int(value), figures)
    assert better == higher


def test_mean_is_over_the_problems_that_have_the_figure():
    stopping = make("mean/bleu")
    stopping.update(1, {"wmt_ende": {"bleu": 10}, "wmt_deen": {"bleu": 30}, "wsj_speech": {"wer": 5}})
    assert stopping.best == 20
    stopping = make("mean/log_perplexity")
    stopping.update(1, {p.name: {"log_perplexity": i} for i, p in enumerate(PROBLEMS)})
    assert stopping.best == 1


def test_an_evaluation_without_the_figure_changes_nothing():
    stopping = make("wmt_ende/bleu", 1)
    before = stopping.state()
    for figures in ({}, {"wmt_ende": {"log_perplexity": 1.0}}, {"wmt_deen": {"bleu": 1.0}}):
        assert not stopping.update(5, figures)
        assert stopping.state() == before
    stopping = make("mean/bleu", 1)
    stopping.update(1, {"wmt_ende": {"bleu": 1.0}})
    assert stopping.best is None, "the mean of a part is another figure"


def test_least():
    assert stops_at(make("wmt_ende/bleu", 2, 0.5), [1, 1.5, 1.4]) == 3
    assert stops_at(make("wmt_ende/bleu", 2, 0.5), [1, 1.6, 2.2, 2.8]) is None


def test_a_value_that_is_not_finite_is_never_the_best():
    stopping = make("wmt_ende/log_perplexity", 3)
    assert stops_at(stopping, [math.nan, -math.inf], "log_perplexity") is None
    assert stopping.best is None and stopping.waited == 2
    assert str(stopping) == "wmt_ende/log_perplexity had no finite value in 2 evaluations"
    assert stops_at(stopping, [5, math.nan, math.nan, math.nan], "log_perplexity") == 4


@pytest.mark.parametrize("cut", range(7))
def test_a_resumed_run_stops_at_the_same_step(cut):
    values = [1, 2, 2, 3, 2.9, 2.8, 9]
    stopping = make("wmt_ende/bleu")
    for i in range(cut):
        stopping.update(i, {"wmt_ende": {"bleu": values[i]}})
    resumed = make("wmt_ende/bleu")
    resumed.restore(json.loads(json.dumps(stopping.state())))
    assert resumed.state() == stopping.state() and resumed.stopped == stopping.stopped == (cut == 6)
    if cut < 6:
        assert stops_at(resumed, values[cut:]) == 6 - cut


def test_another_figure_begins_anew_and_more_patience_goes_on():
    stopping = make("wmt_ende/bleu")
    assert stops_at(stopping, [3, 2, 1])
    other = make("wmt_deen/bleu")
    other.restore(stopping.state())
    other.restore(None)
    assert other.best is None and other.waited == 0
    patient = make("wmt_ende/bleu", 4)
    patient.restore(stopping.state())
    assert not patient.stopped and patient.waited == 2 and patient.best == 3


@pytest.mark.parametrize(
    ("monitor", "message"),
    [
        (
            "bleu",
            "`bleu` is no figure of a problem; expected PROBLEM/FIGURE or mean/FIGURE, such as wmt_ende/",
        ),
        ("wmt_ende/", "is no figure of a problem"),
        ("wmt_end/bleu", "no problem `wmt_end` is trained; did you mean `wmt_ende`"),
        ("imagenet/top1", "no problem `imagenet` is trained; there is mean, wmt_ende, wmt_deen, wsj_speech"),
        ("wsj_speech/bleu", "`wsj_speech` has no figure `bleu`; there is log_perplexity, loss, .*, wer"),
        ("mean/blue", "`mean` has no figure `blue`; did you mean `bleu`"),
        ("wmt_ende/acuracy", "did you mean `accuracy`"),
    ],
)
def test_unknown_figures(monitor, message):
    with pytest.raises(UserError, match=message):
        make(monitor)


def test_unknown_metrics_and_impossible_patience():
    with pytest.raises(UserError, match="unknown metric `zzz`"):
        EarlyStopping(
            "a/zzz",
            1,
            [types.SimpleNamespace(name="a", metrics=("zzz",), objective_name=lambda: "likelihood")],
        )
    with pytest.raises(UserError, match="patience of 1 or more. Received: 0"):
        make("wmt_ende/bleu", 0)


def test_a_figure_that_the_objective_of_a_problem_does_not_have(monkeypatch):
    """It would be waited for in vain."""
    monkeypatch.setattr(registry.get("objective", "likelihood"), "FIGURES", {"loss": False})
    with pytest.raises(UserError, match="`wmt_deen` has no figure `log_perplexity`; there is loss, bleu"):
        make("wmt_deen/log_perplexity")


def test_it_can_watch_every_metric_of_the_problems():
    problems = registry.problems("all")
    for problem in problems:
        for name in problem.metrics:
            assert EarlyStopping(f"{problem.name}/{name}", 1, problems).monitor
