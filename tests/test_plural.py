"""Numbers with their nouns."""

from t2tlite.plural import counted


def test_one_is_singular():
    assert counted(1, "problem") == "1 problem"
    assert counted(0, "problem") == "0 problems"
    assert counted(2000, "problem") == "2,000 problems"
    assert counted(1, "batch", "batches") == "1 batch" and counted(3, "batch", "batches") == "3 batches"
