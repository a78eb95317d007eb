import errno
import hashlib
import json
import pathlib
import re
import threading

import pytest
import tensorflow as tf

from t2tlite import problem
from t2tlite.data import generate, records, shuffle
from t2tlite.errors import UserError


class Numbers(problem.Problem):
    name = "numbers"
    fail_at = None
    seen = ()

    def examples(self, split, source):
        self.seen += (split,)
        for number in range(300 if split == "train" else 5):
            if self.fail_at == (split, number):
                raise RuntimeError("pulled the plug")
            yield {"inputs": str(number), "targets": split}


def make(data_dir, toy=None, source="sample", **kwargs):
    toy = toy or Numbers()
    generate.generate(toy, data_dir, source, progress=False, **kwargs)
    return toy


def inputs(data_dir, split):
    return [int(example["inputs"]) for example in records.raw_examples(Numbers(), split, data_dir)]


def test_training_is_shuffled_and_the_rest_in_order(tmp_path):
    make(tmp_path)
    assert sorted(inputs(tmp_path, "train")) == list(range(300)) != inputs(tmp_path, "train")
    assert inputs(tmp_path, "validation") == inputs(tmp_path, "test") == list(range(5))


def test_the_manifest_tells_source_counts_and_checksums(tmp_path):
    toy = make(tmp_path)
    found = generate.manifest(toy, tmp_path)
    assert (found["source"], found["labels"]) == ("sample", None)
    assert found["features"] == {"inputs": "text", "targets": "text"}
    assert {split: found["splits"][split]["examples"] for split in found["splits"]} == {
        "train": 300,
        "validation": 5,
        "test": 5,
    }
    for split in found["splits"].values():
        for name, digest in split["sha256"].items():
            assert hashlib.sha256((tmp_path / "numbers" / name).read_bytes()).hexdigest() == digest


def test_labels_are_in_the_manifest(world):
    assert generate.manifest(world.problems["classes"], world.data_dir)["labels"] == ["cat", "dog", "tree"]


def test_a_second_call_does_nothing(tmp_path):
    make(tmp_path)
    assert make(tmp_path).seen == ()


def test_the_reverse_shares_the_data(world):
    assert generate.is_complete(world.problems["unreverse"], world.data_dir, "sample")
    assert not (pathlib.Path(world.data_dir) / "unreverse").exists()


def test_a_large_split_has_several_shards_and_an_index_of_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(shuffle, "MEMORY_BYTES", 1000)
    monkeypatch.setattr(shuffle, "SPILL_FILES", 3)
    monkeypatch.setattr(records, "CHUNK", 16)
    toy = make(tmp_path, tmp_dir=str(tmp_path / "tmp"))
    files = records.split_index(toy, "train", tmp_path)
    assert len(files) == 3 and pathlib.Path(files[2]["file"]).name == "train-00002-of-00003.tfrecord"
    assert sorted(inputs(tmp_path, "train")) == list(range(300))
    for file in files:
        content = pathlib.Path(file["file"]).read_bytes()
        everything = list(tf.data.TFRecordDataset(file["file"]).as_numpy_iterator())
        assert len(everything) == file["examples"]
        for number, offset in enumerate(file["offsets"]):
            length = int.from_bytes(content[offset : offset + 8], "little")
            assert content[offset + 12 : offset + 12 + length] == everything[number * 16]
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("where", [("train", 250), ("validation", 3)])
def test_an_interrupted_generation_goes_on(tmp_path, where):
    toy = Numbers()
    toy.fail_at = where
    with pytest.raises(RuntimeError, match="pulled the plug"):
        make(tmp_path, toy)
    assert not generate.is_complete(toy, tmp_path, "sample")
    with pytest.raises(UserError, match="no prepared data"):
        generate.manifest(toy, tmp_path)
    again = make(tmp_path)
    assert again.seen == ("train", "validation", "test")[("train", "validation").index(where[0]) :]
    make(tmp_path / "whole")
    assert generate.manifest(again, tmp_path) == generate.manifest(again, tmp_path / "whole")


def test_what_a_killed_process_left_is_cleared(tmp_path):
    folder = tmp_path / "numbers"
    folder.mkdir()
    for name in ("train-00000.tmp", "train-00000-of-00002.tfrecord", "train-00001-of-00002.tfrecord"):
        (folder / name).write_bytes(b"half")
    make(tmp_path)
    assert sorted(path.name for path in folder.glob("train-*")) == ["train-00000-of-00001.tfrecord"]


def test_another_source_is_refused(tmp_path):
    toy = make(tmp_path)
    with pytest.raises(UserError, match="holds data of source `sample`, and `files` is asked for"):
        generate.generate(toy, tmp_path, "files", progress=False)
    with pytest.raises(UserError, match="holds data of source `sample`"):
        generate.is_complete(toy, tmp_path, "files")


def test_a_half_made_split_of_another_source_is_refused(tmp_path):
    make(tmp_path, splits=["train"])
    with pytest.raises(UserError, match="holds data of source `sample`, and `files`"):
        make(tmp_path, source="files")


def test_a_source_that_the_problem_lacks_is_refused(tmp_path):
    toy = Numbers()
    toy.sources = ("files", "sample")
    with pytest.raises(UserError, match="`numbers` has no source `tfds`; expected one of files, sample"):
        make(tmp_path, toy, source="tfds")


def test_other_features_and_versions_are_refused(tmp_path):
    class Pictures(Numbers):
        inputs = problem.Image()

    make(tmp_path)
    with pytest.raises(UserError, match="'inputs': 'text'.*but problem `numbers` has .*'image'"):
        make(tmp_path, Pictures())
    path = tmp_path / "numbers" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 0}))
    with pytest.raises(UserError, match=r"another version of t2tlite \(layout 0"):
        make(tmp_path)
    path.write_text("{")
    with pytest.raises(UserError, match="manifest.json is damaged; delete the folder"):
        make(tmp_path)


def test_a_missing_or_cut_file_is_noticed(tmp_path):
    toy = make(tmp_path)
    path = tmp_path / "numbers" / "test-00000-of-00001.tfrecord"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match="test-00000-of-00001.tfrecord is missing or not the size"):
        generate.is_complete(toy, tmp_path, "sample")


def test_a_changed_byte_is_noticed_when_it_is_read(tmp_path):
    make(tmp_path)
    path = tmp_path / "numbers" / "test-00000-of-00001.tfrecord"
    content = bytearray(path.read_bytes())
    content[20] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match="is damaged; delete its folder"):
        inputs(tmp_path, "test")


def test_no_examples_is_an_error_and_leaves_nothing(tmp_path):
    class Nothing(Numbers):
        def examples(self, split, source):
            return iter(())

    with pytest.raises(UserError, match="yields no examples for train from source `sample`"):
        make(tmp_path, Nothing())
    assert not list((tmp_path / "numbers").glob("train*"))


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "x"), tf.errors.ResourceExhaustedError(None, None, "x")]
)
def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(tmp_path, monkeypatch, error):
    class Full(tf.io.TFRecordWriter):
        def write(self, record):
            super().write(record)
            if b"77" in record:
                raise error

    with monkeypatch.context() as patch:
        patch.setattr(tf.io, "TFRecordWriter", Full)
        with pytest.raises(UserError, match="no space left while writing .*numbers; make room"):
            make(tmp_path)
    assert not list((tmp_path / "numbers").glob("train*"))
    make(tmp_path)
    assert len(inputs(tmp_path, "train")) == 300


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="can't make the folder .*file/numbers: Not a directory"):
        make(tmp_path / "file")


def test_two_generations_at_once_make_one_whole(tmp_path, capfd):
    inside, go_on = threading.Event(), threading.Event()

    class Slow(Numbers):
        def examples(self, split, source):
            inside.set()
            assert go_on.wait(60)
            return super().examples(split, source)

    first = threading.Thread(target=make, args=(tmp_path, Slow()))
    first.start()
    assert inside.wait(60)
    late = Numbers()
    second = threading.Thread(target=generate.generate, args=(late, tmp_path, "sample"))
    second.start()
    while "another process is preparing it" not in capfd.readouterr().err:
        assert second.is_alive()
    go_on.set()
    first.join()
    second.join()
    assert late.seen == ()
    assert sorted(inputs(tmp_path, "train")) == list(range(300))


def test_progress_lines(tmp_path, capfd):
    generate.generate(Numbers(), tmp_path, "sample")
    assert re.search(r"numbers train: 300 in \d+\.\d s", capfd.readouterr().err)
