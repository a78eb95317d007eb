"""BLEU and chrF against the scores that sacreBLEU's own command prints (2.6.0, `-w 4`)."""

import pytest
import sacrebleu

from t2tlite import metrics, registry

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
    ],
)
def test_scores_of_sacrebleus_command(name, references, score):
    assert registry.get("metric", name)(CANDIDATES, references) == pytest.approx(score, abs=1e-4)


@pytest.mark.parametrize("name", ["bleu", "chrf"])
def test_bounds(name):
    metric = registry.get("metric", name)
    assert metric(ONE, ONE) == pytest.approx(100)
    assert metric([[""]] * 4, ONE) == 0
    assert metric([], []) == 0


@pytest.mark.parametrize("name", ["bleu", "chrf"])
def test_inputs_may_have_different_numbers_of_references(name):
    """A reference more, the very same as another, changes nothing."""
    metric = registry.get("metric", name)
    uneven = [references if i % 2 else references + references[:1] for i, references in enumerate(TWO)]
    assert metric(CANDIDATES, uneven) == pytest.approx(metric(CANDIDATES, TWO))


def test_signatures():
    """Those of sacreBLEU's command; it has none for references that vary in number, but its library has."""
    bleu, chrf = (registry.get("metric", name) for name in ("bleu", "chrf"))
    assert metrics.signature(bleu, ONE).startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.")
    signature = metrics.signature(chrf, TWO)
    assert signature.startswith("nrefs:2|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.")
    assert metrics.signature(bleu, [*ONE, *TWO]).startswith("nrefs:var|")
    assert metrics.signature(bleu, []) == ""
    assert metrics.signature(registry.get("metric", "wer"), ONE) == ""


def test_tokenized_outputs_are_scored_without_a_warning(caplog):
    """sacreBLEU warns of a hundred lines that end in ` .`, which is how some corpora are."""
    tokenized = [["the dog runs on the grass ."]] * 100
    assert registry.get("metric", "bleu")(tokenized, tokenized) == pytest.approx(100)
    assert not caplog.records
    sacrebleu.corpus_bleu([texts[0] for texts in tokenized], [[texts[0] for texts in tokenized]])
    assert "tokenized period" in caplog.text, "the test no longer sees what it looks for"
