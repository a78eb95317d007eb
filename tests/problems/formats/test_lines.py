"""Lines in ranges of bytes: each line once, whatever the cuts; what is no text is told with its place."""

import gzip
import random

import pytest

from t2tlite.errors import UserError
from t2tlite.problem import Broken
from t2tlite.problems.formats import lines


@pytest.fixture
def small(monkeypatch):
    """Blocks and ranges so small that a few lines make many."""
    monkeypatch.setattr(lines, "_BLOCK", 16)
    monkeypatch.setattr(lines, "_RANGE", 40)


def sentences(seed, number):
    draw = random.Random(seed)
    return [
        "ä" * draw.choice((0, 0, 1, 5, 40)) + draw.choice(("", " b", "\u2028c", "\r")) for _ in range(number)
    ]


def written(path, content):
    path.write_bytes(content)
    return str(path)


def everything(ranges):
    return [line for part in ranges for line in lines.read(part)]


@pytest.mark.parametrize("end", ["\n", ""])
@pytest.mark.parametrize("seed", range(5))
def test_ranges_of_two_files_have_the_same_lines(tmp_path, small, seed, end):
    one, other = sentences(seed, 100) + ["last"], sentences(seed + 100, 100) + ["zuletzt"]
    first = written(tmp_path / "a", ("\n".join(one) + end).encode())
    second = written(tmp_path / "b", ("\n".join(other) + end).encode())
    ranges, count = lines.cut(first)
    others, other_count = lines.cut_like(second, ranges)
    assert count == other_count == 101
    assert len(ranges) == len(others) > 5
    assert everything(ranges) == one
    assert everything(others) == other
    for left, right in zip(ranges, others, strict=True):
        assert left.number == right.number
        assert len(list(lines.read(left))) == len(list(lines.read(right)))
        assert next(lines.read(left)) == one[left.number - 1]


def test_ranges_follow_the_bytes_not_the_lines(tmp_path, small):
    path = written(tmp_path / "a", b"x" * 500 + b"\n" + b"y\n" * 100)
    ranges, count = lines.cut(path)
    assert count == 101
    assert everything(ranges) == ["x" * 500] + ["y"] * 100
    assert (ranges[0].start, ranges[-1].end) == (0, 701)
    assert [part.end for part in ranges[:-1]] == [part.start for part in ranges[1:]]


def test_a_range_can_start_below_a_header(tmp_path, small):
    path = written(tmp_path / "a", b"header\n" + b"".join(b"line %d\n" % n for n in range(2, 50)))
    ranges, count = lines.cut(path, start=7, number=2)
    assert count == 48
    assert everything(ranges) == [f"line {n}" for n in range(2, 50)]
    assert all(next(lines.read(part)) == f"line {part.number}" for part in ranges)


def test_a_file_with_too_few_lines_has_fewer_ranges(tmp_path, small):
    ranges, _ = lines.cut(written(tmp_path / "a", b"one line of text\n" * 30))
    others, count = lines.cut_like(written(tmp_path / "b", b"eine Zeile\n" * 4), ranges)
    assert count == 4
    assert len(others) < len(ranges)


@pytest.mark.parametrize("name", ["a", "a.gz"])
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"one", ["one"]),
        (b"\xef\xbb\xbfone\r\ntwo\r\n", ["one\r", "two\r"]),
        (b"one\n\xef\xbb\xbftwo\n", ["one", "\ufefftwo"]),
        ("a\u2028b\x0bc\x85d\n".encode(), ["a\u2028b\x0bc\x85d"]),
    ],
)
def test_only_a_line_feed_ends_a_line(tmp_path, name, content, expected):
    path = written(tmp_path / name, gzip.compress(content) if name.endswith(".gz") else content)
    assert list(lines.read(lines.Range(path))) == expected
    assert lines.count(path) == len(expected)


@pytest.mark.parametrize("block", [4, 1 << 18])
def test_reading_goes_on_after_a_line_that_is_not_utf8(tmp_path, monkeypatch, block):
    monkeypatch.setattr(lines, "_BLOCK", block)
    path = written(tmp_path / "train.de", b"gut\nna\xefve\n\xc3\nM\xc3\xbcll\n\xff")
    assert list(lines.read(lines.Range(path))) == [
        "gut",
        Broken("not UTF-8", f"{path}:2 at byte 3 of the line"),
        Broken("not UTF-8", f"{path}:3 at byte 1 of the line"),
        "Müll",
        Broken("not UTF-8", f"{path}:5 at byte 1 of the line"),
    ]


def test_damaged_and_missing_files(tmp_path):
    whole = gzip.compress(random.Random(0).randbytes(9000).hex().encode())
    cut = written(tmp_path / "cut.gz", whole[:-20])
    with pytest.raises(UserError, match=r"cut.gz is damaged or not a gzip file, after \d+ bytes .*fetch it"):
        list(lines.read(lines.Range(cut)))
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    with pytest.raises(UserError, match="flipped.gz is damaged or not a gzip file"):
        list(lines.read(lines.Range(written(tmp_path / "flipped.gz", bytes(flipped)))))
    with pytest.raises(UserError, match="can't read .*gone: No such file"):
        list(lines.read(lines.Range(str(tmp_path / "gone"))))


def test_an_empty_file(tmp_path):
    for name, content in (("a", b""), ("a.gz", gzip.compress(b""))):
        with pytest.raises(UserError, match=f"{name} is empty; expected a sentence a line"):
            lines.check_not_empty(written(tmp_path / name, content))
