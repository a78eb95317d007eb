"""The run's folder: what is saved is what is loaded, and what is said of broken ones."""

import dataclasses
import json
import shutil
import types

import keras
import numpy as np
import pytest

from t2tlite import hparam, registry
from t2tlite.checkpoints import CHECKPOINTS, checkpoint
from t2tlite.data.text.vocabulary import Vocabulary
from t2tlite.errors import UserError
from t2tlite.run import Run, read_description, write_whole

from ..models import tiny


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "of" / "mine"
    problems = {name: registry.get_problem(name) for name in ("imagenet", "wmt_ende")}
    vocabulary = Vocabulary.train(["the red circle", "the blue square"] * 3, 280)
    labels = {"imagenet": ("Kreis", "größeres\u2028Quadrat")}
    new_run = Run(folder, tiny.HPARAMS, problems, labels, vocabulary, "/some/where", "sample", seed=5)
    new_run.save()
    return new_run


def test_round_trip(run):
    loaded = Run.load(run.output_dir)
    assert loaded.description() == run.description()
    assert loaded.hparams == run.hparams and loaded.labels == run.labels and loaded.seed == 5
    assert list(loaded.problems) == ["imagenet", "wmt_ende"]
    assert {name: type(p) for name, p in loaded.problems.items()} == {
        name: type(p) for name, p in run.problems.items()
    }
    assert loaded.vocabulary.encode("the red") == run.vocabulary.encode("the red")
    assert hparam.get("multimodel_base", gin_files=[run.output_dir / "operative.gin"]) == run.hparams


def test_saving_again_changes_nothing(run):
    before = {path.name: path.read_bytes() for path in run.output_dir.iterdir()}
    Run.load(run.output_dir).save()
    assert {path.name: path.read_bytes() for path in run.output_dir.iterdir()} == before


def test_the_model_is_of_the_problems(run):
    model = run.make_model()
    assert set(model.wiring) == {"imagenet", "wmt_ende"} and model.built
    assert model.target_net("wmt_ende").size == run.vocabulary.size
    with pytest.raises(UserError, match="holds no checkpoint yet"):
        run.restore_model()


def test_precision_is_that_of_the_model_and_of_no_other(run, monkeypatch):
    mixed = dataclasses.replace(run, hparams=run.hparams.replace(precision="mixed_bfloat16"))
    assert mixed.make_model().compute_dtype == "bfloat16"
    assert keras.config.dtype_policy().name == "float32"
    monkeypatch.setattr(registry.get("model", "multimodel"), "build", lambda model, shape: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        mixed.make_model()
    assert keras.config.dtype_policy().name == "float32"


def test_a_restored_model_has_the_moving_averages(run, tmp_path):
    output_dir = dataclasses.replace(run, output_dir=tmp_path)
    model = output_dir.make_model()
    first, second = model.variables[:2]
    with keras.name_scope("adam"):
        average = keras.Variable(first + 7, name=f"{first.path.replace('/', '_')}_average")
    optimizer = types.SimpleNamespace(variables=[average])
    checkpoint.save(tmp_path / CHECKPOINTS, 1, model, optimizer, {}, {}, keep=1)
    restored = {v.path: v.numpy() for v in output_dir.restore_model().variables}
    np.testing.assert_array_equal(restored[first.path], average.numpy())
    np.testing.assert_array_equal(restored[second.path], second.numpy())


@pytest.mark.parametrize("layout", [None, 1, 3])
def test_a_run_of_another_version_is_refused(run, tmp_path, layout):
    folder = shutil.copytree(run.output_dir, tmp_path / "run")
    description = read_description(folder) | {"layout": layout, "version": "0.0.7"}
    if layout is None:
        del description["layout"]
    (folder / "run.json").write_text(json.dumps(description))
    for read in (read_description, Run.load):
        with pytest.raises(UserError, match=r"another version of t2tlite \(0.0.7\)") as caught:
            read(folder)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "{", "5", "[]", "\0"])
def test_no_json_object(tmp_path, content):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(UserError, match="run.json"):
        read_description(tmp_path)


def test_no_run(tmp_path):
    (tmp_path / "file").touch()
    for folder in (tmp_path, tmp_path / "none", tmp_path / "file"):
        with pytest.raises(UserError, match="holds no run .run.json is missing"):
            Run.load(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"problems": ["wmt_edne"]}, "did you mean `wmt_ende`"),
        ({"problems": None}, "run.json is broken"),
        ({"hparams": {"hidden_size": 16}}, "hyperparameters are missing"),
        ({"hparams": {"hiden": 16}}, "did you mean `hidden_size`"),
        ({"hparams": 5}, "run.json is broken"),
        ({"labels": ["a"]}, "run.json is broken"),
        ({"usr_dirs": ["/no/dir"]}, "/no/dir"),
    ],
)
def test_broken_descriptions(run, tmp_path, changes, message):
    folder = shutil.copytree(run.output_dir, tmp_path / "run")
    description = read_description(folder) | changes
    (folder / "run.json").write_text(json.dumps(description))
    with pytest.raises(UserError, match=message) as caught:
        Run.load(folder)
    assert "\n" not in str(caught.value)
    for name in changes:
        del description[name]
    (folder / "run.json").write_text(json.dumps(description))
    with pytest.raises(UserError, match="run.json is broken: KeyError"):
        Run.load(folder)


def test_a_folder_that_cannot_be_made(run, tmp_path):
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(UserError, match="can't make the folder"):
            dataclasses.replace(run, output_dir=place).save()


def test_files_are_written_whole(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_whole(path, "old")
    with monkeypatch.context() as patch:
        patch.setattr(type(path), "replace", lambda *args: (_ for _ in ()).throw(OSError("killed")))
        with pytest.raises(OSError):
            write_whole(path, "new")
    assert path.read_text() == "old"
    write_whole(path, "new")
    assert path.read_text() == "new" and [p.name for p in tmp_path.iterdir()] == ["a.json"]
