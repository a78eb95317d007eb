"""Training, evaluating and decoding by functions, with a problem that only this process knows."""

import dataclasses
import inspect
import json
import pathlib
import re

import keras
import pytest

import t2tlite
from t2tlite import problem, registry
from t2tlite.api import problems, training
from t2tlite.api.evaluation import Evaluation
from t2tlite.api.experiments import ExperimentResult
from t2tlite.bin import t2t_eval, t2t_train
from t2tlite.decoding.evaluate import SplitResult
from t2tlite.decoding.options import DecodeOptions
from t2tlite.decoding.prediction import Hypothesis, Prediction
from t2tlite.errors import UserError

from .conftest import WORDS, Opposite

GREEDY = DecodeOptions(beam_size=1, decode_length=4)


def test_the_arguments_are_the_flags_of_the_command():
    """The same names, defaults and bounds, so that a call and a command line are each other's translation."""
    flags = {flag.name: flag for flag in t2t_train.COMMAND.flags()}
    fields = {field.name: field.default for field in dataclasses.fields(training.Training)}
    assert set(fields) - {"callbacks"} == set(flags) - {"local_workers", "plan", "registry_help"}
    for name, default in fields.items():
        if name in ("problems", "output_dir", "callbacks", "train_steps"):
            continue
        assert flags[name].default == default or not (flags[name].default or default), name
    assert {
        name: flag.arguments["lower_bound"]
        for name, flag in flags.items()
        if flag.arguments.get("lower_bound") is not None and name != "local_workers"
    } == training.AT_LEAST
    assert list(inspect.signature(t2tlite.train).parameters) == list(fields)
    assert set(re.findall(r"^      (\w+(?:, \w+)*): ", t2tlite.train.__doc__, re.MULTILINE)) >= {"problems"}


def test_a_run(trained):
    run = trained.run
    assert run.problems == ("opposite", "sizes") and run.step == 2 and run.checkpoint.name == "step-00000002"
    lines = [line for line in run.metrics if line["split"] == "train"]
    assert [(line["step"], line["problem"]) for line in lines] == [(1, "opposite"), (2, "sizes")]
    assert run.scores["opposite"]["log_perplexity"] > 0 and 0 <= run.scores["sizes"]["accuracy"] <= 1
    saved = json.loads((run.output_dir / "run.json").read_text())
    assert saved["hparams"]["length_bounds"] == [8, 16] and saved["labels"] == {"sizes": ["even", "odd"]}


def test_callbacks_are_called_and_may_stop(trained):
    """In order, with the figures of metrics.jsonl; the run stops long before its nine updates."""
    begin, first, zero, second, one, testing, tested, end = trained.calls
    assert (begin, first, second) == ("train begins", "update 0 begins", "update 1 begins")
    assert (testing, end) == ("test begins", "train ends")
    lines = [line for line in trained.run.metrics if line["split"] == "train"]
    for number, (batch, logs) in enumerate([zero, one]):
        line = lines[number]
        assert batch == number and logs["loss"] == logs[f"{line['problem']}/loss"]
        assert logs[f"{line['problem']}/loss"] == pytest.approx(line["loss"])
    scores = trained.run.scores
    assert tested == {f"{name}/{key}": x for name, figures in scores.items() for key, x in figures.items()}


def test_it_is_resumed_by_the_same_call(trained):
    before = trained.run.metrics
    again = t2tlite.train(**{**trained.arguments, "callbacks": (), "train_steps": 2})
    assert again.metrics == before and again.output_dir == trained.run.output_dir
    with pytest.raises(UserError, match="holds a run with hidden_size=16, and 32 is asked for"):
        hparams = {**trained.arguments["hparams"], "hidden_size": 32}
        t2tlite.train(**{**trained.arguments, "hparams": hparams})


def test_its_evaluation_is_that_of_the_command(trained, tmp_path):
    result = trained.run.evaluate("opposite", options=GREEDY, limit=2)
    assert result["opposite"]["bleu"] == result.decoded["opposite"].metrics["bleu"]
    assert result["opposite"]["targets"] > 0
    output = tmp_path / "scores.jsonl"
    flags = [
        f"--output_dir={trained.run.output_dir}",
        "--problems=opposite",
        "--limit=2",
        f"--output_file={output}",
    ]
    assert t2t_eval.main([*flags, "--decode_hparams=beam_size=1,decode_length=4"]) == 0
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    assert lines == [json.loads(json.dumps(line)) for line in result.lines()]
    with pytest.raises(KeyError):
        result["wmt_ende"]


def test_decoding(trained, tmp_path):
    texts = [f"the {word} test" for word in WORDS[:3]]
    predictions = trained.run.decode(texts, "opposite", options=GREEDY)
    assert predictions == t2tlite.decode(trained.run.output_dir, texts, "opposite", options=GREEDY)
    [named] = trained.run.decode(["the red"], "sizes")
    assert named.text in ("even", "odd")
    (tmp_path / "in").write_text("\n".join(texts) + "\n")
    counts = t2tlite.decode_file(
        trained.run.output_dir, tmp_path / "in", tmp_path / "out", "opposite", options=GREEDY
    )
    assert counts == (3, 0)
    assert (tmp_path / "out").read_text().splitlines() == [one.text for one in predictions]


def test_what_another_process_has_to_do(trained, monkeypatch):
    """It knows the problem once it is registered; the error says so."""
    default = registry.get.__self__
    monkeypatch.setattr(default, "_entries", dict(default._entries))
    monkeypatch.setattr(default, "_things", dict(default._things))
    del default._entries["problem", "opposite"], default._things["problem", "opposite"]
    with pytest.raises(UserError, match="`opposite`, which is not registered here.*t2tlite.register"):
        t2tlite.load(trained.run.output_dir)
    t2tlite.register(Opposite)
    assert t2tlite.load(trained.run.output_dir).problems == ("opposite", "sizes")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"problems": "wmt_edne"}, "unknown problem `wmt_edne`; did you mean `wmt_ende`"),
        ({"problems": [Opposite, "opposite"]}, "problem `opposite` is given more than once"),
        ({"problems": 5}, "expected the name of a problem, a Problem or a subclass of it; received 5"),
        ({"problems": [str]}, "expected the name of a problem"),
        ({"hparams": {"hiden_size": 3}}, "unknown hyperparameter `hiden_size`; did you mean `hidden_size`"),
        ({"hparams": {"hidden_size": "3"}}, "hidden_size"),
        ({"train_steps": 0}, "--train_steps must be at least 1. Received: 0"),
        ({"strategy": "several"}, "--strategy must be one of auto, one"),
        ({"fraction": {"opposite": 2}}, "each share above 0 and at most 1"),
        ({"callbacks": [print]}, "expected instances of keras.callbacks.Callback as callbacks"),
        (
            {"callbacks": [keras.callbacks.EarlyStopping()]},
            "the callback EarlyStopping defines on_epoch_end, which a run never calls; use eval_early",
        ),
        (
            {"callbacks": [keras.callbacks.LambdaCallback(on_epoch_begin=print)]},
            "LambdaCallback defines on_epoch_begin, which a run never calls; use on_train_batch_end",
        ),
    ],
)
def test_mistakes(tmp_path, registered_here_only, changes, message):
    arguments = {"problems": Opposite, "output_dir": tmp_path / "run", "hparams_set": "multimodel_tiny"}
    with registered_here_only(), pytest.raises(UserError, match=re.escape(message)):
        t2tlite.train(**{**arguments, **changes})
    assert not (tmp_path / "run").exists()


def test_problems_by_name_class_and_instance(registered_here_only):
    """An instance keeps its state, each use has a copy, and a new definition replaces an old one."""

    class Numbered(problem.Problem):
        """With a number."""

        def __init__(self, number=0):
            self.number = number

    with registered_here_only():
        assert problems.names(["wmt_ende", Numbered(7)]) == ["wmt_ende", "numbered"]
        first, second = (registry.get_problem("numbered") for _ in range(2))
        assert first.number == 7 and first is not second and first.name == "numbered"
        assert problems.names(Numbered) == ["numbered"] and registry.get_problem("numbered").number == 0
        assert problems.names([registry.get_problem("wmt_ende")]) == ["wmt_ende"]
        assert problems.is_of_this_process("numbered") and not problems.is_of_this_process("wmt_ende")
        taken = type("WmtEnde", (problem.Problem,), {})
        with pytest.raises(UserError, match="`wmt_ende` is already registered at .*wmt.py.*another name"):
            t2tlite.register(taken)


def test_names_of_the_package():
    for name in t2tlite._LAZY:
        assert name in dir(t2tlite) and getattr(t2tlite, name).__name__ == name
    with pytest.raises(AttributeError, match="trian"):
        t2tlite.trian  # noqa: B018
    typed = pathlib.Path(t2tlite.__file__).read_text(encoding="utf-8")
    assert all(f"import {name} as {name}\n" in typed for name in t2tlite._LAZY)


def test_what_a_notebook_shows(trained, tmp_path):
    """Runs, predictors, predictions, evaluations and experiments, with all that is not ours escaped."""
    page = trained.run._repr_html_()
    assert "step 2, validation" in page and "log perplexity" in page and page.count("<td") % 3 == 0
    page = trained.run.predictor._repr_html_()
    assert ">opposite<" in page and ">text<" in page and ">label<" in page
    beams = (Hypothesis("<i>", -1.0, -0.5), Hypothesis("b", -2.0, -1.0))
    page = Prediction("<i>", -1.0, beams=beams)._repr_html_()
    assert "&lt;i&gt;" in page and "-2.000" in page and "-0.500" in page
    assert "12.5%" in Prediction("cat", probabilities=(("cat", 0.125),))._repr_html_()
    assert Prediction("", error="a < b")._repr_html_() == "<em>a &lt; b</em>"
    split = SplitResult({"bleu": 12.25}, [], size=3)
    path = pathlib.Path("step-00000002")
    result = Evaluation(path, "test", {"mine": {"accuracy": 0.5}}, {"mine": split}, GREEDY)
    assert "50.00%" in result._repr_html_() and "12.25" in result._repr_html_()
    (tmp_path / "report.html").write_text('<p class="x">A report')
    page = ExperimentResult(tmp_path, "A report")._repr_html_()
    assert 'srcdoc="&lt;p class=&quot;x&quot;&gt;A report"' in page
