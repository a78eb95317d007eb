import os
import pathlib
import re
import shutil
import types

import pytest
import tensorflow as tf

from t2tlite.data.inspection import lengths
from t2tlite.data.reading import pipeline, sources
from t2tlite.data.reading.reader import ReadConfig
from t2tlite.data.stored import damage
from t2tlite.data.stored.prepared import PreparedSplit
from t2tlite.errors import UserError


@pytest.fixture
def copy(world, tmp_path, monkeypatch):
    """The data of a problem, read from files that the test may break, and one of its files."""
    monkeypatch.setattr(sources, "MEMORY_BYTES", 0)

    def of(name):
        shutil.copytree(pathlib.Path(world.data_dir) / name, tmp_path / name)
        file = next((tmp_path / name).glob("train-*.tfrecord"))
        split = PreparedSplit.open(world.problems[name], "train", tmp_path, world.vocabulary)
        return types.SimpleNamespace(split=split, file=file)

    return of


def dataset(world, copy):
    return pipeline.dataset(copy.split, world.hparams, ReadConfig(training=True, seed=1))


def flip(file, start, number=8):
    content = bytearray(file.read_bytes())
    for place in range(start, start + number):
        content[place] ^= 0xFF
    file.write_bytes(content)


def read(data, copied, batches=200):
    for number, _ in enumerate(damage.batches(data, copied.split)):
        if number == batches:
            return


@pytest.mark.parametrize("name", ["captions", "speech"])
def test_flipped_bytes_name_the_file(world, copy, name):
    copied = copy(name)
    data = dataset(world, copied)
    read(data, copied, 10)
    flip(copied.file, copied.file.stat().st_size // 2)
    with pytest.raises(UserError, match=f"^{re.escape(str(copied.file))} is damaged.*last checkpoint$"):
        read(data, copied)


def test_a_file_that_was_cut_or_is_gone_is_named(world, copy):
    copied = copy("captions")
    data = dataset(world, copied)
    os.truncate(copied.file, copied.file.stat().st_size // 2)
    with pytest.raises(UserError, match=f"^{re.escape(str(copied.file))} is missing or not the size"):
        read(data, copied)
    copied.file.unlink()
    with pytest.raises(UserError, match=f"^{re.escape(str(copied.file))} is missing or not the size"):
        read(data, copied)


def test_damage_that_is_there_from_the_start_is_named(world, copy, monkeypatch):
    copied = copy("reverse")
    flip(copied.file, 20)
    with pytest.raises(UserError, match=f"^{re.escape(str(copied.file))} is damaged"):
        dataset(world, copied)
    with pytest.raises(UserError, match=f"^{re.escape(str(copied.file))} is damaged"):
        lengths.measure(copied.split, world.hparams)
    monkeypatch.setattr(sources, "MEMORY_BYTES", 1 << 20)
    with pytest.raises(UserError, match=f"^{re.escape(str(copied.file))} is damaged"):
        dataset(world, copied)


def test_damage_since_the_lengths_were_noted_is_named(world, copy, monkeypatch):
    monkeypatch.setattr(sources, "MEMORY_BYTES", 0)
    copied = copy("reverse")
    dataset(world, copied)
    flip(copied.file, 20)
    with pytest.raises(UserError, match=f"^{re.escape(str(copied.file))} is damaged"):
        dataset(world, copied)


def test_training_goes_on_once_the_file_is_whole_again(world, copy, tmp_path):
    copied = copy("captions")
    data = dataset(world, copied)
    iterator = iter(data)
    for _ in range(7):
        next(iterator)
    saved = tf.train.Checkpoint(iterator=iterator).write(str(tmp_path / "checkpoint"))
    expected = [next(iterator)["targets"].numpy().tolist() for _ in range(60)]
    content = copied.file.read_bytes()
    flip(copied.file, len(content) // 2)
    with pytest.raises(UserError, match="is damaged"):
        read(data, copied)
    copied.file.write_bytes(content)
    resumed = iter(data)
    tf.train.Checkpoint(iterator=resumed).read(saved)
    assert [next(resumed)["targets"].numpy().tolist() for _ in range(60)] == expected


def test_an_image_that_cannot_be_decoded_is_named(world, copy):
    copied = copy("classes")
    stored = [record.numpy() for record in tf.data.TFRecordDataset(str(copied.file))]
    example = tf.train.Example.FromString(stored[70])
    image = example.features.feature["inputs"].bytes_list
    image.value[0] = image.value[0][:100] + bytes(len(image.value[0]) - 100)
    stored[70] = example.SerializeToString()
    with tf.io.TFRecordWriter(str(copied.file)) as writer:
        for record in stored:
            writer.write(record)
    with pytest.raises(
        UserError, match=f"^{re.escape(str(copied.file))}: the image of record 70 .* can't be decoded: .*PNG"
    ):
        read(dataset(world, copied), copied)


def test_a_fault_that_is_gone_is_said_as_such(world, copy):
    copied = copy("reverse")
    with pytest.raises(UserError, match="corrupted record at 17; now all its files are as they were written"):
        with damage.errors(copied.split):
            raise tf.errors.DataLossError(None, None, "{{function_node x}} corrupted record at 17 [Op:Next]")


def test_what_the_user_of_a_batch_raises_is_left_alone(world, copy):
    copied = copy("reverse")
    with pytest.raises(tf.errors.InvalidArgumentError, match="of the model"):
        for _ in damage.batches(dataset(world, copied), copied.split):
            raise tf.errors.InvalidArgumentError(None, None, "of the model")


def test_the_end_is_no_fault(world, copy):
    copied = copy("reverse")
    data = pipeline.dataset(copied.split, world.hparams, ReadConfig())
    assert len(list(damage.batches(data, copied.split))) == len(list(data))
