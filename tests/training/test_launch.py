"""Preparing data, and the run in a folder: new, the same again, or refused."""

import json
import os
import pathlib

import pytest

from t2tlite import hparam, registry
from t2tlite.data import generate
from t2tlite.data.vocabulary import Vocabulary
from t2tlite.errors import UserError
from t2tlite.run import CHECKPOINTS, Run
from t2tlite.training import launch

HPARAMS = hparam.get("multimodel_tiny").replace(hidden_size=16, num_heads=2, vocabulary_size=600)


def make_run(folder, data, problems="wmt_ende,imagenet", hparams=HPARAMS, **more):
    return launch.make_run(folder, problems, hparams, data, "sample", **more)


@pytest.fixture
def begun(sample_data, tmp_path):
    """The folder of a run that has a checkpoint, as far as the name goes."""
    make_run(tmp_path / "run", sample_data)
    (tmp_path / "run" / CHECKPOINTS / "step-00000001").mkdir(parents=True)
    return tmp_path / "run"


def test_a_new_run(sample_data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = os.path.relpath(sample_data, tmp_path)
    run = make_run("run", data, seed=3, usr_dirs=["mine"])
    assert list(run.problems) == ["wmt_ende", "imagenet"]
    assert run.labels == {"imagenet": registry.get_problem("imagenet").labels("sample")}
    assert 256 < run.vocabulary.size <= 600
    assert run.data_dir == str(sample_data.resolve()) and run.usr_dirs == (str(tmp_path / "mine"),)
    assert json.loads((tmp_path / "run" / "run.json").read_text()) == run.description()


def test_labels_alone_need_no_vocabulary(sample_data, tmp_path):
    assert make_run(tmp_path, sample_data, "imagenet").vocabulary is None
    assert not (tmp_path / "vocabulary.model").exists()


def test_the_same_run_again_keeps_its_vocabulary(sample_data, begun, monkeypatch):
    before = (begun / "vocabulary.model").read_bytes()
    monkeypatch.setattr(launch.training_texts, "build", lambda *args: pytest.fail("was learned again"))
    make_run(begun, sample_data)
    assert (begun / "vocabulary.model").read_bytes() == before


def test_another_run_is_refused(sample_data, begun):
    for more, message in (
        ({"problems": "imagenet,wmt_ende"}, "holds a run with problems="),
        ({"seed": 1}, "seed=0, and 1"),
        (
            {"hparams": HPARAMS.replace(dropout=0.5, hidden_size=32)},
            "dropout=.* is asked for .2 hyperparameters",
        ),
    ):
        with pytest.raises(UserError, match=message):
            make_run(begun, sample_data, **more)


def test_a_vocabulary_that_is_lost_may_be_learned_again(sample_data, begun):
    path = pathlib.Path(begun / "vocabulary.model")
    before = path.read_bytes()
    path.unlink()
    make_run(begun, sample_data)
    assert path.read_bytes() == before


def test_a_vocabulary_of_ones_own(sample_data, begun, tmp_path, monkeypatch):
    learned = Run.load(begun).vocabulary
    learned.save(tmp_path / "mine.model")
    Vocabulary.train(["another text"], 400, registry.get_problem("wsj_parsing").symbols).save(
        tmp_path / "else"
    )
    monkeypatch.setattr(launch.training_texts, "build", lambda *args: pytest.fail("was learned again"))
    assert (
        make_run(begun, sample_data, vocab=tmp_path / "mine.model").vocabulary.fingerprint
        == learned.fingerprint
    )
    with pytest.raises(UserError, match="holds a run with vocabulary="):
        make_run(begun, sample_data, vocab=tmp_path / "else")
    run = make_run(tmp_path / "new", sample_data, "wsj_parsing", vocab=tmp_path / "else")
    assert run.vocabulary.fingerprint == Vocabulary.load(tmp_path / "else").fingerprint
    with pytest.raises(UserError, match="can't read .*none.model"):
        make_run(tmp_path / "newer", sample_data, vocab=tmp_path / "none.model")


def test_without_a_checkpoint_the_run_begins_anew(sample_data, tmp_path):
    first = make_run(tmp_path, sample_data)
    second = make_run(tmp_path, sample_data, "wmt_ende", HPARAMS.replace(vocabulary_size=400))
    assert second.vocabulary.size <= 400 < first.vocabulary.size
    assert json.loads((tmp_path / "run.json").read_text()) == second.description()


def test_missing_data(sample_data, tmp_path):
    problems = registry.problems("wmt_ende,wsj_parsing")
    launch.prepare(problems, sample_data, "sample")
    with pytest.raises(UserError) as caught:
        launch.prepare(problems, tmp_path, "files")
    assert "t2t-datagen --problems=wmt_ende,wsj_parsing --source=files" in str(caught.value)
    assert "--generate_data" in str(caught.value)


def test_data_is_generated_if_it_may_be(tmp_path, monkeypatch):
    from t2tlite.problems.sample_world import corpora

    monkeypatch.setitem(corpora.COUNTS, "parsing", {"train": 5, "validation": 2, "test": 2})
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0})  # no other process, which counts anew
    problems = registry.problems("wsj_parsing")
    launch.prepare(problems, tmp_path, "sample", may_generate=True)
    assert generate.is_complete(problems[0], tmp_path, "sample")
    launch.prepare(problems, tmp_path, "sample")
