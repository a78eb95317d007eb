"""What is known of all examples before any is read: in memory and in files, the same."""

import os
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.data.reading import index, pipeline, sources
from t2tlite.data.reading.reader import ReadConfig, Reader
from t2tlite.data.reading.sources import Source
from t2tlite.data.stored.prepared import PreparedSplit
from t2tlite.errors import UserError


@pytest.fixture
def opened(world, tmp_path, monkeypatch):
    """A function of a problem's name: its split, source and reader, read from files of the test's own."""
    monkeypatch.setattr(sources, "MEMORY_BYTES", 0)
    monkeypatch.setattr(index, "_BLOCK", 32)  # 150 examples are several blocks, the last one smaller

    def open_split(name):
        problem = world.problems[name]
        corpus = problem.corpus or name
        shutil.copytree(pathlib.Path(world.data_dir) / corpus, tmp_path / corpus, dirs_exist_ok=True)
        split = PreparedSplit.open(problem, "train", tmp_path, world.vocabulary)
        reader = Reader(problem, world.vocabulary, split.labels, world.hparams, ReadConfig())
        return split, Source(split), reader

    return open_split


def arrays(of):
    return {key: tensor.numpy().tolist() for key, tensor in of.items() if key != index.OFFSETS}


def in_one_piece(split, reader, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(index, "_BLOCK", 10**6)
        return arrays(index.in_memory(tf.constant(list(split.records())), reader))


@pytest.mark.parametrize("name", ["reverse", "references", "captions", "speech", "unreverse"])
def test_files_hold_what_memory_does(opened, name, monkeypatch, capsys):
    split, source, reader = opened(name)
    expected = in_one_piece(split, reader, monkeypatch)
    assert arrays(index.of(split, source, reader)) == expected
    assert "once" in capsys.readouterr().err
    # The second time they are there.
    assert arrays(index.of(split, source, reader)) == expected
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", ["captions", "speech", "classes"])
def test_records_are_fetched_by_their_numbers(opened, name):
    split, source, reader = opened(name)
    offsets = index.of(split, source, reader)[index.OFFSETS]
    stored = list(split.records())
    for numbers in ([0], [149, 3, 3, 77], [], range(150)):
        fetched = source.fetch(tf.constant(list(numbers), tf.int64), offsets)
        assert fetched.numpy().tolist() == [stored[number] for number in numbers]


def test_a_problem_and_its_reverse_share_an_index(opened, capsys):
    for name in ("reverse", "unreverse"):
        split, source, reader = opened(name)
        index.of(split, source, reader)
    assert capsys.readouterr().err.count("once") == 1


def test_what_no_longer_fits_is_written_anew(opened, monkeypatch, capsys):
    split, source, reader = opened("reverse")
    expected = arrays(index.of(split, source, reader))
    found, key = index.of(split, source, reader), "inputs/ids"
    [ids] = split.folder.glob("index-*/train.inputs.ids")
    ids.write_bytes(ids.read_bytes()[:-2])
    capsys.readouterr()
    assert arrays(index.of(split, source, reader)) == expected
    assert "once" in capsys.readouterr().err
    monkeypatch.setattr(index, "_mapped", lambda folder, name: {**found, key: found[key] + 1})
    index.of(split, source, reader)  # ids of another tokenizer
    assert "once" in capsys.readouterr().err
    assert not list(split.folder.glob("index-*/*.tmp"))


def test_data_that_cannot_be_written_to_is_read_all_the_same(opened, monkeypatch, capsys):
    split, source, reader = opened("reverse")
    expected = in_one_piece(split, reader, monkeypatch)
    mkdir = pathlib.Path.mkdir

    def refuse(path, *args, **kwargs):
        if path.name.startswith("index-"):
            raise PermissionError(13, "Permission denied")
        mkdir(path, *args, **kwargs)

    monkeypatch.setattr(pathlib.Path, "mkdir", refuse)
    found = index.of(split, source, reader)
    assert "Permission denied" in capsys.readouterr().err
    assert not list(split.folder.glob("index-*")) and arrays(found) == expected


def test_a_full_disk_is_said(opened, monkeypatch):
    split, source, reader = opened("reverse")

    def full(path, value):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(index, "write_json", full)
    with pytest.raises(UserError, match="can't write .*index-.*No space left.*make room"):
        index.of(split, source, reader)


def test_records_cut_short_are_damage(opened):
    split, source, reader = opened("classes")
    path = source.files[0]["file"]
    os.truncate(path, os.path.getsize(path) - 5)
    with pytest.raises(UserError, match="is missing or not the size it was written with"):
        index.of(split, source, reader)


@pytest.mark.parametrize("name", ["captions", "speech"])
def test_a_worker_reads_its_own_rows_only(world, monkeypatch, name, opened):
    split, _, _ = opened(name)
    read, fetch = [], Source.fetch

    def counted(source, numbers, offsets):
        note = tf.py_function(lambda one: read.append(one.numpy().tolist()), [numbers], [])
        with tf.control_dependencies([note]):
            return fetch(source, tf.identity(numbers), offsets)

    monkeypatch.setattr(Source, "fetch", counted)
    config = ReadConfig(rows=(1, 3))
    batches = list(pipeline.dataset(split, world.hparams, config))
    rows = [len(batch["targets"]) for batch in batches]
    assert sorted(map(len, read)) == sorted(rows)
    everything = np.concatenate([np.array(numbers, int) for numbers in read])
    assert len(set(everything)) == len(everything) < 150 / 2
