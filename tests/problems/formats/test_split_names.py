"""What the splits are called."""

import pytest

from t2tlite.problems.formats.split_names import split_of


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train.csv", "train"),
        ("training", "train"),
        ("trained.csv", None),
        ("Dev-00001-of-3.tar", "validation"),
        ("val_1.csv", "validation"),
        ("validation", "validation"),
        ("test2014.jsonl", "test"),
        ("testimony.csv", None),
    ],
)
def test_names(name, split):
    assert split_of(name) == split
