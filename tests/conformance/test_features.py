"""What holds for every kind of feature, and for several named inputs: walks `table.FEATURES`."""

import types

import numpy as np
import pytest
import tensorflow as tf

from t2tlite import problem, registry
from t2tlite.data.reading.index import in_memory
from t2tlite.data.reading.planned import Planned
from t2tlite.data.reading.reader import ReadConfig, Reader
from t2tlite.data.stored import records
from t2tlite.data.text.vocabulary import Vocabulary
from t2tlite.training.dry_run import example_batch

from ..models import tiny
from . import table

HPARAMS = tiny.HPARAMS.replace(length_bounds=(8, 12), seconds_bounds=(0.1, 0.3))
every_feature = pytest.mark.parametrize("name", table.FEATURES)


@pytest.fixture(scope="module")
def vocabulary():
    return Vocabulary.train(table.TEXTS * 3, 280)


def problem_of(name):
    """A problem that reads the feature and has no targets."""
    one = problem.Problem()
    one.name, one.inputs, one.targets = name, table.FEATURES[name][0], None
    return one


def stored(name):
    features = problem_of(name).features()
    return [records.serialize({"inputs": value}, features, "it") for value in table.FEATURES[name][1]]


def batch(name, vocabulary):
    """Both examples, as the pipeline has them."""
    reader = Reader(problem_of(name), vocabulary, tiny.CLASSES, HPARAMS, ReadConfig())
    index = tf.range(2, dtype=tf.int64)
    written = tf.constant(stored(name))
    source = types.SimpleNamespace(
        records=written, size=2, fetch=lambda numbers, offsets: tf.gather(written, numbers)
    )
    planned = Planned(source, in_memory(written, reader), reader)
    return planned.rows({"epoch": tf.zeros_like(index), "index": index})


def same(one, other):
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for name in one:
            same(one[name], other[name])
    elif isinstance(one, np.ndarray):
        np.testing.assert_allclose(one, other, atol=1e-4)
    else:
        assert one == other


def test_every_registered_kind_has_a_row():
    assert table.registered("feature") <= set(table.FEATURES)
    for kind in table.registered("feature"):
        assert table.FEATURES[kind][0].kind == kind


@every_feature
def test_what_is_stored_is_read_back(name):
    """And stored again in the same bytes."""
    features = problem_of(name).features()
    for value, record in zip(table.FEATURES[name][1], stored(name), strict=True):
        read = records.deserialize(record, features)
        same(read["inputs"], value)
        assert records.serialize(read, features, "it") == record


@every_feature
def test_a_wrong_value_is_said_to_be_wrong(name):
    for feature_name, feature in problem_of(name).features().items():
        for wrong in (None, 3, object(), [], b""):
            with pytest.raises((TypeError, ValueError)):
                feature.to_record(wrong)
        assert feature_name.startswith("inputs")


@every_feature
def test_a_batch_of_the_dry_run_is_as_those_of_the_pipeline(name, vocabulary):
    run = types.SimpleNamespace(hparams=HPARAMS, vocabulary=vocabulary, labels={name: tiny.CLASSES}, seed=0)
    random = example_batch(run, problem_of(name), 3)
    read = batch(name, vocabulary)
    assert {key: (value.dtype, value.shape.rank) for key, value in random.items()} == {
        key: (value.dtype, value.shape.rank) for key, value in read.items()
    }
    assert {len(value) for value in random.values()} == {3}


@every_feature
def test_decoding_reads_what_training_reads(name, vocabulary):
    feature, values = table.FEATURES[name]
    reader = feature.input_reader(vocabulary, HPARAMS)
    if reader is None:
        return
    decoded, trained = reader.batch([reader.read(value) for value in values]), batch(name, vocabulary)
    assert decoded.keys() == trained.keys() == reader.spec.keys()
    for key, value in decoded.items():
        assert reader.spec[key].is_compatible_with(tf.constant(value))
        if not key.endswith("hint"):  # what stands for one that is missing says nothing
            np.testing.assert_allclose(value, trained[key], atol=1e-4, err_msg=key)


@every_feature
def test_the_modality_reads_a_batch(name, vocabulary):
    """If it can be read at all: the positions that it makes are zero where they are masked."""
    features = batch(name, vocabulary)
    for side, feature in problem_of(name).features().items():
        if feature.input_reader(vocabulary, HPARAMS) is None:
            continue
        modality = registry.get("modality", feature.modality_name(HPARAMS))
        _, size = modality.sharing(problem_of(name), side, vocabulary, tiny.CLASSES)
        net = modality.from_hparams(HPARAMS, size=size, name="net")
        net.build(None)
        x, mask, _ = tiny.randomise(net).bottom(features, side)
        assert x.shape[0] == 2 and x.shape[2] == HPARAMS.hidden_size and np.isfinite(x).all()
        assert mask is None or not x.numpy()[~mask.numpy()].any()


@every_feature
def test_it_is_shown_and_counted(name, vocabulary):
    for side, feature in problem_of(name).features().items():
        taker = feature.statistics(vocabulary, HPARAMS)
        read = [records.deserialize(one, problem_of(name).features())["inputs"] for one in stored(name)]
        part = side.partition(".")[2]
        for value in [one[part] if part else one for one in read[:1]]:
            taker.take(value)
            file = feature.as_file(value)
            assert feature.shown(value) if file is None else file[0].isalpha() and file[1]
        distribution = taker.distribution(side)
        assert distribution.title.startswith(side) and distribution.total >= 1 and distribution.facts


@every_feature
def test_what_stands_for_a_missing_one_can_be_stored_and_read(name, vocabulary):
    for feature in problem_of(name).features().values():
        reader = feature.input_reader(vocabulary, HPARAMS)
        if reader is not None:
            assert feature.to_record(feature.stand_in())
            assert len(reader.read(feature.stand_in())) >= 1
