"""Fractions of training splits: how they are given, and that they are nested prefixes in every reading."""

import dataclasses
import pathlib
import shutil

import pytest

from t2tlite.data.reading import sources
from t2tlite.data.stored import fractions
from t2tlite.data.stored.prepared import PreparedSplit
from t2tlite.data.text import training_texts
from t2tlite.errors import UserError

NAMES = ["parsing", "pictures", "speech"]


def test_what_is_given_is_read_in_the_order_of_the_problems():
    assert fractions.parse(" speech:1e-2, parsing:0.5,pictures:1.0", NAMES) == {
        "parsing": 0.5,
        "speech": 0.01,
    }
    assert fractions.parse(None, NAMES) == fractions.parse("", NAMES) == {}
    text = "parsing:0.1,speech:0.25"
    assert fractions.describe(fractions.parse(text, NAMES)) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("parsin:0.1", "`parsin` is not one of the problems; did you mean `parsing`"),
        ("zzz:0.1", "`zzz` is not one of the problems; they are parsing, pictures, speech"),
        ("parsing:0", "above 0 and at most 1"),
        ("parsing:1.5", "above 0 and at most 1"),
        ("parsing:-0.1", "above 0 and at most 1"),
        ("parsing:nan", "above 0 and at most 1"),
        ("parsing", "such as parsing:0.1"),
        ("parsing:half", "such as parsing:0.1"),
        ("parsing:0.1,parsing:0.2", "more than once"),
    ],
)
def test_mistakes(text, message):
    with pytest.raises(UserError, match=message):
        fractions.parse(text, NAMES)


def test_counts_rise_with_the_share():
    counts = [fractions.count(share / 100, 77) for share in range(1, 101)]
    assert counts == sorted(counts) and counts[0] == 1 and counts[-1] == 77
    assert [fractions.count(share, 6000) for share in (0.1, 0.3, 0.7)] == [600, 1800, 4200]


def some(world, name, fraction):
    return PreparedSplit.open(
        world.problems[name], "train", world.data_dir, world.vocabulary, fraction=fraction
    )


@pytest.mark.parametrize("name", ["reverse", "classes"])
def test_a_fraction_is_a_prefix_of_a_larger_one(world, name):
    whole = list(world.split(name).records())
    for share, number in ((0.1, 15), (0.5, 75)):
        split = some(world, name, share)
        assert split.size == number and split.stored == len(whole) == 150
        assert list(split.records()) == whole[:number]
        assert len(list(split.examples())) == number


@pytest.mark.parametrize("memory", [0, 1 << 20])
@pytest.mark.parametrize("name", ["reverse", "upper"])
@pytest.mark.parametrize("share", [0.1, 0.5])
def test_training_reads_the_fraction_alone(world, monkeypatch, tmp_path, memory, name, share):
    """From memory, from chunks of files, and from a converted copy, which others must not find."""
    monkeypatch.setattr(sources, "MEMORY_BYTES", memory)
    shutil.copytree(pathlib.Path(world.data_dir) / name, tmp_path / name)
    world = dataclasses.replace(world, data_dir=str(tmp_path))
    source = sources.Source(some(world, name, share))
    epoch = [int(index) for _, index in source.positions(sources.Order(seed=5))]
    assert sorted(epoch) == list(range(int(150 * share)))
    whole = sources.Source(world.split(name))
    first = next(iter(whole.stored(int(150 * share)))).numpy().tolist()
    assert [record for block in source.stored(7) for record in block.numpy()] == first


def test_a_vocabulary_is_learned_from_the_fraction(world):
    split = some(world, "reverse", 0.1)
    texts = [text for example in split.examples() for text in (example["inputs"], example["targets"])]
    assert list(training_texts.sample([split])) == texts
    # A corpus that two problems share counts as far as one of them reads it.
    reverse = some(world, "unreverse", 0.5)
    assert len(list(training_texts.sample([split, reverse]))) == 2 * reverse.size


def test_another_fraction_has_another_vocabulary(world, tmp_path):
    folder = tmp_path / "reverse"
    folder.mkdir()
    splits = [
        dataclasses.replace(some(world, "reverse", share), folder=folder) for share in (0.1, 0.5, 0.5, 1)
    ]
    learned = [training_texts.build([split], 600).fingerprint for split in splits]
    assert learned[1] == learned[2]
    assert len(list((tmp_path / "vocabularies").iterdir())) == 3
