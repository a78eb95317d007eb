"""Kaldi's tables, found by key."""

import tracemalloc

import pytest

from t2tlite.errors import UserError
from t2tlite.problems.formats import kaldi_table
from t2tlite.problems.formats.kaldi_table import Row, Table


def written(tmp_path, content):
    (tmp_path / "text").write_bytes(content)
    return tmp_path / "text"


def test_lines_by_key_and_by_number(tmp_path):
    path = written(tmp_path, b"b  two words \n\na\tone\r\nlonely\nc caf\xe9\n  d last")
    table = Table(path)
    rows = [
        Row("b", "two words", f"{path}:1"),
        Row("a", "one", f"{path}:3"),
        Row("lonely", "", f"{path}:4"),
        Row("c", "caf\udce9", f"{path}:5"),
        Row("d", "last", f"{path}:6"),
    ]
    assert len(table) == 5
    assert list(table.rows(range(5))) == rows and list(table.rows((4, 1))) == [rows[4], rows[1]]
    assert all(table.find(row.key) == row for row in rows)
    assert table.find("nobody") is None and table.find("two") is None


def test_an_empty_table(tmp_path):
    table = Table(written(tmp_path, b"\n"))
    assert len(table) == 0 and table.find("a") is None and not len(table.unknown_to(table))


def test_what_another_does_not_have(tmp_path):
    table = Table(written(tmp_path, b"d 1\na 1\nc 1\nb 1\n"))
    other = Table(written(tmp_path, b"a 2\nb 2\n"))
    path = written(tmp_path, b"d 1\na 1\nc 1\nb 1\n")
    assert [row.key for row in Table(path).rows(table.unknown_to(other))] == ["d", "c"]


def test_a_key_that_stands_twice(tmp_path):
    path = written(tmp_path, b"a 1\nb 1\n\nc 1\nb 2\n")
    with pytest.raises(UserError, match=f"{path}:5: `b` stands here for the second time, after {path}:2"):
        Table(path)


def test_a_table_that_is_missing(tmp_path):
    with pytest.raises(UserError, match=f"can't read {tmp_path}/segments: No such file"):
        kaldi_table.table(tmp_path / "segments")
    with pytest.raises(UserError, match="Is a directory"):
        kaldi_table.table(tmp_path)


def test_a_table_is_kept_until_its_file_changes(tmp_path):
    first = kaldi_table.table(written(tmp_path, b"a 1\n"))
    assert kaldi_table.table(tmp_path / "text") is first
    assert kaldi_table.table(written(tmp_path, b"a 1\nb 1\n")).find("b")


def test_a_line_takes_few_bytes(tmp_path):
    path = written(tmp_path, b"".join(b"utterance%07d some words\n" % i for i in range(50000)))
    tracemalloc.start()
    table = Table(path)
    kept, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 50 * 50000 and most < 120 * 50000
    assert table.find("utterance0031415").where == f"{path}:31416"
