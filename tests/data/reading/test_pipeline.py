import glob
import os

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.data.inspection import lengths
from t2tlite.data.reading import pipeline, sources
from t2tlite.data.reading.reader import ReadConfig, Reader
from t2tlite.data.stored.prepared import PreparedSplit
from t2tlite.errors import UserError

# Every path through the pipeline: a table of ids, records in memory, records from files.
IN_MEMORY = [("reverse", True), ("references", True), ("captions", True), ("classes", True), ("speech", True)]
FROM_FILES = [("reverse", False), ("captions", False), ("speech", False)]
SIZE = 150


def batches(world, name, split="train", training=True, seed=1, hparams=None, **kwargs):
    config = ReadConfig(training, seed, **kwargs)
    return pipeline.dataset(world.split(name, split), hparams or world.hparams, config)


def take(dataset, number):
    return [{name: value.numpy() for name, value in batch.items()} for batch in dataset.take(number)]


def texts(world, data, feature):
    return [text.decode() for batch in data for text in world.vocabulary.detokenize(batch[feature]).numpy()]


def keys(world, name, data):
    """What tells the examples of a toy apart."""
    if name == "classes":
        return [image.tobytes() for batch in data for image in batch["inputs"]]
    feature = "targets" if name in ("captions", "speech", "unreverse") else "inputs"
    return [int(text.split()[0]) for text in texts(world, data, feature)]


def same(first, second):
    return len(first) == len(second) and all(
        a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)
        for a, b in zip(first, second, strict=True)
    )


def too_long(world, name, hparams, **limit):
    return lengths.measure(world.split(name), hparams, **limit).too_long(hparams)


@pytest.fixture
def name(request, monkeypatch):
    name, in_memory = request.param
    if not in_memory:
        monkeypatch.setattr(sources, "MEMORY_BYTES", 0)
    return name


def on(*cases):
    ids = [f"{name}-{'memory' if in_memory else 'files'}" for name, in_memory in cases]
    return pytest.mark.parametrize("name", cases, ids=ids, indirect=True)


@on(*IN_MEMORY, *FROM_FILES)
def test_shapes_types_and_sizes(world, name):
    hparams = world.hparams
    plan = pipeline.batch_plan(world.problems[name], hparams)
    dataset = batches(world, name)
    ranks = {"text": 2, "image": 4, "audio": 2, "label": 1}
    spec = dataset.element_spec
    for feature, kind in ((f, v.kind) for f, v in world.problems[name].features().items()):
        assert spec[feature].shape.rank == ranks[kind]
    for batch in take(dataset, 30):
        size = len(batch["targets"])
        for feature, kind in ((f, v.kind) for f, v in world.problems[name].features().items()):
            value = batch[feature]
            if kind == "text":
                used = (value != 0).sum(axis=1)
                assert value.dtype == np.int32
                assert value.shape == (size, min(b for b in hparams.length_bounds if b >= used.max()))
                assert all(row[n - 1] == 1 and not row[n:].any() for row, n in zip(value, used, strict=True))
            elif kind == "image":
                assert value.dtype == np.float32 and value.shape == (size, 16, 16, 3)
                assert 0 <= value.min() < value.max() <= 1
            elif kind == "audio":
                lengths = batch["inputs_length"]
                bounds = [round(16000 * s) for s in hparams.seconds_bounds]
                assert value.dtype == np.float32 and lengths.dtype == np.int32
                assert value.shape == (size, min(b for b in bounds if b >= lengths.max()))
                assert all(
                    not row[n:].any() and row[n - 1] == 1 for row, n in zip(value, lengths, strict=True)
                )
                assert size == plan.sizes[bounds.index(value.shape[1])]
                assert size == {0.5: 8, 1.0: 4, 1.5: 2}[value.shape[1] / 16000]  # 4 seconds, if not more
            else:
                assert value.dtype == np.int32 and set(value) <= {0, 1, 2}
        if not plan.bucketed:
            assert size == hparams.batch_images
        elif "inputs_length" not in batch:
            bound = max(batch["inputs"].shape[1], batch["targets"].shape[1])
            assert size == hparams.batch_tokens // bound


def test_a_batch_has_at_least_one_example(world):
    hparams = world.hparams.replace(batch_tokens=1, batch_seconds=0.1)
    for name in ("reverse", "speech"):
        assert all(len(batch["targets"]) == 1 for batch in take(batches(world, name, hparams=hparams), 20))


@on(("unreverse", True), *IN_MEMORY, *FROM_FILES)
def test_an_epoch_has_every_example_once(world, name):
    examples = keys(world, name, take(batches(world, name, training=False), -1))
    assert len(examples) == len(set(examples)) == SIZE


@on(("classes", True), ("captions", False))
def test_endless_batches_have_every_example_once_in_an_epoch(world, name):
    # 75 batches of 8 are four epochs of 150, of which no batch is the last.
    examples = keys(world, name, take(batches(world, name), 75))
    for epoch in range(4):
        assert len(set(examples[epoch * SIZE : (epoch + 1) * SIZE])) == SIZE
    assert examples[:SIZE] != examples[SIZE : 2 * SIZE]


@on(("reverse", True), ("reverse", False))
def test_endless_batches_of_text_are_full_and_fair(world, name):
    examples = keys(world, "reverse", take(batches(world, "reverse"), 400))
    epochs = len(examples) / SIZE
    assert epochs > 5
    counts = np.bincount(examples, minlength=SIZE)
    # At most a bucket's worth waits, so no example is more than two epochs from another.
    assert counts.min() >= epochs - 2 and counts.max() <= epochs + 2


@on(("reverse", True), ("classes", True), ("speech", False))
def test_the_order_is_given_by_the_seed(world, name):
    first = take(batches(world, name), 12)
    assert same(first, take(batches(world, name), 12))
    assert not same(first, take(batches(world, name, seed=2), 12))


@on(*IN_MEMORY, *FROM_FILES)
def test_an_iterator_resumes_in_the_middle_of_an_epoch(world, name, tmp_path):
    iterator = iter(batches(world, name))
    for _ in range(23):
        next(iterator)
    path = tf.train.Checkpoint(iterator=iterator).write(str(tmp_path / "checkpoint"))
    expected = [{key: value.numpy() for key, value in next(iterator).items()} for _ in range(30)]
    resumed = iter(batches(world, name))
    next(resumed)
    tf.train.Checkpoint(iterator=resumed).read(path).assert_consumed()
    assert same([{key: value.numpy() for key, value in next(resumed).items()} for _ in range(30)], expected)
    size = sum(os.path.getsize(file) for file in glob.glob(path + "*"))
    assert size < (4_000_000 if name == "speech" else 200_000)


@on(*IN_MEMORY, *FROM_FILES)
def test_a_worker_goes_on_from_another_ones_checkpoint(world, name, tmp_path):
    """What was fetched ahead is whole batches, or the second worker would get the rows of the first."""
    first, whole = iter(batches(world, name, rows=(0, 2))), iter(batches(world, name))
    for _ in range(5):
        next(first), next(whole)
    path = tf.train.Checkpoint(iterator=first).write(str(tmp_path / "checkpoint"))
    expected = [next(whole) for _ in range(8)]
    for rows in ((1, 2), (0, 1), (2, 3)):
        second = iter(batches(world, name, rows=rows))
        tf.train.Checkpoint(iterator=second).read(path).assert_consumed()
        for batch in expected:
            part = {key: value.numpy()[rows[0] :: rows[1]] for key, value in batch.items()}
            assert same([{key: value.numpy() for key, value in next(second).items()}], [part])


@on(("reverse", True), ("captions", True), ("speech", False))
def test_evaluation_has_a_fixed_order(world, name):
    first = take(batches(world, name, "validation", training=False, seed=1), -1)
    assert same(first, take(batches(world, name, "validation", training=False, seed=2), -1))
    assert len(keys(world, name, first)) == 20


def test_what_is_read_is_what_was_stored(world):
    expected = {x["inputs"]: x["targets"] for x in world.split("reverse").examples()}
    data = take(batches(world, "reverse", training=False), -1)
    assert dict(zip(texts(world, data, "inputs"), texts(world, data, "targets"), strict=True)) == expected
    data = take(batches(world, "unreverse", training=False), -1)
    assert dict(zip(texts(world, data, "targets"), texts(world, data, "inputs"), strict=True)) == expected


def test_the_model_reads_what_to_text_makes(world):
    data = take(batches(world, "upper", "test", training=False), -1)
    assert all(text == text.upper() for text in texts(world, data, "targets"))
    assert not any(text == text.upper() for text in texts(world, data, "inputs"))


def test_labels_follow_their_list(world):
    toy = world.problems["classes"]
    stored = [x["targets"] for x in world.split(toy.name, "test").examples()]
    data = pipeline.dataset(
        PreparedSplit.open(toy, "test", world.data_dir, labels=["tree", "cat", "dog"]),
        world.hparams,
        ReadConfig(),
    )
    indices = [int(i) for batch in data for i in batch["targets"]]
    assert [["tree", "cat", "dog"][i] for i in indices] == stored
    with pytest.raises(UserError, match="no names of classes"):
        Reader(toy, None, None, world.hparams, ReadConfig())


@on(("references", True), ("captions", False))
def test_a_reference_is_drawn_for_each_epoch(world, name):
    def drawn(seed):
        data = take(batches(world, name, seed=seed), 150 if name == "references" else 57)
        epochs = [{}, {}]
        for text in texts(world, data, "targets"):
            number, word = text.split()
            epochs[number in epochs[0]].setdefault(number, word)
        assert len(epochs[0]) == len(epochs[1]) == SIZE
        return epochs

    first, second = drawn(1)
    assert set(first.values()) == set(second.values()) == {"the", "a", "red", "blue", "old"}
    same_text = sum(first[number] == second[number] for number in first)
    assert 10 < same_text < 60  # a fifth of 150 by chance
    assert drawn(2) != [first, second]
    evaluated = texts(world, take(batches(world, name, training=False), -1), "targets")
    assert {text.split()[1] for text in evaluated} == {"the"}


@on(("reverse", True), ("captions", True), ("speech", False))
def test_too_long_examples_are_left_out_and_counted(world, name):
    hparams = world.hparams.replace(length_bounds=(5, 9), seconds_bounds=(0.5, 1.0))
    kinds = {feature: value.kind for feature, value in world.problems[name].features().items()}
    fits = 0
    for batch in take(batches(world, name, training=False), -1):
        fit = np.ones(len(batch["targets"]), bool)
        for feature, kind in kinds.items():
            if kind == "text":
                fit &= (batch[feature] != 0).sum(axis=1) <= 9
            elif kind == "audio":
                fit &= batch[f"{feature}_length"] <= 16000
        fits += fit.sum()
    fitting = keys(world, name, take(batches(world, name, training=False, hparams=hparams), -1))
    assert len(fitting) == fits
    measured = too_long(world, name, hparams)
    assert measured == lengths.TooLong(SIZE - fits, SIZE, SIZE)
    assert (0 < measured.dropped < SIZE) == (name != "captions")


@on(("reverse", True), ("reverse", False), ("captions", True))
def test_max_length_moves_the_last_bound(world, name):
    for longest, bounds in ((12, (8, 12)), (60, (8, 16, 48, 60))):
        hparams = world.hparams.replace(max_length=longest)
        assert len(pipeline.batch_plan(world.problems["reverse"], hparams).sizes) == len(bounds)
        data = take(batches(world, name, training=False, hparams=hparams), -1)
        widths = {batch["targets"].shape[1] for batch in data}
        assert widths <= set(bounds) and (name == "captions" or bounds[1] in widths)
        dropped = too_long(world, name, hparams).dropped
        assert len(keys(world, name, data)) == SIZE - dropped
        assert (dropped > 0) == (longest == 12 and name != "captions")


@on(("reverse", True), ("reverse", False))
def test_the_first_examples_stand_for_all(world, name):
    hparams = world.hparams.replace(length_bounds=(5, 9))
    measured = too_long(world, "reverse", hparams, limit=40)
    assert (measured.seen, measured.size) == (40, SIZE) and 0 < measured.dropped < 40
    assert str(measured).startswith(f"{measured.dropped} of the first 40 of 150 examples (")
    everything = too_long(world, "reverse", hparams, limit=None)
    assert (everything.seen, everything.size) == (SIZE, SIZE)
    assert str(everything).startswith(f"{everything.dropped} of 150 examples (")


@on(("reverse", True), ("captions", True), ("speech", True))
def test_where_all_are_too_long_that_is_said(world, name):
    with pytest.raises(UserError, match=f"all 150 examples of `{name}` train are too long.*max_length=2 "):
        batches(world, name, hparams=world.hparams.replace(length_bounds=(1, 2)))


@on(("references", True), ("classes", True), ("speech", False))
def test_any_seed_will_do(world, name):
    for seed in (-5, 2**40 + 1):
        assert len(take(batches(world, name, seed=seed), 2)) == 2


def test_size(world):
    assert [world.split("speech", name).size for name in ("train", "test")] == [SIZE, 10]


def test_classes_are_never_dropped(world):
    assert too_long(world, "classes", world.hparams) == lengths.TooLong(0, SIZE, SIZE)


def test_a_large_corpus_is_read_in_another_order_each_epoch(world, monkeypatch):
    monkeypatch.setattr(sources, "MEMORY_BYTES", 0)
    source = sources.Source(world.split("classes"))
    assert source.records is None
    stream = list(source.positions(sources.Order(seed=1, repeat=True)).batch(SIZE).take(2))
    orders = [index.numpy().tolist() for _, index in stream]
    assert [set(epoch.numpy()) for epoch, _ in stream] == [{0}, {1}]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(SIZE))
    assert orders[0] != orders[1]
