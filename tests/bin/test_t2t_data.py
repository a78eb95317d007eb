"""t2t-data: what it prints and writes, and what it says of mistakes."""

import json
import re
import shutil

import pytest

from t2tlite import registry
from t2tlite.bin import t2t_data
from t2tlite.data.text.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def vocab(tmp_path_factory):
    path = tmp_path_factory.mktemp("vocab") / "own.model"
    Vocabulary.train(["the cat sees a red house", "ein Haus"] * 20, 400).save(path)
    return path


@pytest.fixture
def look(sample_data, vocab):
    """Runs the command on the sample world's data."""

    def run(*more, problems="wmt_ende", data_dir=sample_data):
        flags = {"problems": problems, "data_dir": data_dir, "hparams_set": "multimodel_tiny", "vocab": vocab}
        return t2t_data.main([*(f"--{name}={value}" for name, value in flags.items() if value), *more])

    return run


def test_all_problems(look, tmp_path, capsys):
    assert look(f"--output_dir={tmp_path}", "--examples=3", problems="all") == 0
    out = capsys.readouterr().out
    for problem in registry.problems("all"):
        assert f"{problem.name}: from source sample" in out
        folder = tmp_path / problem.name
        assert (folder / "examples.txt").read_text().count("# ") == 3
        assert (folder / "lengths.png").read_bytes().startswith(b"\x89PNG")
    assert "train: 40 examples" in out and "test: 4 examples" in out
    assert len(list((tmp_path / "wsj_speech").glob("*.wav"))) == 3
    assert len(list((tmp_path / "imagenet").glob("*.inputs.png"))) == 3
    assert "tokens a word" in out and "longer than the last bound: 0 (0.00%)" in out and "padding: " in out


def test_nothing_is_written_unasked(look, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert look("--split=validation", "--limit=5") == 0
    assert "the first 5 of validation" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_what_is_longer_than_the_bounds(look, capsys):
    assert look("--hparams=max_length=3") == 0
    assert "longer than the last bound: 40 (100.00%)" in capsys.readouterr().out


def test_what_was_left_out_is_told(look, sample_data, tmp_path, capsys):
    shutil.copytree(sample_data / "wmt_ende", tmp_path / "wmt_ende")
    path = tmp_path / "wmt_ende" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["splits"]["train"]["dropped"] = {"an empty line": 1234}
    manifest["splits"]["test"]["broken"] = {"not UTF-8": {"examples": 2, "first": "test.de:7: not UTF-8"}}
    path.write_text(json.dumps(manifest))
    assert look(data_dir=tmp_path) == 0
    out = capsys.readouterr().out
    assert "kB; dropped: 1,234 an empty line\n" in out
    assert "; broken: 2 not UTF-8 (the first: test.de:7: not UTF-8)\n" in out


def test_a_vocabulary_is_learned_where_none_is_given(sample_data, capsys):
    flags = [f"--data_dir={sample_data}", "--problems=wmt_ende", "--hparams=vocabulary_size=500"]
    assert t2t_data.main(flags) == 0
    assert "learning a vocabulary" in capsys.readouterr().err


def test_pictures_and_classes_need_no_vocabulary(sample_data, capsys):
    assert t2t_data.main([f"--data_dir={sample_data}", "--problems=imagenet"]) == 0
    captured = capsys.readouterr()
    assert "vocabulary" not in captured.err and "classes" in captured.out and "padding" not in captured.out


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--problems=wmt_endee"], "unknown problem `wmt_endee`"),
        (["--split=dev"], "--split"),
        (["--limit=0"], "--limit"),
        (["--vocab=/nowhere/v.model"], "can't read the vocabulary /nowhere/v.model"),
        (["--hparams=length_bound=4"], "length_bound"),
        ([f"--output_dir={__file__}"], "is a file; expected a folder"),
        (["--data_dir=/nowhere"], "no prepared data for `wmt_ende`.*t2t-datagen"),
    ],
)
def test_mistakes_in_one_line(look, capsys, flags, message):
    assert look(*flags) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1

    assert re.search(message, captured.err)


def test_a_damaged_file_is_named(look, sample_data, tmp_path, capsys):
    shutil.copytree(sample_data / "wmt_ende", tmp_path / "wmt_ende")
    (shard,) = (tmp_path / "wmt_ende").glob("train-*")
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    assert look(data_dir=tmp_path) == 2
    assert f"{shard} is damaged" in capsys.readouterr().err
