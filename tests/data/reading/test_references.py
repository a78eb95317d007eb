"""What a reader draws, refuses and holds, on records of a few texts."""

import types

import numpy as np
import pytest
import tensorflow as tf

from t2tlite import problem
from t2tlite.data.reading import index, sources
from t2tlite.data.reading.planned import Planned
from t2tlite.data.reading.reader import ReadConfig, Reader
from t2tlite.data.stored import records

WORDS = ("the", "a", "red", "blue")


def a_problem(inputs=None, targets=None):
    new_problem = problem.Problem()
    new_problem.name, new_problem.inputs, new_problem.targets = (
        "toy",
        inputs or problem.Text(),
        targets or problem.Text(),
    )
    return new_problem


def block(toy, examples):
    """Records as `Source` has them, with the epoch and the numbers of the examples."""
    stored = [records.serialize(example, toy.features(), "here") for example in examples]
    number = len(stored)
    return tf.zeros([number], tf.int64), tf.range(number, dtype=tf.int64), tf.constant(stored)


def texts(world, ids):
    return world.vocabulary.detokenize(ids).numpy()


def planned(stored, reader):
    """The examples of some records."""
    source = types.SimpleNamespace(
        records=stored, size=len(stored), fetch=lambda numbers, offsets: tf.gather(stored, numbers)
    )
    return Planned(source, index.in_memory(stored, reader), reader)


def read(stored, reader, epoch, numbers):
    return planned(stored, reader).rows({"epoch": epoch, "index": numbers})


def test_both_sides_of_an_example_draw_on_their_own(world):
    toy = a_problem()
    examples = [{"inputs": list(WORDS), "targets": list(WORDS)}] * 200
    reader = Reader(toy, world.vocabulary, None, world.hparams, ReadConfig(training=True, seed=1))
    epoch, numbers, stored = block(toy, examples)
    columns = read(stored, reader, epoch, numbers)
    sides = [texts(world, columns[name]) for name in ("inputs", "targets")]
    assert {text.decode() for text in sides[0]} == {text.decode() for text in sides[1]} == set(WORDS)
    assert 30 < np.count_nonzero(sides[0] == sides[1]) < 70  # a quarter of them by chance


@pytest.mark.parametrize("count", [2, 3, 4])
def test_draws_of_neighbours_epochs_and_seeds_have_nothing_in_common(world, count):
    toy, size = a_problem(), 1000
    epoch, numbers, stored = block(toy, [{"inputs": "x", "targets": list(WORDS[:count])}] * size)

    def drawn(seed, epoch):
        reader = Reader(toy, world.vocabulary, None, world.hparams, ReadConfig(training=True, seed=seed))
        return texts(world, read(stored, reader, epoch, numbers)["targets"])

    first = drawn(1, epoch)
    for other in (np.roll(first, 1), drawn(2, epoch), drawn(1, epoch + 1)):
        assert abs(np.mean(first == other) - 1 / count) < 0.06  # four standard deviations
    assert all(abs(np.mean(first == word.encode()) - 1 / count) < 0.06 for word in WORDS[:count])


def test_texts_of_all_blocks_are_read(world, monkeypatch):
    monkeypatch.setattr(index, "_BLOCK", 4)
    toy = a_problem()
    examples = [{"inputs": f"{i}", "targets": ["dog"] * (1 + i % 3)} for i in range(10)]
    for training in (True, False):
        epoch, numbers, stored = block(toy, examples)
        reader = Reader(toy, world.vocabulary, None, world.hparams, ReadConfig(training=training, seed=1))
        columns = read(stored, reader, epoch, numbers)
        assert [int(text) for text in texts(world, columns["inputs"])] == list(range(10))
        assert set(texts(world, columns["targets"])) == {b"dog"}


@pytest.mark.parametrize("size", [1 << 16, (1 << 16) + 1, 100_000])
def test_ids_of_a_large_vocabulary_fit(size, world):
    toy = a_problem()
    last = types.SimpleNamespace(
        size=size,
        fingerprint="last",
        tokenize=lambda texts: tf.RaggedTensor.from_tensor(tf.fill([len(texts), 2], size - 1)),
    )
    reader = Reader(toy, last, None, world.hparams, ReadConfig(training=True))
    epoch, numbers, stored = block(toy, [{"inputs": "x", "targets": "y"}])
    assert read(stored, reader, epoch, numbers)["inputs"][:, :2].numpy().tolist() == [[size - 1] * 2]


def test_a_class_that_is_not_known_is_refused_among_others_that_are(world):
    toy = a_problem(targets=problem.Label())
    reader = Reader(toy, world.vocabulary, ["cat", "dog"], world.hparams, ReadConfig())
    examples = [{"inputs": "x", "targets": name} for name in ("dog", "cat", "cow")]
    epoch, numbers, stored = block(toy, examples)
    assert read(stored, reader, epoch[:2], numbers[:2])["targets"].numpy().tolist() == [1, 0]
    with pytest.raises(tf.errors.InvalidArgumentError, match="unknown class"):
        read(stored, reader, epoch, numbers)


def test_the_longer_side_decides(world):
    toy, long = a_problem(), " ".join(WORDS)
    [short, longer] = [len(world.vocabulary.encode(text)) + 1 for text in ("the", long)]
    examples = [{"inputs": "the", "targets": long}, {"inputs": long, "targets": "the"}] * 2
    examples.append({"inputs": "the", "targets": "the"})
    for bounds, buckets in (((short, longer), [1, 1, 1, 1, 0]), ((short, longer - 1), [0])):
        hparams = world.hparams.replace(length_bounds=bounds)
        reader = Reader(toy, world.vocabulary, None, hparams, ReadConfig(training=True))
        [plan] = planned(block(toy, examples)[2], reader).blocks(sources.Order(), 8)
        assert plan["bucket"].numpy().tolist() == buckets
