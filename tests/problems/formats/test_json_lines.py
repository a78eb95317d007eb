"""Tables as JSON lines."""

import gzip
import json

import pytest

from t2tlite.errors import UserError
from t2tlite.problem import Broken
from t2tlite.problems.formats import json_lines, lines


def read(path, content):
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    parts, count = json_lines.parts(str(path))
    return [row for part in parts for row in part.rows(())], count


@pytest.mark.parametrize("name", ["x.jsonl", "x.jsonl.gz"])
def test_an_object_a_line(tmp_path, name):
    rows = [{"a": "ü\u2028", "b": [1, 2]}, {"b": None}]
    found, _ = read(tmp_path / name, "\n\n".join(json.dumps(row) for row in rows).encode())
    assert [row.cells for row in found] == rows
    assert [row.where for row in found] == [f"{tmp_path / name}:{n}" for n in (1, 3)]


def test_what_is_no_object(tmp_path):
    path = tmp_path / "x.jsonl"
    found, _ = read(path, b'{"a": 1}\n{"a": 1\n[1]\n\xe4\n')
    assert found[1:] == [
        Broken("no valid JSON", f"{path}:2, expecting ',' delimiter at line 1 column 8 (char 7)"),
        Broken("no JSON object", f"{path}:3"),
        Broken("not UTF-8", f"{path}:4 at byte 1 of the line"),
    ]


def test_parts_have_all_rows_once(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "_BLOCK", 16)
    monkeypatch.setattr(lines, "_RANGE", 64)
    path = tmp_path / "x.jsonl"
    path.write_text("".join(f'{{"n": {n}}}\n' for n in range(50)))
    parts, count = json_lines.parts(str(path))
    assert len(parts) > 2 and count == 50
    assert [row.cells["n"] for part in parts for row in part.rows(())] == list(range(50))


def test_an_empty_file(tmp_path):
    with pytest.raises(UserError, match="is empty; expected a JSON object a line"):
        read(tmp_path / "x.jsonl", b"")
