"""Problems from examples of every form, without a class."""

import re

import numpy as np
import pytest
import tensorflow as tf

import t2tlite
from t2tlite import problem
from t2tlite.data.stored import records
from t2tlite.errors import UserError

PAIRS = [(f"text {number}", f"Text {number}") for number in range(45)]
DICTS = [{"inputs": inputs, "targets": targets} for inputs, targets in PAIRS]


class Table:
    """What a DataFrame of pandas is asked for."""

    columns = ("inputs", "targets")

    def __iter__(self):
        return iter(self.columns)

    def itertuples(self, index, name):
        assert index is False and name is None
        return iter(PAIRS)


def generated():
    yield from DICTS


FORMS = {
    "pairs": PAIRS,
    "dicts": DICTS,
    "function": generated,
    "table": Table(),
    "tf.data of dicts": tf.data.Dataset.from_tensor_slices(
        {"inputs": [inputs for inputs, _ in PAIRS], "targets": [targets for _, targets in PAIRS]}
    ),
    "tf.data of pairs": tf.data.Dataset.from_tensor_slices(tuple(map(list, zip(*PAIRS, strict=True)))),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_examples(form):
    """All of them once, a 20th in each split that is held out, and the same each time they are read."""
    made = t2tlite.from_examples("mine", train=FORMS[form])
    for _ in range(2):
        splits = {split: list(made.examples(split, "files")) for split in problem.SPLITS}
        assert [len(splits[split]) for split in problem.SPLITS] == [39, 3, 3]
        together = sorted(example["inputs"] for rows in splits.values() for example in rows)
        assert together == sorted(inputs for inputs, _ in PAIRS)
        assert all(example in DICTS for rows in splits.values() for example in rows)
    assert made.command == "to_mine" and made.name == "mine"


def test_splits_that_are_given_are_whole():
    made = t2tlite.from_examples("mine", train=DICTS[:21], validation=DICTS[30:], test=generated)
    assert [len(list(made.examples(split, ""))) for split in problem.SPLITS] == [21, 15, 45]
    made = t2tlite.from_examples("mine", train=DICTS[:21], validation=DICTS[30:])
    assert [len(list(made.examples(split, ""))) for split in problem.SPLITS] == [20, 15, 1]


def test_classes_by_number_and_name():
    """Numbers are told by the names that are given; else they are names, in their order."""
    rows = [{"inputs": "a", "targets": number} for number in (10, np.int64(9), 2)]
    options = {"targets": problem.Label(), "validation": rows, "test": rows}
    made = t2tlite.from_examples("mine", train=rows, **options)
    assert made.labels("") == ("2", "9", "10") and made.command == ""
    assert [row["targets"] for row in made.examples("train", "")] == ["10", "9", "2"]
    names = [f"class {number}" for number in range(11)]
    made = t2tlite.from_examples("mine", train=rows, labels=names, **options)
    assert [row["targets"] for row in made.examples("train", "")] == ["class 10", "class 9", "class 2"]
    with pytest.raises(UserError, match="has 2 labels; received class 10"):
        list(t2tlite.from_examples("mine", train=rows, labels=["a", "b"], **options).examples("train", ""))
    named = tf.data.Dataset.from_tensor_slices((["x", "y"], ["dog", "cat"]))
    made = t2tlite.from_examples("mine", train=named, validation=named, test=named, targets=problem.Label())
    assert made.labels("") == ("cat", "dog")
    assert [row["targets"] for row in made.examples("train", "")] == ["dog", "cat"]


def test_pictures_and_named_inputs_are_stored():
    pixels = np.random.default_rng(0).integers(0, 256, (8, 9, 3), np.uint8)
    row = {"inputs": {"picture": pixels, "question": b"is it red"}, "targets": "no"}
    inputs = {"picture": problem.Image(), "question": problem.Text()}
    made = t2tlite.from_examples("mine", train=[row], validation=[row], test=[row], inputs=inputs)
    [example] = made.examples("train", "")
    features = records.stored_features(made)
    stored = records.deserialize(records.serialize(example, features, "here"), features)
    assert stored["inputs"]["question"] == "is it red"
    np.testing.assert_array_equal(tf.io.decode_png(stored["inputs"]["picture"]), pixels)
    with pytest.raises(UserError, match=r"`inputs.picture` is no picture: expected pixels"):
        example["inputs"]["picture"] = np.zeros([2, 2, 7])
        records.serialize(example, features, "here")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "a>b"}, "can't have the name 'a>b'"),
        ({"train": iter(PAIRS)}, "the examples of train are an iterator, which can be read only once"),
        ({"test": "wmt_ende"}, "expected the examples of test as a list"),
        ({"train": FORMS["tf.data of pairs"].repeat()}, "repeat without end"),
        ({"metrics": ["blue"]}, "unknown metric `blue`; did you mean `bleu`"),
        ({"train": None}, "problem `mine` was made without examples"),
        ({"train": ["a text"]}, "or a pair of the two; received 'a text'"),
    ],
)
def test_mistakes(arguments, message):
    with pytest.raises(UserError, match=re.escape(message)):
        list(
            t2tlite.from_examples(**{"name": "mine", "train": PAIRS, **arguments}).examples("validation", "")
        )
