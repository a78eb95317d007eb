"""The folder of an export: there whole or not at all."""

import pytest

from t2tlite.errors import UserError
from t2tlite.export import folder


@pytest.mark.parametrize("name", ["new", "empty", "deep/1"])
def test_gets_its_name_at_the_end(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with folder.whole(tmp_path / name) as part:
        (part / "a").write_text("b")
        assert not (tmp_path / name / "a").exists()
    assert (tmp_path / name / "a").read_text() == "b"
    assert [path.name for path in (tmp_path / name).parent.iterdir() if path.name.startswith(".")] == []


def test_is_not_there_where_something_fails(tmp_path):
    with pytest.raises(ZeroDivisionError), folder.whole(tmp_path / "new") as part:
        (part / "a").write_text("b")
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())


def test_what_came_in_the_meantime_is_kept(tmp_path):
    with pytest.raises(UserError, match="is not empty"), folder.whole(tmp_path / "new"):
        (tmp_path / "new").mkdir()
        (tmp_path / "new" / "theirs").touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["new", "theirs"]


def test_refuses(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    for path, message in (
        (tmp_path, f"the folder {tmp_path} is not empty; give a new one as --export_dir"),
        (tmp_path / "file", "is no folder"),
        (tmp_path / "link", "is no folder"),
        (tmp_path / "file" / "deep", "can't make the folder .*Not a directory"),
    ):
        with pytest.raises(UserError, match=message), folder.whole(path):
            pass
