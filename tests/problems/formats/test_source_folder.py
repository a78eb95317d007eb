import pathlib

import pytest

from t2tlite.errors import UserError
from t2tlite.problems.formats.source_folder import source_folder


def test_what_is_expected_is_said_where_the_folder_is_missing(tmp_path):
    with pytest.raises(UserError, match="needs --source_dir=DIR, a folder with a.json"):
        source_folder(None, "a.json")
    with pytest.raises(UserError, match="--source_dir=.*/gone is no folder; expected one with a.json"):
        source_folder(str(tmp_path / "gone"), "a.json")


def test_the_home_folder_may_be_a_tilde(tmp_path, monkeypatch):
    (tmp_path / "coco").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert source_folder("~/coco", "a.json") == pathlib.Path(tmp_path / "coco")
