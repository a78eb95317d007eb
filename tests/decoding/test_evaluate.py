"""Decoded evaluation of a prepared split."""

import copy
import dataclasses
import io
import types

import numpy as np
import PIL.Image
import pytest

from t2tlite import registry
from t2tlite.data.preparing import generate
from t2tlite.decoding.evaluate import DecodedEvaluation, evaluate_split
from t2tlite.decoding.predictor import Prediction, Predictor
from t2tlite.errors import UserError

from ..models import tiny

TEXTS = [
    ("the red circle", ["the red circle", "a circle"]),
    ("a", ["b"]),
    ("the blue square", ["red square"]),
]


def png(value):
    buffer = io.BytesIO()
    PIL.Image.fromarray(np.full([33, 33, 3], value, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


EXAMPLES = {
    "translation": [{"inputs": inputs, "targets": targets} for inputs, targets in TEXTS],
    "pictures": [{"inputs": png(60 * i), "targets": tiny.CLASSES[i % 3]} for i in range(4)],
}


@pytest.fixture
def prepared(predictor, tmp_path, monkeypatch):
    """The predictor, with prepared data for two of its problems."""
    problems = {name: copy.copy(predictor.run.problems[name]) for name in EXAMPLES}
    for name, problem in problems.items():
        problem.examples = lambda split, source, source_dir=None, name=name: iter(EXAMPLES[name])
        problem.labels = lambda source, source_dir=None: tiny.CLASSES
        generate.generate([problem], tmp_path, "sample", progress=False, processes=1)
    problems["translation"].metrics = ("bleu", "accuracy", "chrf")
    problems["pictures"].metrics = ("top1", "top5", "log_perplexity")
    run = dataclasses.replace(predictor.run, problems=problems, data_dir=str(tmp_path))
    monkeypatch.setattr(predictor, "run", run)
    monkeypatch.setattr(predictor, "problems", tuple(problems))
    return predictor


def test_text(prepared):
    prepared.run.problems["translation"].from_text = lambda inputs, output: f"the red {output}"
    evaluation = evaluate_split(prepared, "translation", "test")
    outputs = [p.text for p in prepared.predict("translation", [inputs for inputs, _ in TEXTS])]
    assert [example.prediction.text for example in evaluation.examples] == outputs
    assert [example.inputs for example in evaluation.examples] == [inputs for inputs, _ in TEXTS]
    references = [targets for _, targets in TEXTS]
    assert [list(example.references) for example in evaluation.examples] == references
    assert list(evaluation.metrics) == ["bleu", "chrf"], "the trainer's metrics are not of decoded outputs"
    expected = registry.get("metric", "chrf")([[text] for text in outputs], references)
    assert evaluation.metrics["chrf"] == expected > 0


def test_classes(prepared):
    evaluation = evaluate_split(prepared, "pictures", "validation", limit=3)
    predictions = prepared.predict("pictures", [png(0), png(60), png(120)])
    assert [example.prediction.text for example in evaluation.examples] == [p.text for p in predictions]
    assert evaluation.examples[0].candidates == tuple(name for name, _ in predictions[0].probabilities)
    right = sum(p.text == name for p, name in zip(predictions, tiny.CLASSES, strict=True))
    assert evaluation.metrics == {"top1": pytest.approx(100 * right / 3), "top5": 100}


def test_from_text_is_applied_and_to_text_sees_whole_examples(prepared):
    """References are as people read them, so outputs have to be as well."""
    problem = prepared.run.problems["translation"]
    problem.to_text = lambda example: {"inputs": example["inputs"], "targets": str(example["targets"])}
    problem.from_text = lambda inputs, output: inputs
    problem.metrics = ("full_trees",)
    assert evaluate_split(prepared, "translation", "test").metrics["full_trees"] == pytest.approx(100 / 3)


def test_inputs_need_not_be_kept(prepared):
    whole = evaluate_split(prepared, "translation", "test")
    evaluation = evaluate_split(prepared, "translation", "test", keep=1)
    assert evaluation.examples == whole.examples[:1] and evaluation.metrics == whole.metrics
    assert evaluation.size == whole.size == len(whole.examples) == 3
    assert evaluate_split(prepared, "translation", "test", keep=0, limit=2).size == 2


def test_what_could_not_be_decoded_is_told_and_counts_as_wrong(prepared, monkeypatch):
    predict = prepared.stream_examples

    def broken(problem, examples):
        for i, prediction in enumerate(predict(problem, examples)):
            yield Prediction("", error="too long") if i == 1 else prediction

    prepared.run.problems["translation"].from_text = lambda inputs, output: inputs
    prepared.run.problems["translation"].metrics = ("full_trees",)
    monkeypatch.setattr(prepared, "stream_examples", broken)
    evaluation = evaluate_split(prepared, "translation", "test")
    assert evaluation.errors == ("too long",) and evaluation.examples[1].candidates == ("",)
    assert evaluation.metrics["full_trees"] == pytest.approx(100 / 3)


def test_signatures(prepared):
    """Where the first input has two references, and the others one."""
    evaluation = evaluate_split(prepared, "translation", "test")
    assert {name: signature.partition("|")[0] for name, signature in evaluation.signatures.items()} == {
        "bleu": "nrefs:var",
        "chrf": "nrefs:var",
    }
    assert evaluate_split(prepared, "pictures", "test").signatures == {}


def test_a_metric_with_the_name_of_a_teacher_forced_figure_is_refused(prepared, monkeypatch):
    names = registry.names("metric")
    monkeypatch.setattr(registry, "names", lambda kind: [*names, "accuracy"])
    monkeypatch.setattr(registry, "entry", lambda kind, name: types.SimpleNamespace(place="mine.py:3"))
    with pytest.raises(UserError, match="`accuracy` at mine.py:3 has the name of a teacher-forced figure"):
        evaluate_split(prepared, "translation", "test")


def test_evaluation_of_a_model_in_training(prepared):
    """The same figures as from a checkpoint; later weights are seen, and nothing is compiled again."""
    model = prepared.run.make_model()
    evaluate_decoded = DecodedEvaluation("test", limit=2)
    prepared.run.problems["translation"].metrics = ("cer", "accuracy")
    prepared.run.problems["pictures"].metrics = ("top1",)
    batches = []
    for seed in (1, 2):
        tiny.randomise(model, seed)
        batches.append(evaluate_decoded(prepared.run, model))
    after = evaluate_split(Predictor(prepared.run, model), "pictures", "test", 2)
    assert batches[1]["pictures"] == after.metrics
    assert list(batches[0]["translation"]) == ["cer"] and batches[0] != batches[1]
    assert evaluate_decoded._predictor.compiled.traces() == 2
    assert evaluate_decoded._predictor.options.beam_size == 1, "greedily"


def test_problems_without_a_metric_of_outputs_are_not_decoded(prepared, monkeypatch):
    prepared.run.problems["translation"].metrics = ("accuracy", "log_perplexity")
    prepared.run.problems["pictures"].metrics = ()
    monkeypatch.setattr(Predictor, "stream_examples", None)
    assert DecodedEvaluation()(prepared.run, prepared.run.make_model()) == {}


def test_what_it_refuses(prepared):
    with pytest.raises(UserError, match="has no problem `zzz`"):
        evaluate_split(prepared, "zzz", "test")
    with pytest.raises(UserError, match="unknown split `tset`"):
        evaluate_split(prepared, "translation", "tset")
    with pytest.raises(UserError, match="no prepared data for `translation`"):
        elsewhere = dataclasses.replace(prepared.run, data_dir="/nowhere")
        evaluate_split(Predictor(elsewhere, elsewhere.make_model()), "translation", "test")
    prepared.run.problems["translation"].metrics = ("blue",)
    with pytest.raises(UserError, match="unknown metric `blue`; did you mean `bleu`"):
        evaluate_split(prepared, "translation", "test")
