"""Best checkpoints: which are kept, at what cost of disk, and that nothing goes on from them."""

import errno
import json
import os
import shutil
import types

import keras
import numpy as np
import pytest

from t2tlite.checkpoints import averaging, best_checkpoints, checkpoint
from t2tlite.errors import UserError

NOTHING = types.SimpleNamespace(variables=[])


def model(value=0.0):
    variable = keras.Variable(np.full(1000, value, np.float32), name="weight")
    return types.SimpleNamespace(variables=[variable], trainable_variables=[variable])


def save(folder, step, keep=2, **scores):
    checkpoint.save(folder, step, model(step), NOTHING, {}, {}, keep, scores)


def best(folder):
    homes = (folder / "best").iterdir()
    return {home.name: [int(path.name.removeprefix("step-")) for path in home.iterdir()] for home in homes}


def problems(*names):
    return {name: types.SimpleNamespace(objective_name=lambda: "likelihood") for name in names}


def test_scores():
    figures = {"a": {"loss": 9.0, "log_perplexity": 1.5}, "b": {"log_perplexity": 3.0, "bleu": 2.0}}
    assert best_checkpoints.scores(figures, problems("a", "b")) == {"a": 1.5, "b": 3.0, "mean": 2.25}
    assert best_checkpoints.scores(figures, problems("a", "b", "c")) == {"a": 1.5, "b": 3.0}
    assert best_checkpoints.scores({"a": {"bleu": 2.0}}, problems("a")) == {}
    figures["a"]["log_perplexity"] = float("nan")
    assert best_checkpoints.scores(figures, problems("a", "b")) == {"b": 3.0}
    del figures["a"]["log_perplexity"]  # an objective that is no likelihood has none
    assert best_checkpoints.scores(figures, problems("a", "b")) == {"a": 9.0, "b": 3.0, "mean": 6.0}


def test_the_best_of_each_survive(tmp_path):
    save(tmp_path, 1, a=2.0, b=1.0, mean=1.5)
    save(tmp_path, 2, a=1.0, b=1.5, mean=1.25)
    save(tmp_path, 3)
    save(tmp_path, 4, a=1.0, b=1.1, mean=1.05)  # as good is not better
    save(tmp_path, 5, a=3.0, b=3.0, mean=3.0)
    assert best(tmp_path) == {"a": [2], "b": [1], "mean": [4]}
    assert [path.name[-1] for path in checkpoint.all_in(tmp_path)] == ["4", "5"]
    assert [path.name[-1] for path in checkpoint.with_best(tmp_path)] == ["1", "2", "4", "5"]
    restored = model()
    checkpoint.restore_weights(restored, tmp_path / "best" / "a" / "step-00000002")
    np.testing.assert_array_equal(restored.variables[0], np.full(1000, 2.0))


def test_what_the_meta_data_say(tmp_path):
    save(tmp_path, 1, a=2.0, mean=2.0)
    save(tmp_path, 2)
    metas = [json.loads((path / "meta.json").read_text()) for path in checkpoint.all_in(tmp_path)]
    assert metas == [{"step": 1, "scores": {"a": 2.0, "mean": 2.0}, "score": 2.0}, {"step": 2}]
    assert averaging.best(checkpoint.with_best(tmp_path), 1) == [tmp_path / "step-00000001"]


def test_whether_it_is_better(tmp_path):
    assert best_checkpoints.is_better(tmp_path, {"a": 2.0})
    save(tmp_path, 1, a=2.0, b=2.0)
    assert not best_checkpoints.is_better(tmp_path, {"a": 2.0, "b": 3.0})
    assert best_checkpoints.is_better(tmp_path, {"a": 2.5, "b": 1.0})
    assert not best_checkpoints.is_better(tmp_path, {})


def test_the_files_are_there_once(tmp_path):
    save(tmp_path, 1, a=1.0, mean=1.0)
    [name] = [path.name for path in (tmp_path / "step-00000001").glob("state.data*")]
    assert (tmp_path / "step-00000001" / name).stat().st_nlink == 3


def test_copies_where_there_are_no_links(tmp_path, monkeypatch):
    def refused(*args):
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refused)
    save(tmp_path, 1, a=1.0)
    copied, restored = tmp_path / "best" / "a" / "step-00000001", model()
    shutil.rmtree(tmp_path / "step-00000001")
    assert {path.stat().st_nlink for path in copied.iterdir()} == {1}
    checkpoint.restore_weights(restored, copied)
    assert (restored.variables[0].numpy() == 1).all()


def test_a_disk_that_is_full(tmp_path, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    save(tmp_path, 1, a=2.0)
    with monkeypatch.context() as patch:
        patch.setattr(os, "link", full)
        patch.setattr(shutil, "copy2", full)
        with pytest.raises(UserError, match="can't write .*best: .*No space left.*older ones are kept"):
            save(tmp_path, 2, a=1.0)
    assert best(tmp_path) == {"a": [1]}
    assert checkpoint.newest(tmp_path).name == "step-00000002"


def test_what_a_killed_process_did_not_come_to(tmp_path, monkeypatch):
    save(tmp_path, 1, a=2.0)
    with monkeypatch.context() as patch:
        patch.setattr(best_checkpoints, "keep", lambda path: None)
        save(tmp_path, 2, a=1.0)
    (tmp_path / "best" / "a" / "tmp").mkdir()
    checkpoint.resume(tmp_path, model(), NOTHING, {}, pytest.fail)
    assert best(tmp_path) == {"a": [2]}


def test_a_damaged_best_one_is_replaced(tmp_path):
    save(tmp_path, 1, a=1.0)
    path = tmp_path / "best" / "a" / "step-00000001" / "meta.json"
    path.unlink()
    path.write_text("{")
    save(tmp_path, 2, a=2.0)
    assert best(tmp_path) == {"a": [2]}


def test_nothing_goes_on_from_them(tmp_path):
    save(tmp_path, 1, a=1.0)
    shutil.rmtree(tmp_path / "step-00000001")
    assert checkpoint.newest(tmp_path) is None
    with pytest.raises(UserError, match="holds the best checkpoints of a run that is gone; use another"):
        checkpoint.resume(tmp_path, model(), NOTHING, {}, pytest.fail)
    assert best(tmp_path) == {"a": [1]}
