"""Which files have the examples of which split."""

import pytest

from t2tlite.errors import UserError
from t2tlite.problems.described import splits


@pytest.fixture
def folder(tmp_path):
    def write(*names):
        for name in names:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text("a\n1\n")
        return str(tmp_path)

    return write


def found(folder):
    return {
        split: [path[len(folder) + 1 :] for path in paths] for split, paths in splits.named(folder).items()
    }


def test_tables_are_found_by_their_names(folder):
    where = folder("train-2.tar", "train-1.tar", "dev.csv", "test/a.jsonl.gz", "test/b.txt", "train.txt")
    folder("train/picture.jpg")
    assert found(where) == {
        "train": ["train-1.tar", "train-2.tar"],
        "validation": ["dev.csv"],
        "test": ["test/a.jsonl.gz"],
    }


@pytest.mark.parametrize(
    "names", [("train.csv", "train.jsonl"), ("train.csv", "train/a.csv"), ("dev.csv", "val.tsv")]
)
def test_two_kinds_or_places_are_not_taken_together(folder, names):
    with pytest.raises(UserError, match="both .* are for .*keep one"):
        splits.named(folder(*names))


def test_patterns(folder):
    where = folder("b/2.tar", "b/1.tar", "c.csv")
    assert [path[len(where) :] for path in splits.matching(where, ["b/*.tar", "c.csv"])] == [
        "/b/1.tar",
        "/b/2.tar",
        "/c.csv",
    ]
    with pytest.raises(UserError, match="there is no file `d.csv` in"):
        splits.matching(where, ["d.csv"])
    folder("d.tar.gz")
    with pytest.raises(UserError, match="d.tar.gz is no table; expected a name that ends in .csv"):
        splits.matching(where, ["d.tar.gz"])


def test_a_folder_that_is_not_there():
    with pytest.raises(UserError, match="/nowhere is no folder; expected one with train.csv"):
        splits.named("/nowhere")
