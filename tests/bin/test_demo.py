"""The demo's table: its baselines, its examples; the training and decoding in it have tests of their own."""

import io
import types

import numpy as np
import pytest
import soundfile

from t2tlite import registry
from t2tlite.bin import demo
from t2tlite.decoding.evaluate import DecodedExample
from t2tlite.decoding.predictor import Prediction


def example(inputs, output, *references, probabilities=()):
    return DecodedExample(inputs, Prediction(output, probabilities=probabilities), references)


def test_a_translations_baseline_is_its_input():
    split = types.SimpleNamespace(problem=registry.get_problem("wmt_ende"))
    name, outputs = demo.trivial(split, [example("a dog", "ein Hund", "ein Hund")])
    assert name == "copy of the input"
    assert outputs == [("a dog",)]


def test_another_baseline_is_the_most_frequent_answer_of_training():
    answers = ["cat", "dog", "dog", "fish", "dog", "cat"]
    split = types.SimpleNamespace(
        problem=registry.get_problem("imagenet"), examples=lambda: [{"targets": a} for a in answers]
    )
    name, outputs = demo.trivial(split, [example(b"", "cat", "cat"), example(b"", "dog", "dog")])
    assert name == "most frequent answer"
    assert outputs == [("dog", "cat", "fish")] * 2
    assert demo.metric_of("top1")(outputs, [("cat",), ("dog",)]) == 50


def test_every_problem_has_a_goal():
    for problem in registry.problems("all"):
        assert problem.metrics[0] in demo.GOALS


def test_the_table_has_each_score_beside_its_baselines(capsys):
    row = {"problem": "wsj_speech", "metric": "wer", "score": 12.34, "goal": 40.0}
    demo.write_table([row | {"baseline": "most frequent answer", "baseline_score": 80.06, "examples": 300}])
    printed = capsys.readouterr().out
    for part in ("wsj_speech", "wer", "12.3", "<= 40", "most frequent answer", "80.1"):
        assert part in printed


def test_images_and_sounds_are_written_beside_the_examples(tmp_path):
    picture = example(b"\x89PNG...", "cat", "dog", probabilities=(("cat", 0.75), ("dog", 0.25)))
    lines = list(demo.show(registry.get_problem("imagenet"), [picture], tmp_path / "examples"))
    path = tmp_path / "examples" / "imagenet-0.png"
    assert path.read_bytes() == b"\x89PNG..."
    assert lines == [f"  input:  {path}", "  output: cat (75%)", "  right:  dog"]

    wave = np.sin(np.arange(1600) / 10).astype(np.float32) / 2
    list(demo.show(registry.get_problem("wsj_speech"), [example(wave, "a", "a")], tmp_path / "examples"))
    read, rate = soundfile.read(io.BytesIO((tmp_path / "examples" / "wsj_speech-0.wav").read_bytes()))
    assert rate == 16000
    assert read == pytest.approx(wave, abs=1e-3)


def test_a_crossed_example():
    """Its input is that of the first picture, and nothing is hidden of what comes out."""
    asked = []

    class Fake:
        def zero_shot(self, reads, writes):
            return f"{reads}>{writes}"

        def predict(self, problem, inputs):
            asked.append((problem, inputs))
            return [Prediction("Eine rote Kuh.")]

    lines = demo.crossed(Fake(), b"\x89PNG")
    assert asked == [("coco_captions>wmt_ende", [b"\x89PNG"])]
    assert "not trained" in lines[0] and lines[-1] == "  output: Eine rote Kuh."
    for name in demo.CROSSED:
        registry.get_problem(name)


@pytest.fixture
def trained(monkeypatch):
    """Arguments of every `t2t-train` of the demo; none is run."""
    from t2tlite.bin import t2t_train

    calls = []
    monkeypatch.setattr(t2t_train, "main", lambda argv: calls.append(argv) or 0)
    return calls


def test_one_problem_is_trained_alone_on_as_many_batches_with_the_same_vocabulary(
    trained, tmp_path, monkeypatch, capsys
):
    from t2tlite.decoding import evaluate

    monkeypatch.setattr("t2tlite.load", lambda folder: folder)
    scores = {("alone", "wsj_parsing", "test"): types.SimpleNamespace(metrics={"full_trees": 71.26})}
    monkeypatch.setattr(evaluate, "evaluate_split", lambda run, *rest: scores[run.name, *rest])
    flags = types.SimpleNamespace(output_dir=tmp_path, train_steps=1200, hparams="dropout=0.1", seed=3)
    rows = [{"problem": "imagenet", "metric": "top1", "score": 50.0}] * 7
    rows.append({"problem": "wsj_parsing", "metric": "full_trees", "score": 90.04})
    assert demo.compare(flags, rows, tmp_path / "run", tmp_path / "alone") == 0
    printed = capsys.readouterr().out
    assert "(150): full_trees 71.3; with the other 7: 90.0." in printed
    [argv] = trained
    for flag in (
        "--problems=wsj_parsing",
        "--train_steps=150",
        "--hparams=learning_rate_decay_steps=150,dropout=0.1",
        f"--vocab={tmp_path / 'run' / 'vocabulary.model'}",
        f"--data_dir={tmp_path / 'data'}",
        "--seed=3",
    ):
        assert flag in argv


def test_a_schedule_that_is_asked_for_is_kept(trained, tmp_path):
    given = "learning_rate_decay_steps=9"
    flags = types.SimpleNamespace(output_dir=tmp_path, train_steps=1200, hparams=given, seed=0)
    demo.train(flags, "all", tmp_path / "run", 1200)
    assert f"--hparams={given}" in trained[0]


def test_a_training_that_fails_ends_the_demo(tmp_path, capsys):
    assert demo.main([f"--output_dir={tmp_path}", "--hparams=hiden=3"]) == 2
    assert "hidden" in capsys.readouterr().err
