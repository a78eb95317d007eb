import collections
import random

import pytest

from t2tlite import problem
from t2tlite.data.preparing import generate
from t2tlite.data.stored.prepared import PreparedSplit
from t2tlite.data.text import training_texts
from t2tlite.data.text.vocabulary import Vocabulary


class Words(problem.Problem):
    def __init__(self, name, number, **attributes):
        self.name, self.number = name, number
        for key, value in attributes.items():
            setattr(self, key, value)

    def examples(self, split, source):
        for _ in range(self.number):
            yield {"inputs": f"{self.name} in", "targets": [f"{self.name} out", f"{self.name} other"]}


def prepared(tmp_path, *problems):
    for toy in problems:
        generate.generate([toy], tmp_path, "sample", progress=False, processes=1)
    return opened(tmp_path, *problems)


def opened(tmp_path, *problems):
    return [PreparedSplit.open(toy, "train", tmp_path) for toy in problems]


def test_each_corpus_has_an_equal_share(tmp_path):
    large, small = prepared(tmp_path, Words("large", 100), Words("small", 10))
    [reverse] = opened(tmp_path, Words("reverse", 0, corpus="large", swap=True))
    counter = collections.Counter(t.split()[0] for t in training_texts.sample([large, reverse, small], 60))
    assert counter == {"large": 30, "small": 30}
    assert len(list(training_texts.sample([large]))) == 300


def test_the_vocabulary_has_the_symbols_of_all_problems(tmp_path):
    splits = prepared(
        tmp_path, Words("first", 9, symbols=(" (A", " )A")), Words("second", 9, symbols=(" (A", "$$"))
    )
    learned = training_texts.build(splits, 300)
    assert [len(learned.encode(symbol)) for symbol in (" (A", " )A", "$$")] == [1, 1, 1]
    assert training_texts.build(splits, 300).fingerprint == learned.fingerprint


def test_only_texts_are_read_and_as_the_model_reads_them(world):
    splits = [world.split(name) for name in ("classes", "captions", "upper")]
    texts = list(training_texts.sample(splits))
    assert len(texts) == 150 * 5 + 150 * 2
    assert sum(any(c.isupper() for c in text) for text in texts) == 150


def test_bytes_are_bounded_as_well(tmp_path):
    first, second = prepared(tmp_path, Words("first", 100), Words("second", 100))
    texts = list(training_texts.sample([first, second], limit_bytes=500))
    sizes = collections.Counter()
    for text in texts:
        sizes[text.split()[0]] += len(text)
    assert 230 < sizes["first"] <= 250 and 230 < sizes["second"] <= 250


class Long(Words):
    def examples(self, split, source):
        for _ in range(self.number):
            yield {"inputs": "é" * 100_000, "targets": "short"}


def test_a_long_text_does_not_take_the_share_of_others(tmp_path):
    (long,) = prepared(tmp_path, Long("long", 3))
    assert {*training_texts.sample([long])} == {"é" * training_texts.LONGEST, "short"}
    assert list(training_texts.sample([long], limit_bytes=100)) == []


@pytest.fixture
def learned(monkeypatch):
    """How often a vocabulary was learned: the length of a list."""
    times, train = [], Vocabulary.train
    monkeypatch.setattr(Vocabulary, "train", lambda *args: times.append(1) or train(*args))
    return times


def vocabulary_files(tmp_path):
    return list((tmp_path / "vocabularies").iterdir())


def test_what_was_learned_is_found_again(tmp_path, learned):
    splits = prepared(tmp_path, Words("first", 9, symbols=(" (A",)), Words("second", 9))
    first = training_texts.build(splits, 300)
    assert [path.suffix for path in vocabulary_files(tmp_path)] == [".model"]
    again = training_texts.build(splits, 300)
    assert (len(learned), again.model) == (1, first.model)


CHANGES = {
    "size": lambda problems: (problems, 290),
    "problems": lambda problems: (problems[:1], 300),
    "symbols": lambda problems: ([Words("first", 9, symbols=(" (B",)), problems[1]], 300),
    "to_text": lambda problems: ([Shouted("first", 9), problems[1]], 300),
}


class Shouted(Words):
    def to_text(self, example):
        return {**example, "inputs": example["inputs"].upper()}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_has_it_learned_again(tmp_path, learned, name):
    problems = [Words("first", 9), Words("second", 9)]
    training_texts.build(prepared(tmp_path, *problems), 300)
    changed, size = CHANGES[name](problems)
    training_texts.build(opened(tmp_path, *changed), size)
    assert len(learned) == len(vocabulary_files(tmp_path)) == 2


def test_other_data_has_it_learned_again(tmp_path, learned):
    splits = prepared(tmp_path, Words("first", 9))
    training_texts.build(splits, 300)
    about = splits[0].manifest["splits"]
    about["train"]["sha256"] = {"train-00000": "another"}
    training_texts.build(splits, 300)
    assert len(learned) == 2
    about["test"]["sha256"] = {"test-00000": "another"}
    training_texts.build(splits, 300)
    assert len(learned) == 2, "only the training split is read"


@pytest.mark.parametrize("damage", [b"", b"no model", "cut", "other"])
def test_a_damaged_one_is_learned_again(tmp_path, learned, damage):
    splits = prepared(tmp_path, Words("first", 9))
    first = training_texts.build(splits, 300)
    (path,) = vocabulary_files(tmp_path)
    other = Vocabulary.train(["the dog runs"] * 9, 300).model
    path.write_bytes({"cut": first.model[:-30], "other": other}.get(damage, damage))
    learned.clear()
    assert training_texts.build(splits, 300).model == first.model
    assert len(learned) == 1 and path.read_bytes() == first.model
    training_texts.build(splits, 300)
    assert len(learned) == 1


def test_where_nothing_can_be_written_it_is_learned_each_time(tmp_path, learned):
    splits = prepared(tmp_path, Words("first", 9))
    (tmp_path / "vocabularies").write_text("in the way")
    for _ in range(2):
        assert len(training_texts.build(splits, 300).encode("first")) < 5
    assert len(learned) == 2


def test_a_vocabulary_that_suits_its_texts_has_frequent_units():
    """The largest of which 95% of the merges stand in the texts 100 times, by plain counting."""
    generator = random.Random(0)
    syllables = [first + second for first in "bcdfghklmnprstvz" for second in "aeiou"]
    words = ["".join(generator.choices(syllables, k=2)) for _ in range(3000)]
    weights = [1 / (rank + 1) for rank in range(3000)]
    some = [" ".join(generator.choices(words, weights, k=8)) for _ in range(1000)]
    texts, sizes = some * 25, (600, 700, 900, 1200)
    shares = {}
    for size in sizes:
        vocabulary = Vocabulary.train(texts, size)
        counts = collections.Counter(unit for text in texts for unit in vocabulary.encode(text))
        merges = [unit for unit in range(259, vocabulary.size) if len(vocabulary.piece(unit)) > 1]
        shares[vocabulary.size] = sum(counts[unit] >= 100 for unit in merges) / len(merges)
        assert training_texts.frequent(vocabulary, texts) == pytest.approx(shares[vocabulary.size])
    suitable = training_texts.suitable(texts, sizes=sizes)
    passing = [size for size, share in shares.items() if share >= 0.95]
    assert suitable.size == max([min(shares), *passing])
    assert len(passing) in (1, 2, 3)
    assert training_texts.suitable(some, sizes=sizes).size == 600  # none suits


def test_symbols_leave_out_sizes_without_room():
    symbols = [f"<{number}>" for number in range(100)]
    vocabulary = training_texts.suitable(["a cat and a dog"] * 300, symbols, (300, 1000))
    assert vocabulary.encode("<7> cat")[0] == vocabulary.encode("<7>")[0]


def test_size_0_is_one_that_suits(tmp_path, monkeypatch):
    """It is kept like any other, and found again."""
    splits = prepared(tmp_path, Words("corpus", 50))
    learned = training_texts.build(splits, 0)
    assert learned.fingerprint == training_texts.suitable(list(training_texts.sample(splits))).fingerprint
    monkeypatch.setattr(training_texts, "suitable", lambda *arguments: pytest.fail("learned again"))
    assert training_texts.build(splits, 0).fingerprint == learned.fingerprint
