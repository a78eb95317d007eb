import json
import pathlib
import shutil

import pytest

from t2tlite.data.reading import converted, sources
from t2tlite.data.stored import records
from t2tlite.data.stored.prepared import PreparedSplit
from t2tlite.errors import UserError

SIZE = 150


@pytest.fixture
def from_files(monkeypatch):
    monkeypatch.setattr(sources, "MEMORY_BYTES", 0)


@pytest.fixture
def upper(world, tmp_path):
    shutil.copytree(pathlib.Path(world.data_dir) / "upper", tmp_path / "upper")
    return world.problems["upper"], str(tmp_path)


def indices(source, order):
    return [int(index) for _, index in source.positions(order)]


def texts(source, problem):
    stored = [record for block in source.stored(64) for record in block.numpy()]
    return [records.deserialize(record, records.stored_features(problem))["targets"] for record in stored]


@pytest.mark.parametrize("memory", [0, 1 << 20])
def test_the_first_examples_alone(world, monkeypatch, memory):
    monkeypatch.setattr(sources, "MEMORY_BYTES", memory)
    source = sources.Source(world.split("reverse"), first=40)
    assert source.size == 40
    assert indices(source, sources.Order()) == list(range(40))


def test_a_large_split_is_converted_once(upper, from_files, capsys):
    problem, data_dir = upper
    in_memory = [x["targets"].upper() for x in PreparedSplit.open(problem, "train", data_dir).examples()]
    assert texts(sources.Source(PreparedSplit.open(problem, "train", data_dir)), problem) == in_memory
    assert "upper train: converting the data once" in capsys.readouterr().err
    copy = pathlib.Path(data_dir, "upper", "converted-upper")
    before = {path.name: path.stat().st_mtime_ns for path in copy.iterdir()}
    assert len(before) == 2 and not any(name.endswith(".tmp") for name in before)
    source = sources.Source(PreparedSplit.open(problem, "train", data_dir))
    assert {path.name: path.stat().st_mtime_ns for path in copy.iterdir()} == before
    assert capsys.readouterr().err == ""
    assert sorted(indices(source, sources.Order(seed=3))) == list(range(SIZE))


def test_a_copy_that_no_longer_fits_is_written_anew(upper, from_files, capsys, monkeypatch):
    problem, data_dir = upper
    original = texts(sources.Source(PreparedSplit.open(problem, "train", data_dir)), problem)
    monkeypatch.setattr(
        type(problem), "to_text", lambda self, example: {**example, "targets": example["targets"].title()}
    )
    assert texts(sources.Source(PreparedSplit.open(problem, "train", data_dir)), problem) == [
        x.title() for x in original
    ]
    monkeypatch.undo()
    monkeypatch.setattr(sources, "MEMORY_BYTES", 0)
    next(pathlib.Path(data_dir, "upper", "converted-upper").glob("*.tfrecord")).write_bytes(b"cut")
    assert texts(sources.Source(PreparedSplit.open(problem, "train", data_dir)), problem) == original
    manifest = pathlib.Path(data_dir, "upper", "manifest.json")
    content = json.loads(manifest.read_text())
    content["splits"]["train"]["sha256"] = {"another": "digest"}
    manifest.write_text(json.dumps(content))
    capsys.readouterr()
    sources.Source(PreparedSplit.open(problem, "train", data_dir))
    assert "converting" in capsys.readouterr().err


def test_a_copy_that_cannot_be_written_is_said(upper, from_files):
    problem, data_dir = upper
    pathlib.Path(data_dir, "upper", "converted-upper").write_text("in the way")
    with pytest.raises(UserError, match="can't write .*converted-upper.*another --data_dir"):
        converted.files(PreparedSplit.open(problem, "train", data_dir))
