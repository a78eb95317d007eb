"""A split that was opened: read once, and with the numbers that it was given."""

import dataclasses
import pathlib
import shutil

import pytest

from t2tlite.data.inspection import lengths
from t2tlite.data.reading import pipeline
from t2tlite.data.reading.reader import ReadConfig
from t2tlite.data.stored.prepared import PreparedSplit
from t2tlite.data.text import training_texts
from t2tlite.errors import UserError


@pytest.fixture
def copied(world, tmp_path):
    shutil.copytree(pathlib.Path(world.data_dir) / "classes", tmp_path / "classes")
    return tmp_path / "classes"


def test_what_describes_it_is_read_once(world, copied):
    split = PreparedSplit.open(world.problems["classes"], "test", copied.parent, world.vocabulary)
    for file in copied.glob("*.json"):
        file.unlink()
    assert (split.size, len(list(split.examples()))) == (10, 10)
    assert split.total_bytes == sum(path.stat().st_size for path in copied.glob("test-*"))
    assert split.checksums.keys() == {path.name for path in copied.glob("test-*")}
    assert sum(len(batch["targets"]) for batch in pipeline.dataset(split, world.hparams, ReadConfig())) == 10
    assert lengths.measure(split, world.hparams).size == 10
    assert list(training_texts.sample([split])) == []


def test_its_labels_are_those_of_the_data_unless_others_are_given(world):
    toy = world.problems["classes"]
    assert world.split("classes").labels == ("cat", "dog", "tree")
    assert world.split("reverse").labels is None
    relabelled = PreparedSplit.open(toy, "train", world.data_dir, labels=["tree", "cat", "dog"])
    assert relabelled.labels == ("tree", "cat", "dog")
    assert dataclasses.replace(relabelled, vocabulary=world.vocabulary).labels == relabelled.labels


def test_files_that_go_after_it_was_opened_are_missed(world, copied):
    split = PreparedSplit.open(world.problems["classes"], "test", copied.parent)
    split.check()
    pathlib.Path(split.files[0]["file"]).unlink()
    with pytest.raises(UserError, match="is missing or not the size it was written with"):
        split.check()
