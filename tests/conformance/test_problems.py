"""What holds for every problem that t2tlite registers: walks `table.PROBLEMS`."""

import io
import itertools

import numpy as np
import pytest
from PIL import Image

from t2tlite import problem, registry
from t2tlite.data.stored import records
from t2tlite.features import named

from ..models import tiny
from . import table

SPLITS = ("train", "validation", "test")
every_problem = pytest.mark.parametrize("name", table.PROBLEMS)


def is_text(value, problem):
    texts = [value] if isinstance(value, str) else value
    return bool(texts) and all(isinstance(text, str) and text.strip() for text in texts)


def is_image(value, problem):
    return isinstance(value, bytes) and min(Image.open(io.BytesIO(value)).size) >= 16


def is_audio(value, problem):
    value = np.asarray(value)
    return value.dtype == np.float32 and value.ndim == 1 and 0.01 < np.abs(value).max(initial=0) <= 1


def is_label(value, problem):
    return value in problem.labels("sample")


def are_answers(value, problem):
    return len(value) == problem.targets.number and set(value) <= set(problem.labels("sample"))


CHECKS = {
    "text": is_text,
    "image": is_image,
    "audio": is_audio,
    "label": is_label,
    "answers": are_answers,
}


def first_examples(name, split="train", count=3):
    return list(itertools.islice(registry.get_problem(name).examples(split, "sample"), count))


def test_every_registered_problem_has_a_row():
    assert set(table.PROBLEMS) == table.registered("problem")


@every_problem
def test_a_problem_says_what_goes_in_and_out_and_how_it_is_scored(name):
    p = registry.get_problem(name)
    assert isinstance(p, problem.Problem) and p.name == name
    assert tuple(feature.kind for feature in p.features().values()) == table.PROBLEMS[name]
    assert p.command.startswith("to_") if p.targets.kind == "text" else p.command == ""
    assert p.metrics and set(p.metrics) <= set(registry.names("metric"))
    assert "sample" in p.sources
    assert registry.entry("problem", name).summary
    for feature in p.features().values():
        assert feature.modality_name(tiny.HPARAMS) in registry.names("modality")


@every_problem
@pytest.mark.parametrize("split", SPLITS)
def test_sample_examples_are_what_the_features_say(name, split):
    p = registry.get_problem(name)
    examples = first_examples(name, split)
    assert len(examples) == 3
    for example in examples:
        assert set(example) == {"inputs", "targets"}
        features = records.stored_features(p)
        values = named.flatten(example, features)
        assert set(values) == set(features)
        for side, feature in features.items():
            assert CHECKS[feature.kind](values[side], p)


@every_problem
def test_examples_repeat_themselves(name):
    for one, other in zip(first_examples(name), first_examples(name), strict=True):
        for side in one:
            assert np.array_equal(one[side], other[side])


@every_problem
def test_what_the_model_writes_can_be_read_back(name):
    p = registry.get_problem(name)
    if p.targets.kind == "text" and not p.swap:
        for example in first_examples(name):
            targets, written = (e["targets"] for e in (example, p.to_text(example)))
            one, text = (t if isinstance(t, str) else t[0] for t in (targets, written))
            assert p.from_text(example["inputs"], text) == one


def test_problems_of_one_corpus_read_the_same_examples():
    for one, other in (("wmt_ende", "wmt_deen"), ("wmt_enfr", "wmt_fren")):
        assert registry.get_problem(one).corpus == registry.get_problem(other).corpus == one
        assert first_examples(one) == first_examples(other)
        assert [registry.get_problem(name).swap for name in (one, other)] == [False, True]


def test_all_means_the_papers_table_in_its_order():
    assert [p.name for p in registry.problems("all")] == list(table.PROBLEMS)[:8]


def test_commands_are_those_of_the_paper_but_for_classes_which_have_none():
    commands = {name: registry.get_problem(name).command for name in table.PROBLEMS}
    assert commands == {
        "wsj_speech": "to_transcript",
        "imagenet": "",
        "coco_captions": "to_caption",
        "wsj_parsing": "to_parse_tree",
        "wmt_ende": "to_german",
        "wmt_deen": "to_english",
        "wmt_enfr": "to_french",
        "wmt_fren": "to_english",
        "vqa": "",
        "multi30k_de": "to_german",
        "multi30k_fr": "to_french",
        "wsj_speech_de": "to_german",
        "wsj_speech_fr": "to_french",
        "wsj_speech_trees": "to_parse_tree",
    }
