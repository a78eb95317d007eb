"""Lengths against the texts themselves, and what lies exactly at a bound."""

import numpy as np
import pytest

from t2tlite import problem
from t2tlite.data.inspection import lengths
from t2tlite.data.preparing import generate
from t2tlite.data.reading import pipeline
from t2tlite.data.reading.reader import ReadConfig
from t2tlite.data.stored.prepared import PreparedSplit
from t2tlite.data.text import training_texts

from ..conftest import Toy


@pytest.mark.parametrize("name", ["reverse", "unreverse", "upper", "references", "captions", "speech"])
def test_lengths_are_those_of_the_stored_examples(world, name):
    toy = world.problems[name]
    expected = {"text": [], "audio": []}
    for example in world.split(toy.name).examples():
        example = toy.to_text(example)
        lengths_of_kinds = {"text": 0, "audio": 0}
        for side, feature in toy.features().items():
            value = example[side]
            if feature.kind == "text":
                text = value if isinstance(value, str) else value[0]
                lengths_of_kinds["text"] = max(
                    lengths_of_kinds["text"], len(world.vocabulary.encode(text)) + 1
                )
            elif feature.kind == "audio":
                lengths_of_kinds["audio"] = len(value)
        for kind in expected:
            expected[kind].append(lengths_of_kinds[kind])
    measured = lengths.measure(world.split(toy.name), world.hparams)
    assert measured.seen == measured.size == 150
    assert measured.values.keys() == {"length_bounds"} | ({"seconds_bounds"} if name == "speech" else set())
    assert measured.values["length_bounds"].tolist() == expected["text"]
    if name == "speech":
        assert measured.values["seconds_bounds"].tolist() == expected["audio"]


class Topics(Toy):
    """Sentences of 1, 2, 3 ... words, and a class."""

    name, targets = "topics", problem.Label()
    counts = dict.fromkeys(Toy.counts, 12)

    def labels(self, source):
        return ("even", "odd")

    def make(self, rng, number):
        return " ".join(["word"] * (number + 1)), self.labels("")[number % 2]


class Sounds(Toy):
    """Silences of just below, at, and just above half a second, and of a second."""

    name, inputs = "sounds", problem.Audio()
    lengths = (1, 7999, 8000, 8001, 15999, 16000, 16001)
    counts = dict.fromkeys(Toy.counts, len(lengths))

    def make(self, rng, number):
        return np.zeros(self.lengths[number], np.float32), f"{number}"


@pytest.fixture(scope="module")
def edge(tmp_path_factory):
    """The folder of the prepared data of both, and their vocabulary."""
    data_dir = str(tmp_path_factory.mktemp("edge"))
    toys = [Topics(), Sounds()]
    for toy in toys:
        generate.generate([toy], data_dir, "sample", progress=False, processes=1)
    vocabulary = training_texts.build([PreparedSplit.open(toy, "train", data_dir) for toy in toys], 300)
    return data_dir, vocabulary


def by_bound(dataset, length):
    lengths_by_bound = {}
    for batch in dataset:
        lengths_by_bound.setdefault(batch["inputs"].shape[1], []).extend(length(batch).numpy().tolist())
    return {bound: sorted(values) for bound, values in lengths_by_bound.items()}


def test_a_text_exactly_at_a_bound_is_kept_in_that_bucket(edge, world):
    data_dir, vocabulary = edge
    toy = Topics()
    units = sorted(
        len(vocabulary.encode(example["inputs"])) + 1
        for example in PreparedSplit.open(toy, "train", data_dir).examples()
    )
    low, high = units[3], units[8]
    assert units[2] < low < units[4] and units[7] < high < units[9]  # there is one of each length
    hparams = world.hparams.replace(length_bounds=(low, high))
    split = PreparedSplit.open(toy, "train", data_dir, vocabulary)
    dataset = pipeline.dataset(split, hparams, ReadConfig())
    by_length = by_bound(
        dataset, lambda batch: np.count_nonzero(batch["inputs"], axis=1) + 0 * batch["targets"]
    )
    assert by_length == {low: units[:4], high: units[4:9]}
    measured = lengths.measure(split, hparams)
    assert measured.too_long(hparams) == lengths.TooLong(3, 12, 12)  # a class does not make it fit


def test_a_sound_exactly_at_a_bound_is_kept_in_that_bucket(edge, world):
    data_dir, vocabulary = edge
    toy, hparams = Sounds(), world.hparams.replace(seconds_bounds=(0.5, 1.0))
    split = PreparedSplit.open(toy, "train", data_dir, vocabulary)
    dataset = pipeline.dataset(split, hparams, ReadConfig())
    by_length = by_bound(dataset, lambda batch: batch["inputs_length"])
    assert by_length == {8000: [1, 7999, 8000], 16000: [8001, 15999, 16000]}
    measured = lengths.measure(split, hparams)
    assert measured.too_long(hparams).dropped == 1
