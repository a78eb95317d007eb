"""One table over the eight problems: what a user and the model can rely on in each."""

import itertools
import subprocess
import sys

import pytest

from t2tlite import registry
from t2tlite.data.stored import records
from t2tlite.errors import UserError

CAPTIONS = (
    "caption_bleu4",
    *(f"caption_bleu{n}" for n in (1, 2, 3)),
    "caption_rouge_l",
    "cider_d",
)
TREES = ("full_trees", "bracketing_f1", "repaired_trees")
TABLE = {  # in the order of the paper
    "wsj_speech": ("audio", "text", "to_transcript", ("wer", "cer"), ("files", "sample")),
    "imagenet": ("image", "label", "", ("top1", "top5"), ("files", "tfds", "sample")),
    "coco_captions": ("image", "text", "to_caption", CAPTIONS, ("files", "tfds", "sample")),
    "wsj_parsing": ("text", "text", "to_parse_tree", TREES, ("files", "sample")),
    "wmt_ende": ("text", "text", "to_german", ("bleu",), ("files", "tfds", "sample")),
    "wmt_deen": ("text", "text", "to_english", ("bleu",), ("files", "tfds", "sample")),
    "wmt_enfr": ("text", "text", "to_french", ("bleu",), ("files", "tfds", "sample")),
    "wmt_fren": ("text", "text", "to_english", ("bleu",), ("files", "tfds", "sample")),
}
every = pytest.mark.parametrize("name", TABLE)


def some(name, split="test", number=3):
    return list(itertools.islice(registry.get_problem(name).examples(split, "sample"), number))


def test_all_are_the_eight_in_the_order_of_the_paper():
    assert [found.name for found in registry.problems("all")] == list(TABLE)


@every
def test_row(name):
    found = registry.get_problem(name)
    row = (found.inputs.kind, found.targets.kind, found.command, found.metrics, found.sources)
    assert row == TABLE[name]
    assert registry.entry("problem", name).summary.endswith(".")


@every
def test_sample_examples_are_what_the_features_say(name):
    found = registry.get_problem(name)
    features = records.stored_features(found)
    labels = found.labels("sample") if TABLE[name][1] == "label" else None
    for split in ("train", "validation", "test"):
        assert found.examples(split, "sample").total > 100
        for number, example in enumerate(some(name, split)):
            records.serialize(example, features, f"example {number}", labels)


@every
def test_an_unknown_source_is_refused(name):
    with pytest.raises(UserError, match=f"`{name}` has no source `kaggle`; expected one of .*sample"):
        list(itertools.islice(registry.get_problem(name).examples("train", "kaggle"), 1))


def test_the_problems_need_no_tensorflow():
    code = """
import sys
from t2tlite import registry
for problem in registry.problems("all"):
    next(iter(problem.examples("test", "sample")))
print("tensorflow" in sys.modules)
"""
    assert (
        subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True).stdout == "False\n"
    )


def test_the_reverse_of_a_translation_is_the_pairs_swapped():
    assert some("wmt_ende") == some("wmt_deen")
    assert registry.get_problem("wmt_deen").swap and not registry.get_problem("wmt_ende").swap


def test_captions_have_several_references():
    assert all(len(example["targets"]) > 1 for example in some("coco_captions"))


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_tree_comes_back_from_what_the_model_writes(split):
    parsing = registry.get_problem("wsj_parsing")
    symbols = set(parsing.symbols)
    for example in some("wsj_parsing", split, 200):
        linear = parsing.to_text(example)
        assert linear["inputs"] == example["inputs"]
        assert parsing.from_text(example["inputs"], linear["targets"]) == example["targets"]
        first, *rest = linear["targets"].split(" ")
        assert {first, *(f" {part}" for part in rest)} <= symbols
