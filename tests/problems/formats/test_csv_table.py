"""Tables as CSV and TSV, whole and in parts."""

import csv
import dataclasses
import gzip
import random

import pytest

from t2tlite.errors import UserError
from t2tlite.problem import Broken
from t2tlite.problems.formats import csv_table


def read(path, content):
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    parts, count = csv_table.parts(str(path))
    return [row if isinstance(row, Broken) else row.cells for part in parts for row in part.rows(())], count


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_cells_by_their_columns(tmp_path, name, end, mark):
    content = mark + end.join(["text, topic", '"a, ""b""",x', "", "c,y"])
    assert read(tmp_path / name, content.encode())[0] == [
        {"text": 'a, "b"', "topic": "x"},
        {"text": "c", "topic": "y"},
    ]


def test_quotes_are_characters_in_a_tsv(tmp_path):
    assert read(tmp_path / "x.tsv", b'a\tb\n"1\t2"\n')[0] == [{"a": '"1', "b": '2"'}]


@pytest.mark.parametrize(
    ("content", "reason", "place"),
    [
        (b"a,b\n1,2\n3\n4,5\n", "a number of columns other than the 2 of the first line", "x.csv:3"),
        (b"a,b\n1,\xe4\n4,5\n", "not UTF-8", "x.csv:2 at byte 3 of the line"),
        (b'a,b\n"1\n2,3\n', "a quote that is not closed", "x.csv:2"),
        (b'a,b\n"1"2,3\n4,5\n', "no valid CSV", "x.csv:2"),
    ],
)
def test_a_row_that_is_broken_leaves_the_others_alone(tmp_path, content, reason, place):
    found, _ = read(tmp_path / "x.csv", content)
    [broken] = [row for row in found if isinstance(row, Broken)]
    assert reason in broken.reason and broken.where == str(tmp_path / place)
    if content.endswith(b"4,5\n"):
        assert found[-1] == {"a": "4", "b": "5"}


def test_rows_know_their_lines_though_cells_have_several(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text('a\n"1\n2"\n3\n')
    [part] = csv_table.parts(str(path))[0]
    assert [row.where for row in part.rows(())] == [f"{path}:2", f"{path}:4"]


@pytest.mark.parametrize("size", [1, 37, 500])
def test_parts_have_all_rows_once_wherever_a_border_falls(tmp_path, monkeypatch, size):
    monkeypatch.setattr(csv_table, "_RANGE", size)
    draw, path = random.Random(size), tmp_path / "x.csv"
    rows = [["".join(draw.choices('ab,"\nü', k=draw.randint(1, 30))), str(i)] for i in range(60)]
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([["text", "number"], *rows])
    parts, count = csv_table.parts(str(path))
    found = [row for part in parts for row in part.rows(())]
    assert len(parts) > 1 and count == 60
    assert [list(row.cells.values()) for row in found] == rows
    whole = dataclasses.replace(parts[0], lines=dataclasses.replace(parts[0].lines, end=None))
    assert [row.where for row in whole.rows(())] == [row.where for row in found]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no first line"),
        (b"a,b,a\n1,2,3\n", "x.csv:1 has the column `a` more than once"),
        ("a,b".encode("utf-16"), "not UTF-8; save the table as UTF-8"),
    ],
)
def test_a_header_that_names_no_columns(tmp_path, content, message):
    with pytest.raises(UserError, match=message):
        read(tmp_path / "x.csv", content)
