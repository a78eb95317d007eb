"""Decoded evaluation of a prepared split."""

import copy
import dataclasses
import io

import numpy as np
import PIL.Image
import pytest

from t2tlite import registry
from t2tlite.data import generate
from t2tlite.decoding.evaluate import decoded, references_of
from t2tlite.errors import UserError

from ..models import tiny

TEXTS = [
    ("the red circle", ["the red circle", "a circle"]),
    ("a", ["b"]),
    ("the blue square", ["red square"]),
]


def png(value):
    made = io.BytesIO()
    PIL.Image.fromarray(np.full([33, 33, 3], value, np.uint8)).save(made, "PNG")
    return made.getvalue()


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
    found = decoded(prepared, "translation", "test")
    outputs = [p.text for p in prepared.predict("translation", [inputs for inputs, _ in TEXTS])]
    assert [example.prediction.text for example in found.examples] == outputs
    assert [example.inputs for example in found.examples] == [inputs for inputs, _ in TEXTS]
    references = [targets for _, targets in TEXTS]
    assert [list(example.references) for example in found.examples] == references
    assert list(found.metrics) == ["bleu", "chrf"], "the trainer's metrics are not of decoded outputs"
    expected = registry.get("metric", "chrf")([[text] for text in outputs], references)
    assert found.metrics["chrf"] == expected > 0


def test_classes(prepared):
    found = decoded(prepared, "pictures", "validation", limit=3)
    predictions = prepared.predict("pictures", [png(0), png(60), png(120)])
    assert [example.prediction.text for example in found.examples] == [p.text for p in predictions]
    assert found.examples[0].candidates == tuple(name for name, _ in predictions[0].probabilities)
    right = sum(p.text == name for p, name in zip(predictions, tiny.CLASSES, strict=True))
    assert found.metrics == {"top1": pytest.approx(100 * right / 3), "top5": 100}


def test_from_text_is_applied_and_to_text_sees_whole_examples(prepared):
    """References are as people read them, so outputs have to be as well."""
    problem = prepared.run.problems["translation"]
    problem.to_text = lambda example: {"inputs": example["inputs"], "targets": str(example["targets"])}
    problem.from_text = lambda inputs, output: inputs
    problem.metrics = ("full_trees",)
    assert decoded(prepared, "translation", "test").metrics["full_trees"] == pytest.approx(100 / 3)


def test_what_it_refuses(prepared):
    with pytest.raises(UserError, match="has no problem `zzz`"):
        decoded(prepared, "zzz", "test")
    with pytest.raises(UserError, match="unknown split `tset`"):
        decoded(prepared, "translation", "tset")
    with pytest.raises(UserError, match="no prepared data for `translation`"):
        decoded(prepared, "translation", "test", data_dir="/nowhere")
    prepared.run.problems["translation"].metrics = ("blue",)
    with pytest.raises(UserError, match="unknown metric `blue`; did you mean `bleu`"):
        decoded(prepared, "translation", "test")


def test_references_of():
    assert references_of("one") == ("one",)
    assert references_of(["one", "two"]) == ("one", "two")
