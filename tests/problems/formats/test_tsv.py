"""Columns: with and without a header, whole or in parts."""

import gzip

import pytest

from t2tlite.errors import UserError
from t2tlite.problem import Broken
from t2tlite.problems.formats import lines, tsv

EN_DE = ("en", "de")


def read(path, content, order=EN_DE, languages=EN_DE):
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    parts, count = tsv.parts(str(path), languages, order)
    return [pair for part in parts for pair in part.pairs()], count


@pytest.mark.parametrize("name", ["x.tsv", "x.tsv.gz"])
@pytest.mark.parametrize(
    ("content", "order"),
    [
        ("dog\tHund\nthe cat\tdie Katze\n", ("en", "de")),
        ("Hund\tdog\ndie Katze\tthe cat\n", ("de", "en")),
        ("en\tde\ndog\tHund\nthe cat\tdie Katze\n", ("de", "en")),
        ("\ufeffDE\tscore\tEN\r\nHund\t0.5\tdog\r\ndie Katze\t1\tthe cat\r\n", ("en", "de")),
    ],
)
def test_the_order_of_the_columns(tmp_path, name, content, order):
    found, count = read(tmp_path / name, content.encode(), order)
    assert [(a.strip(), b.strip()) for a, b in found] == [("dog", "Hund"), ("the cat", "die Katze")]
    assert count == (None if name.endswith(".gz") else 2)


def test_codes_with_capitals(tmp_path):
    content = b"a\tb\n"
    assert read(tmp_path / "x.tsv", content, ("pt-BR", "en"), ("en", "pt-BR"))[0] == [("b", "a")]
    content = b"pt-BR\ten\na\tb\n"
    assert read(tmp_path / "x.tsv", content, ("en", "pt-BR"), ("en", "pt-BR"))[0] == [("b", "a")]


def test_wrong_columns_and_bytes_are_told_with_their_line_and_the_rest_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "_BLOCK", 4)
    monkeypatch.setattr(lines, "_RANGE", 8)
    path = tmp_path / "x.tsv"
    found, count = read(path, b"en\tde\na\tb\nno tab\n\nc\td\te\n\xff\tf\ng\th\n")
    columns = "a number of columns other than 2"
    assert count == 6
    assert found == [
        ("a", "b"),
        (Broken(columns, f"{path}:3"),) * 2,
        ("", ""),
        (Broken(columns, f"{path}:5"),) * 2,
        (Broken("not UTF-8", f"{path}:6 at byte 1 of the line"),) * 2,
        ("g", "h"),
    ]


def test_empty_files(tmp_path):
    with pytest.raises(UserError, match="x.tsv is empty"):
        read(tmp_path / "x.tsv", b"")
    with pytest.raises(UserError, match="x.tsv has a header and nothing below it"):
        read(tmp_path / "x.tsv", b"de\ten\n")
