"""Vectors, bags of names, distributions and answers: what they may be, their batches, and what is read."""

import numpy as np
import pytest
import tensorflow as tf

from t2tlite import problem
from t2tlite.data.preparing import generate
from t2tlite.data.reading import pipeline
from t2tlite.data.reading.reader import ReadConfig
from t2tlite.data.stored.prepared import PreparedSplit
from t2tlite.errors import UserError
from t2tlite.features.named_tensors import NamedRawReader

from ..data.conftest import Toy
from ..models import tiny

HPARAMS = tiny.HPARAMS.replace(batch_tokens=4)
TAGS = ("red", "blue", "green")


@pytest.mark.parametrize(
    ("feature", "value", "message"),
    [
        (problem.Vector(2), [1.0], r"\[1.0\]; expected 2 finite numbers"),
        (problem.Vector(2), [1.0, float("nan")], "expected 2 finite numbers"),
        (problem.Vector(2), "1 x", "expected 2 finite numbers"),
        (problem.Vector(1), [[1.0]], "expected 1 finite numbers"),
        (problem.Counts(TAGS), {"rde": 1}, "'rde', which is not one of its names; did you mean `red`"),
        (problem.Counts(TAGS), {"red": -1}, "'red': -1; expected a weight of 0 or more"),
        (problem.Counts(TAGS), {"red": "1"}, "expected a weight"),
        (problem.Counts(TAGS), {}, "expected a dict of names and counts, or a list of names"),
        (problem.Counts(TAGS), ["red", "pink"], "'pink', which is not one of its names"),
        (problem.Distribution(), {"red": 0.5}, "have the sum 0.5; expected 1"),
        (problem.Distribution(), {"pink": 1.0}, "'pink', which is not one of its names"),
        (problem.Distribution(), {"a\tb": 1.0}, "expected names without tabs"),
        (problem.Answers(2), ["red"], "expected a list of 2 answers without tabs"),
        (problem.Answers(2), "ab", "expected a list of 2 answers"),
        (problem.Answers(2), ["a", "b\tc"], "expected a list of 2 answers"),
    ],
)
def test_wrong_values(feature, value, message):
    with pytest.raises(ValueError, match=message):
        feature.to_record(value, TAGS)


def test_what_people_may_write():
    bag = problem.Counts(list(TAGS))
    reader = bag.input_reader(None, HPARAMS)
    for value in ({"green": 2, "red": 1}, ["green", "red", "green"], "green, red,green"):
        assert reader.read(value).tolist() == [1, 0, 2]
    assert bag == problem.Counts(TAGS) and hash(bag) == hash(problem.Counts(TAGS))
    numbers = problem.Vector(2).input_reader(None, HPARAMS)
    for value in ([0.5, -1], np.array([0.5, -1.0]), "0.5 -1", (0.5, -1)):
        assert numbers.read(value).tolist() == [0.5, -1]
    for one, wrong in ((reader, "pink"), (reader, 3), (numbers, "1"), (numbers, None)):
        with pytest.raises(UserError, match="received"):
            one.read(wrong)


def test_the_right_answers():
    assert problem.Distribution().references({"a": 0.4, "b": 0.2, "c": 0.4}) == ("a", "c")
    assert problem.Answers(3).references(["a", "b", "a"]) == ("a", "b", "a")
    assert problem.Text().references("a b") == ("a b",) and problem.Text().references(["a", "b"]) == (
        "a",
        "b",
    )


class Tagged(Toy):
    """Numbers and tags to what four annotators said of them."""

    name, targets = "tagged", problem.Answers(4)
    inputs = {"numbers": problem.Vector(3), "tags": problem.Counts(TAGS, optional=True)}
    counts = dict.fromkeys(Toy.counts, 12)

    def labels(self, source):
        return "yes", "no"

    def make(self, rng, number):
        inputs = {"numbers": rng.normal(size=3), "tags": {TAGS[number % 3]: number} if number % 4 else None}
        return inputs, ["yes"] * (number % 3) + ["no"] * (3 - number % 3) + ["perhaps"]


class Soft(Tagged):
    """A bag of tags, alone, to a distribution."""

    name, inputs, targets = "soft", problem.Counts(TAGS), problem.Distribution()

    def make(self, rng, number):
        return ["red", "red", TAGS[number % 3]], {"yes": number / 12, "no": 1 - number / 12}


@pytest.mark.parametrize("cls", [Tagged, Soft])
def test_batches_hold_what_is_stored(tmp_path, cls):
    """In an order that a checkpoint of the iterator goes on with."""
    toy = cls()
    generate.generate([toy], tmp_path, "sample", progress=False, processes=1)
    stored = list(PreparedSplit.open(toy, "test", tmp_path).examples())
    data = pipeline.dataset(PreparedSplit.open(toy, "test", tmp_path), HPARAMS, ReadConfig())
    assert len(stored) == 12
    expected = dict(zip(("yes", "no"), np.eye(2), strict=True))
    read_batches = {key: np.concatenate([batch[key] for batch in data]) for key in data.element_spec}
    for row, example in enumerate(stored):
        targets = example["targets"]
        weights = targets if isinstance(targets, dict) else {a: targets.count(a) for a in targets}
        total = sum(expected[name] * weight for name, weight in weights.items() if name in expected)
        np.testing.assert_allclose(read_batches["targets"][row], total, rtol=1e-6)
        tags = example["inputs"] if cls is Soft else example["inputs"].get("tags")
        column = "inputs" if cls is Soft else "inputs.tags"
        if tags is not None:
            assert read_batches[column][row].tolist() == [tags.get(name, 0) for name in TAGS]
        if cls is Tagged:
            np.testing.assert_array_equal(read_batches["inputs.numbers"][row], example["inputs"]["numbers"])
            assert read_batches["inputs.tags_given"][row] == (tags is not None)
    endless = pipeline.dataset(PreparedSplit.open(toy, "train", tmp_path), HPARAMS, ReadConfig(training=True))
    iterator = iter(endless)
    next(iterator)
    path = tf.train.Checkpoint(iterator=iterator).save(str(tmp_path / "iterator"))
    ahead = [next(iterator) for _ in range(5)]
    again = iter(endless)
    tf.train.Checkpoint(iterator=again).restore(path)
    for one in ahead:
        for key, value in next(again).items():
            np.testing.assert_array_equal(value, one[key])


def test_missing_rows_of_an_export():
    """Counts of zero and numbers that are NaN are missing where that is allowed, and errors elsewhere."""
    inputs = problem.NamedInputs.of(
        {
            "tags": problem.Counts(TAGS, optional=True),
            "numbers": problem.Vector(2, optional=True),
            "others": problem.Counts(TAGS),
            "more": problem.Vector(1),
        }
    )
    [reader] = inputs.raw_readers(None, HPARAMS)
    assert isinstance(reader, NamedRawReader)
    nan = float("nan")
    value = reader.read(
        tags=tf.constant([[0.0, 0, 0], [1, 0, 0], [-1, 0, 0], [1, 0, 0], [1, 0, 0]]),
        numbers=tf.constant([[nan, nan], [1, 2], [1, 2], [1, nan], [1, 2]]),
        others=tf.constant([[1.0, 0, 0], [1, 0, 0], [1, 0, 0], [1, 0, 0], [0, 0, 0]]),
        more=tf.constant([[1.0]] * 5),
    )
    assert value.error.numpy().tolist() == [
        b"",
        b"",
        b"tags: counts that are negative or no numbers",
        b"numbers: numbers that are not finite",
        b"others: no counts",
    ]
    features = value.features(tf.constant([0, 1]))
    assert features["inputs.tags_given"].numpy().tolist() == [False, True]
    assert features["inputs.numbers_given"].numpy().tolist() == [False, True]
    assert np.isfinite(features["inputs.numbers"]).all()


def test_what_a_person_reads_of_a_batch():
    assert problem.Counts(TAGS).describe(np.float32([0, 2, 1]), None, ()) == "'blue' 2, 'green' 1"
    assert problem.Distribution().describe(np.float32([0.25, 0.75]), None, ("a", "b")) == "'b' 0.75, 'a' 0.25"
    assert problem.Answers(3).describe(np.float32([0, 3]), None, ("a", "b")) == "'b' 3"
