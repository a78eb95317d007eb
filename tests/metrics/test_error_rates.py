"""Word and character error rates against counts by hand and against jiwer."""

import jiwer
import pytest

from t2tlite import registry

REFERENCES = ["the cat sat on the mat", "hello there", "one two three"]
OUTPUTS = ["the cat sit on mat", "hello  there again ", "one two three"]


def columns(texts):
    return [[text] for text in texts]


def test_by_hand():
    """sat/sit and a missing `the`, an `again` too many: 3 edits of 11 words."""
    assert registry.get("metric", "wer")(columns(OUTPUTS), columns(REFERENCES)) == pytest.approx(100 * 3 / 11)
    # sat -> sit: 1, "the " missing: 4, " again" too many: 6, of 22 + 11 + 13 characters.
    assert registry.get("metric", "cer")(columns(OUTPUTS), columns(REFERENCES)) == pytest.approx(
        100 * 11 / 46
    )


@pytest.mark.parametrize(("name", "independent"), [("wer", jiwer.wer), ("cer", jiwer.cer)])
def test_same_as_jiwer(name, independent):
    spaced = [" ".join(text.split()) for text in OUTPUTS]
    expected = 100 * independent(REFERENCES, spaced)
    assert registry.get("metric", name)(columns(OUTPUTS), columns(REFERENCES)) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["wer", "cer"])
def test_bounds(name):
    metric = registry.get("metric", name)
    assert metric(columns(REFERENCES), columns(REFERENCES)) == 0
    assert metric([[""]], [["ab"]]) == 100
    assert metric([["a b c"]], [["a"]]) > 100
    assert metric([["words"]], [[""]]) == 100
    assert metric([[""]], [[""]]) == 0
    assert metric([], []) == 0


def test_the_best_candidate_and_the_first_reference_count():
    assert registry.get("metric", "wer")([["right", "wrong"]], [["right", "other"]]) == 0
    assert registry.get("metric", "wer")([["wrong", "right"]], [["right", "other"]]) == 100
