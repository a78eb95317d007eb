import collections
import errno
import functools
import hashlib
import json
import pathlib
import re
import threading

import pytest
import tensorflow as tf

from t2tlite import problem
from t2tlite.data.preparing import generate, runs, shards
from t2tlite.data.stored import records
from t2tlite.data.stored.prepared import PreparedSplit, manifest
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
    generate.generate([toy], data_dir, source, progress=False, **{"processes": 1, **kwargs})
    return toy


def inputs(data_dir, split):
    return [int(example["inputs"]) for example in PreparedSplit.open(Numbers(), split, data_dir).examples()]


def test_training_is_shuffled_and_the_rest_in_order(tmp_path):
    make(tmp_path)
    assert sorted(inputs(tmp_path, "train")) == list(range(300)) != inputs(tmp_path, "train")
    assert inputs(tmp_path, "validation") == inputs(tmp_path, "test") == list(range(5))


def test_the_manifest_tells_source_counts_and_checksums(tmp_path):
    toy = make(tmp_path)
    content = manifest(toy, tmp_path)
    assert (content["source"], content["labels"]) == ("sample", None)
    assert content["features"] == {"inputs": "text", "targets": "text"}
    assert {split: content["splits"][split]["examples"] for split in content["splits"]} == {
        "train": 300,
        "validation": 5,
        "test": 5,
    }
    for split in content["splits"].values():
        for name, digest in split["sha256"].items():
            assert hashlib.sha256((tmp_path / "numbers" / name).read_bytes()).hexdigest() == digest


def test_labels_are_in_the_manifest(world):
    assert manifest(world.problems["classes"], world.data_dir)["labels"] == ["cat", "dog", "tree"]


def test_a_second_call_does_nothing(tmp_path):
    make(tmp_path)
    assert make(tmp_path).seen == ()


def test_the_reverse_shares_the_data(world):
    assert generate.is_complete(world.problems["unreverse"], world.data_dir, "sample")
    assert not (pathlib.Path(world.data_dir) / "unreverse").exists()


@pytest.fixture
def small_files(monkeypatch):
    monkeypatch.setattr(runs, "RUN_BYTES", 1000)
    monkeypatch.setattr(shards, "SHARD_BYTES", 5000)
    monkeypatch.setattr(records, "CHUNK", 16)


@pytest.mark.parametrize("tmp_dir", [None, "tmp"])
def test_a_large_split_has_several_shards_and_an_index_of_chunks(tmp_path, small_files, tmp_dir):
    toy = make(tmp_path, tmp_dir=tmp_dir and str(tmp_path / tmp_dir))
    files = PreparedSplit.open(toy, "train", tmp_path).files
    assert len(files) == 4 and pathlib.Path(files[2]["file"]).name == "train-00002-of-00004.tfrecord"
    assert sorted(inputs(tmp_path, "train")) == list(range(300))
    for file in files:
        content = pathlib.Path(file["file"]).read_bytes()
        everything = list(tf.data.TFRecordDataset(file["file"]).as_numpy_iterator())
        assert len(everything) == file["examples"]
        for number, offset in enumerate(file["offsets"]):
            length = int.from_bytes(content[offset : offset + 8], "little")
            assert content[offset + 12 : offset + 12 + length] == everything[number * 16]
    left = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {".lock", "manifest.json"} | {f"{split}.index.json" for split in problem.SPLITS} | {
        f"{split}-{i:05d}-of-{n:05d}.tfrecord"
        for split, n in {"train": 4, "validation": 1, "test": 1}.items()
        for i in range(n)
    }


def test_every_order_of_a_shuffle_is_as_likely(tmp_path):
    orders = collections.Counter()
    for number in range(120):
        keys = runs._Runs(task(tmp_path, label=str(number)))
        for record in (b"a", b"b", b"c"):
            keys.add(record)
        keys.flush()
        orders[
            tuple(tf.data.TFRecordDataset(str(tmp_path / "piece-00000-000.records")).as_numpy_iterator())
        ] += 1
    assert len(orders) == 6 and min(orders.values()) >= 8  # 20 expected; fewer has a chance of 1 in 500


def task(folder, **changes):
    arguments = {"folder": str(folder), "label": "x", "number": 0, "read": iter, "part": [], "features": {}}
    return runs.WritePiece(**arguments | {"labels": None, "shuffled": True, "skip": False} | changes)


def test_the_same_whatever_the_number_of_runs_pieces_and_shards_before(tmp_path, small_files):
    """The validation split keeps the order of its pieces, each of them in several runs."""

    class InPieces(Numbers):
        def examples(self, split, source):
            return problem.Pieces(numbers, [(split, 100 * i, 100 * i + 100) for i in range(3)])

    make(tmp_path, InPieces())
    assert inputs(tmp_path, "validation") == list(range(300))
    assert sorted(inputs(tmp_path, "train")) == list(range(300))
    assert len(PreparedSplit.open(Numbers(), "validation", tmp_path).files) > 1


def numbers(part):
    split, first, last = part
    for number in range(first, last):
        yield {"inputs": str(number), "targets": split}


@pytest.mark.parametrize("where", [("train", 250), ("validation", 3)])
def test_an_interrupted_generation_goes_on(tmp_path, where):
    toy = Numbers()
    toy.fail_at = where
    with pytest.raises(RuntimeError, match="pulled the plug"):
        make(tmp_path, toy)
    assert not generate.is_complete(toy, tmp_path, "sample")
    with pytest.raises(UserError, match="no prepared data"):
        manifest(toy, tmp_path)
    again = make(tmp_path)
    make(tmp_path / "whole")
    assert manifest(again, tmp_path) == manifest(again, tmp_path / "whole")


def test_pieces_that_are_done_are_not_read_again(tmp_path):
    read = []

    class InPieces(Numbers):
        fail_at = 2

        def examples(self, split, source):
            return problem.Pieces(functools.partial(self.piece, split), [0, 1, 2])

        def piece(self, split, part):
            read.append((split, part))
            if part == self.fail_at:
                raise RuntimeError("pulled the plug")
            yield {"inputs": str(part), "targets": split}

    with pytest.raises(RuntimeError, match="pulled the plug"):
        make(tmp_path, InPieces())
    assert read == [("train", 0), ("train", 1), ("train", 2)]
    read.clear()
    toy = InPieces()
    toy.fail_at = None
    make(tmp_path, toy)
    assert read[0] == ("train", 2) and len(read) == 1 + 3 + 3


def test_runs_of_other_pieces_are_not_taken_up(tmp_path):
    class InPieces(Numbers):
        number = 3

        def examples(self, split, source):
            return problem.Pieces(self.piece, [(split, i) for i in range(self.number)])

        def piece(self, part):
            if part == ("train", 2):
                raise RuntimeError("pulled the plug")
            yield {"inputs": str(self.number), "targets": "x"}

    with pytest.raises(RuntimeError, match="pulled the plug"):
        make(tmp_path, InPieces())
    toy = InPieces()
    toy.number = 2
    make(tmp_path, toy)
    assert inputs(tmp_path, "train") == [2, 2]


class Faulty(Numbers):
    """Each third example is broken, one is dropped, one is not text."""

    def examples(self, split, source):
        yield problem.Dropped("an empty line")
        yield {"inputs": 7, "targets": "x"}
        for number in range(9):
            if number % 3:
                yield {"inputs": str(number), "targets": split}
            else:
                yield problem.Broken("not UTF-8", f"train.de:{number}")


def test_a_broken_example_stops(tmp_path):
    class Broken(Numbers):
        def examples(self, split, source):
            yield problem.Broken("not UTF-8", "train.de:17")

    with pytest.raises(UserError, match=r"^train.de:17: not UTF-8 \(--on_error=skip leaves"):
        make(tmp_path, Broken())
    with pytest.raises(UserError, match="example 1 of .* numbers train: `inputs` is 7; expected a str"):
        make(tmp_path, Faulty())


def test_broken_examples_are_skipped_and_counted(tmp_path):
    toy = make(tmp_path, Faulty(), on_error="skip")
    split = manifest(toy, tmp_path)["splits"]["validation"]
    assert split["examples"] == 6 and inputs(tmp_path, "validation") == [1, 2, 4, 5, 7, 8]
    assert split["dropped"] == {"an empty line": 1}
    assert split["broken"]["not UTF-8"] == {"examples": 3, "first": "train.de:0: not UTF-8"}
    assert split["broken"]["a value its feature can't hold"]["examples"] == 1


def test_nothing_left_says_why(tmp_path):
    class Empty(Numbers):
        def examples(self, split, source):
            yield problem.Dropped("an empty line")

    with pytest.raises(UserError, match="yields no examples for train.*; left out were: 1 an empty line"):
        make(tmp_path, Empty())


def test_what_a_killed_process_left_is_cleared(tmp_path):
    folder = tmp_path / "numbers"
    folder.mkdir()
    for name in ("train-00000.tmp", "train-00000-of-00002.tfrecord", "train-00001-of-00002.tfrecord"):
        (folder / name).write_bytes(b"half")
    make(tmp_path)
    assert sorted(path.name for path in folder.glob("train-*")) == ["train-00000-of-00001.tfrecord"]


def test_what_was_left_of_a_split_that_was_done_is_cleared(tmp_path):
    """By a process that was killed between its index and the removal of what it went through."""
    make(tmp_path)
    whole = {path.name for path in (tmp_path / "numbers").iterdir()}
    (tmp_path / "numbers" / "manifest.json").unlink()
    (tmp_path / "numbers" / ".train.runs").mkdir()
    (tmp_path / "numbers" / ".train.runs" / "piece-00000-000.npy").write_bytes(b"left")
    make(tmp_path)
    assert {path.name for path in (tmp_path / "numbers").iterdir()} == whole


def test_another_source_is_refused(tmp_path):
    toy = make(tmp_path)
    with pytest.raises(UserError, match="holds data of source `sample`, and `files` is asked for"):
        generate.generate([toy], tmp_path, "files", progress=False)
    with pytest.raises(UserError, match="holds data of source `sample`"):
        generate.is_complete(toy, tmp_path, "files")


def test_a_half_made_split_of_another_source_is_refused(tmp_path):
    make(tmp_path)
    (tmp_path / "numbers" / "manifest.json").unlink()
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
        with pytest.raises(UserError, match="no space left while writing .*numbers/.*; make room"):
            make(tmp_path)
    assert not list((tmp_path / "numbers").rglob("*.records"))
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
    second = threading.Thread(target=generate.generate, args=([late], tmp_path, "sample"))
    second.start()
    while "another process is preparing it" not in capfd.readouterr().err:
        assert second.is_alive()
    go_on.set()
    first.join()
    second.join()
    assert late.seen == ()
    assert sorted(inputs(tmp_path, "train")) == list(range(300))


def test_progress_lines(tmp_path, capfd):
    generate.generate([Numbers()], tmp_path, "sample", processes=1)
    assert re.search(r"numbers train: 300 in \d+\.\d s", capfd.readouterr().err)
