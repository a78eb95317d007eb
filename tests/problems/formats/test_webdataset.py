"""Tars in the layout of WebDataset."""

import pytest

from t2tlite.errors import UserError
from t2tlite.problem import Broken
from t2tlite.problems.formats import webdataset

from .test_tars import tar_of


def read(path, files, wanted):
    path.write_bytes(tar_of(files))
    [part], _ = webdataset.parts(str(path))
    return list(part.rows(wanted))


FILES = {
    "./a/1.jpg": b"picture 1",
    "./a/1.TXT": b"one",
    "./a/1.json": b'{"caption": "one"}',
    "a/._1.jpg": b"of another system",
    "b/1.jpg": b"picture 2",
    "b/1.seg.png": b"mask",
}


def test_files_that_differ_in_their_endings_are_a_row(tmp_path):
    one, two = read(tmp_path / "x.tar", FILES, {"jpg", "txt", "json.caption", "seg.png"})
    assert one.cells == {
        "__key__": "a/1",
        "jpg": b"picture 1",
        "txt": b"one",
        "json": {"caption": "one"},
    }
    assert two.cells == {"__key__": "b/1", "jpg": b"picture 2", "seg.png": b"mask"}
    assert one.where == f"{tmp_path / 'x.tar'}:a/1"


def test_what_is_not_wanted_is_not_read(tmp_path):
    one, _ = read(tmp_path / "x.tar", FILES | {"./a/1.json": b"{"}, {"txt"})
    assert one.cells["jpg"] is None and one.cells["txt"] == b"one"


@pytest.mark.parametrize(
    ("more", "reason", "where"),
    [
        ({"c.json": b"{", "c.jpg": b""}, "no valid JSON", "c.json, Expecting"),
        ({"c.jpg": b"", "c.JPG": b"", "c.json": b"{}"}, "two files of one ending", "c.JPG"),
    ],
)
def test_a_row_that_is_broken_leaves_the_others_alone(tmp_path, more, reason, where):
    rows = read(tmp_path / "x.tar", more | FILES, {"jpg", "json"})
    assert len(rows) == 3 and not any(isinstance(row, Broken) for row in rows[1:])
    assert rows[0].reason == reason and rows[0].where.startswith(f"{tmp_path / 'x.tar'}:{where}")


def test_a_tar_that_was_cut_off(tmp_path):
    path = tmp_path / "x.tar"
    path.write_bytes(tar_of(FILES)[:-10240])
    with pytest.raises(UserError, match="x.tar is no whole tar archive"):
        list(webdataset.parts(str(path))[0][0].rows({"jpg"}))
