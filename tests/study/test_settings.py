"""What an experiment's folder keeps, and refuses."""

import dataclasses
import json

import pytest

from t2tlite.errors import UserError
from t2tlite.study.settings import FILE, Settings

from .conftest import settings


def test_what_is_kept_is_read(tmp_path):
    made = settings(tmp_path, seeds=(0, 1), usr_dirs=("/mine",))
    assert made.keep(tmp_path / "new") == made
    assert Settings.load(tmp_path / "new") == made


def test_seeds_add_up_and_places_may_differ(tmp_path):
    settings(tmp_path, seeds=(2, 5)).keep(tmp_path)
    other = settings(tmp_path, seeds=(0, 2), data_dir="/elsewhere").keep(tmp_path)
    assert other.seeds == (0, 2, 5) and other.data_dir == "/elsewhere"
    assert Settings.load(tmp_path).seeds == (0, 2, 5)


@pytest.mark.parametrize(
    "change", [{"updates_per_problem": 7}, {"fraction": "imagenet:0.5"}, {"problems": ("imagenet",)}]
)
def test_another_experiment_is_refused(tmp_path, change):
    settings(tmp_path).keep(tmp_path)
    name = next(iter(change))
    with pytest.raises(UserError, match=f"holds an experiment with {name}="):
        dataclasses.replace(settings(tmp_path), **change).keep(tmp_path)


def test_what_cannot_be_read(tmp_path):
    with pytest.raises(UserError, match="holds no experiment"):
        Settings.load(tmp_path)
    (tmp_path / FILE).write_text("{")
    with pytest.raises(UserError, match="can't be read"):
        Settings.load(tmp_path)
    (tmp_path / FILE).write_text(json.dumps({"layout": 0}))
    with pytest.raises(UserError, match="another version"):
        Settings.load(tmp_path)
