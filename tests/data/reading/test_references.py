"""What a reader draws, refuses and holds, on records of a few texts."""

import types

import numpy as np
import pytest
import tensorflow as tf

from t2tlite import problem
from t2tlite.data.reading import sources, table
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
    return world.vocabulary.detokenize(tf.cast(ids.to_tensor(), tf.int32)).numpy()


def of_records(stored):
    return types.SimpleNamespace(records=stored, size=len(stored))


def test_both_sides_of_an_example_draw_on_their_own(world):
    toy = a_problem()
    examples = [{"inputs": list(WORDS), "targets": list(WORDS)}] * 200
    reader = Reader(toy, world.vocabulary, None, world.hparams, ReadConfig(training=True, seed=1))
    columns = reader.compact(*block(toy, examples))
    sides = [texts(world, columns[name]) for name in ("inputs", "targets")]
    assert {text.decode() for text in sides[0]} == {text.decode() for text in sides[1]} == set(WORDS)
    assert 30 < np.count_nonzero(sides[0] == sides[1]) < 70  # a quarter of them by chance


@pytest.mark.parametrize("count", [2, 3, 4])
def test_draws_of_neighbours_epochs_and_seeds_have_nothing_in_common(world, count):
    toy, size = a_problem(), 1000
    epoch, index, record = block(toy, [{"inputs": "x", "targets": list(WORDS[:count])}] * size)

    def drawn(seed, epoch):
        reader = Reader(toy, world.vocabulary, None, world.hparams, ReadConfig(training=True, seed=seed))
        return texts(world, reader.compact(epoch, index, record)["targets"])

    first = drawn(1, epoch)
    for other in (np.roll(first, 1), drawn(2, epoch), drawn(1, epoch + 1)):
        assert abs(np.mean(first == other) - 1 / count) < 0.06  # four standard deviations
    assert all(abs(np.mean(first == word.encode()) - 1 / count) < 0.06 for word in WORDS[:count])


def test_two_references_are_enough_for_a_draw_in_each_epoch(world):
    toy = a_problem()
    for count, is_table in ((1, True), (2, False)):
        _, _, stored = block(toy, [{"inputs": "dog", "targets": list(WORDS[:count])}] * 3)
        for training in (True, False):
            reader = Reader(toy, world.vocabulary, None, world.hparams, ReadConfig(training=training, seed=1))
            stored_table = table.Table.of(of_records(stored), reader)
            assert (stored_table is not None) == (is_table or not training)


def test_a_table_has_all_records(world, monkeypatch):
    monkeypatch.setattr(table, "_BLOCK", 4)
    toy = a_problem()
    _, _, stored = block(toy, [{"inputs": f"{i}", "targets": "dog"} for i in range(10)])
    reader = Reader(toy, world.vocabulary, None, world.hparams, ReadConfig(training=True, seed=1))
    stored_table = table.Table.of(of_records(stored), reader)
    [numbers] = stored_table.blocks(sources.Order(), 16)
    read = [int(text) for text in texts(world, stored_table.rows(numbers)["inputs"])]
    assert stored_table.size == 10 and read == list(range(10))
    assert stored_table.rows(numbers)["index"].numpy().tolist() == list(range(10))


@pytest.mark.parametrize("size", [1 << 16, (1 << 16) + 1, 100_000])
def test_ids_of_a_large_vocabulary_fit(size, world):
    toy = a_problem()
    last = types.SimpleNamespace(
        size=size, tokenize=lambda texts: tf.RaggedTensor.from_tensor(tf.fill([len(texts), 2], size - 1))
    )
    reader = Reader(toy, last, None, world.hparams, ReadConfig(training=True))
    columns = reader.compact(*block(toy, [{"inputs": "x", "targets": "y"}]))
    assert tf.cast(columns["inputs"], tf.int32).to_list() == [[size - 1] * 2]


def test_a_class_that_is_not_known_is_refused_among_others_that_are(world):
    toy = a_problem(targets=problem.Label())
    reader = Reader(toy, world.vocabulary, ["cat", "dog"], world.hparams, ReadConfig())
    examples = [{"inputs": "x", "targets": name} for name in ("dog", "cat", "cow")]
    assert reader.compact(*block(toy, examples[:2]))["targets"].numpy().tolist() == [1, 0]
    with pytest.raises(tf.errors.InvalidArgumentError, match="unknown class"):
        reader.compact(*block(toy, examples))


def test_the_longer_side_decides(world):
    toy, long = a_problem(), " ".join(WORDS)
    [short, longer] = [len(world.vocabulary.encode(text)) + 1 for text in ("the", long)]
    examples = [{"inputs": "the", "targets": long}, {"inputs": long, "targets": "the"}] * 2
    examples.append({"inputs": "the", "targets": "the"})
    for bounds, buckets in (((short, longer), [1, 1, 1, 1, 0]), ((short, longer - 1), [0])):
        hparams = world.hparams.replace(length_bounds=bounds)
        reader = Reader(toy, world.vocabulary, None, hparams, ReadConfig(training=True))
        assert reader.compact(*block(toy, examples))["bucket"].numpy().tolist() == buckets
