"""BLEU and chrF against the scores that sacreBLEU's own command prints (2.6.0, `-w 4`)."""

import pytest

from t2tlite import registry
from t2tlite.metrics import overlap

OUTPUTS = [
    "The red circle is on the table .",
    "a dog runs through the park, quickly!",
    "She doesn't like 3.5% of it.",
    "nothing alike",
]
FIRST = [
    "The red circle lies on the table .",
    "A dog runs through a park, quickly!",
    "She does not like 3.5% of it.",
    "a fully different line",
]
SECOND = [
    "A red circle is on a table .",
    "the dog is running through the park.",
    "She doesn't like 3.5 percent of it.",
    "other words",
]
CANDIDATES = [[text, "a second candidate doesn't count"] for text in OUTPUTS]
ONE = [[text] for text in FIRST]
TWO = [list(pair) for pair in zip(FIRST, SECOND, strict=True)]


@pytest.mark.parametrize(
    ("name", "references", "score"),
    [
        ("bleu", ONE, 48.6547),
        ("bleu", TWO, 73.5099),
        ("chrf", ONE, 68.5381),
        ("chrf", TWO, 74.1845),
        # Of the same lines in lower case and without [.,!].
        ("caption_bleu4", TWO, 73.2778),
    ],
)
def test_scores_of_sacrebleus_command(name, references, score):
    assert registry.get("metric", name)(CANDIDATES, references) == pytest.approx(score, abs=1e-4)


@pytest.mark.parametrize("name", ["bleu", "chrf", "caption_bleu4"])
def test_bounds(name):
    metric = registry.get("metric", name)
    assert metric(ONE, ONE) == pytest.approx(100)
    assert metric([[""]] * 4, ONE) == 0
    assert metric([], []) == 0


@pytest.mark.parametrize("name", ["bleu", "chrf", "caption_bleu4"])
def test_inputs_may_have_different_numbers_of_references(name):
    """A reference more, the very same as another, changes nothing."""
    metric = registry.get("metric", name)
    uneven = [references if i % 2 else references + references[:1] for i, references in enumerate(TWO)]
    assert metric(CANDIDATES, uneven) == pytest.approx(metric(CANDIDATES, TWO))


def test_captions_are_compared_without_case_and_punctuation():
    assert overlap.caption_bleu4(
        [["A red Circle, on a table."]], [["a red circle on a table"]]
    ) == pytest.approx(100)
    assert overlap.bleu([["A red Circle, on a table."]], [["a red circle on a table"]]) < 50


def test_signatures():
    assert overlap.signature("bleu").startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.")
    assert overlap.signature("chrf", 2).startswith("nrefs:2|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.")
