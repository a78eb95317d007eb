"""Parallel files: pairs by line number, in parts that workers can be sent."""

import gzip
import pickle

import pytest

from t2tlite.errors import UserError
from t2tlite.problem import Broken
from t2tlite.problems.formats import lines, plain_text


def write(folder, name, content):
    path = folder / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return str(path)


def read(parts):
    return [pair for part in parts for pair in part.pairs()]


def numbered(word, number):
    return "".join(f"{word} {n}\n" for n in range(number)).encode()


@pytest.mark.parametrize(("gz", "gz_too"), [("", ""), (".gz", ""), ("", ".gz"), (".gz", ".gz")])
def test_pairs(tmp_path, monkeypatch, gz, gz_too):
    monkeypatch.setattr(lines, "_BLOCK", 64)
    monkeypatch.setattr(lines, "_RANGE", 256)
    first = write(tmp_path, f"a.en{gz}", numbered("line", 300))
    second = write(tmp_path, f"a.de{gz_too}", numbered("die schöne Zeile", 300))
    parts, count = plain_text.parts(first, second)
    assert read(parts) == [(f"line {n}", f"die schöne Zeile {n}") for n in range(300)]
    plain = not gz and not gz_too
    assert count == (300 if plain else None)
    assert len(parts) > 5 if plain else len(parts) == 1
    assert pickle.loads(pickle.dumps(parts)) == parts
    assert repr(parts) == repr(plain_text.parts(first, second)[0])


def test_a_broken_line_is_told_with_its_number_in_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "_BLOCK", 64)
    monkeypatch.setattr(lines, "_RANGE", 256)
    content = numbered("Zeile", 300).replace(b"Zeile 222\n", b"Zeile \xe4\n")
    first, second = write(tmp_path, "a.en", numbered("line", 300)), write(tmp_path, "a.de", content)
    found = read(plain_text.parts(first, second)[0])
    assert found[222] == ("line 222", Broken("not UTF-8", f"{second}:223 at byte 7 of the line"))
    assert found[223] == ("line 223", "Zeile 223")
    assert len(found) == 300


@pytest.mark.parametrize(("gz", "numbers"), [("", (5, 3)), ("", (3, 5)), (".gz", (5, 3)), (".gz", (3, 5))])
def test_different_numbers_of_lines(tmp_path, gz, numbers):
    paths = [write(tmp_path, f"a.{n}{gz}", numbered("x", n)) for n in numbers]
    with pytest.raises(
        UserError, match=rf"a.{numbers[0]}\S* has {numbers[0]} lines .* has {numbers[1]}; exp"
    ):
        read(plain_text.parts(*paths)[0])


def test_a_file_that_changed_since_it_was_cut(tmp_path):
    first, second = write(tmp_path, "a.en", numbered("x", 5)), write(tmp_path, "a.de", numbered("y", 5))
    parts, _ = plain_text.parts(first, second)
    write(tmp_path, "a.de", b"y\n")
    with pytest.raises(UserError, match="a.en has 5 lines and .*a.de has 1"):
        read(parts)


@pytest.mark.parametrize("gz", ["", ".gz"])
def test_empty_files(tmp_path, gz):
    paths = [write(tmp_path, f"a.{ending}{gz}", b"") for ending in ("en", "de")]
    with pytest.raises(UserError, match="a.en.* is empty"):
        plain_text.parts(*paths)
