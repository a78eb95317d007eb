"""Files of lines: every byte of them comes back, by number and as they come."""

import io
import os
import random
import threading

import numpy as np
import pytest

from t2tlite.decoding.files.line_file import LineFile, atomic_file, is_regular, read_chunks
from t2tlite.errors import UserError

CONTENTS = [
    (b"", []),
    (b"\n", [b""]),
    (b"a", [b"a"]),
    (b"a\nb\n", [b"a", b"b"]),
    (b"\xef\xbb\xbfa\r\n\r\n\nb", [b"a", b"", b"", b"b"]),
    (b"\xef\xbb\xbf", []),
    ("a\u2028b\x0bc\x85d\n".encode(), ["a\u2028b\x0bc\x85d".encode()]),
    (b"a\rb\r\r\nc\0\n\xff\n", [b"a\rb\r", b"c\0", b"\xff"]),
]


def by_number(path):
    with LineFile(str(path), "decode_from_file") as lines:
        return [lines[i] for i in range(len(lines))]


@pytest.mark.parametrize(("content", "lines"), CONTENTS)
def test_lines(tmp_path, content, lines):
    file = tmp_path / "in"
    file.write_bytes(content)
    assert by_number(file) == lines
    for most in (1, 2, 10):
        for source in (io.BytesIO(content), file.open("rb", buffering=0)):
            with source:
                chunks = list(read_chunks(source, most))
            assert [line for chunk in chunks for line in chunk] == lines
            assert all(0 < len(chunk) <= most for chunk in chunks)


def test_longer_than_a_block(tmp_path):
    generator = np.random.default_rng(0)
    lines = [b"x" * size for size in generator.integers(0, 400_000, 20)] + [b"y" * 3_000_000, b"z" * 100]
    file = tmp_path / "in"
    file.write_bytes(b"\n".join(lines))
    assert by_number(file) == lines
    with file.open("rb", buffering=0) as source:
        assert [line for chunk in read_chunks(source, 3) for line in chunk] == lines


def test_what_is_there_comes_at_once():
    """A line is not kept back until others come, and what came meanwhile comes together."""
    reading, writing = os.pipe()
    with open(reading, "rb", buffering=0) as source, open(writing, "wb", buffering=0) as pipe:
        chunks = read_chunks(source, 3)
        pipe.write(b"one\ntw")
        assert next(chunks) == [b"one"]
        pipe.write(b"o\nthree\nfour\nfive\n")
        assert next(chunks) == [b"two", b"three", b"four"]
        assert next(chunks) == [b"five"]
        timer = threading.Timer(0.05, pipe.write, [b"six\nend"])
        timer.start()
        assert next(chunks) == [b"six"]
        timer.join()
        pipe.close()
        assert list(chunks) == [[b"end"]]


def test_lengths_and_digest(tmp_path):
    file = tmp_path / "in"
    file.write_bytes(b"a\nbcd\n\n")
    with LineFile(str(file), "f") as lines:
        assert lines.lengths.tolist() == [2, 4, 1]
        digest = lines.digest
    file.write_bytes(b"a\nbcd\n\r\n")
    with LineFile(str(file), "f") as lines:
        assert lines.digest != digest


def test_unreadable_and_changed(tmp_path):
    for path, message in [("/nowhere", "No such file"), (str(tmp_path), "directory")]:
        with pytest.raises(UserError, match=f"can't read --score_file={path}: .*{message}"):
            LineFile(path, "score_file")
    file = tmp_path / "in"
    file.write_bytes(b"a\nb\n")
    with LineFile(str(file), "decode_from_file") as lines:
        lines.check()
        file.write_bytes(b"a\n")
        assert lines[1] == b""  # no fault, but
        with pytest.raises(UserError, match="in was changed while it was read; start again"):
            lines.check()


def test_a_million_lines(tmp_path):
    """The lines stay on the disk: what is kept of one is its place."""
    file = tmp_path / "in"
    file.write_bytes(b"".join(b"%d\n" % i for i in range(1_000_000)))
    with LineFile(str(file), "f") as lines:
        assert len(lines) == 1_000_000
        for number in random.Random(0).sample(range(len(lines)), 20):
            assert lines[number] == b"%d" % number
        memory_bytes = sum(array.nbytes for array in vars(lines).values() if isinstance(array, np.ndarray))
        assert memory_bytes <= 16 * len(lines) + 8


def test_atomic_file(tmp_path):
    final = tmp_path / "out"
    final.write_text("before")
    with pytest.raises(ZeroDivisionError), atomic_file(str(final)) as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert final.read_text() == "before" and list(tmp_path.iterdir()) == [final]
    with atomic_file(str(final)) as file:
        file.write("ä\n".encode())
        assert final.read_text() == "before"
    assert final.read_bytes() == "ä\n".encode() and list(tmp_path.iterdir()) == [final]
    for path, message in [(tmp_path / "no" / "out", "No such file"), (tmp_path, "is a folder")]:
        with pytest.raises(UserError, match=message), atomic_file(str(path)):
            pass


def test_atomic_file_keeps_links_and_devices(tmp_path):
    """A link stays one, and what is no file is written to and not replaced."""
    link, pipe = tmp_path / "link", tmp_path / "pipe"
    link.symlink_to(tmp_path / "real")
    with atomic_file(str(link)) as file:
        file.write(b"a\n")
    assert link.is_symlink() and (tmp_path / "real").read_bytes() == b"a\n"
    os.mkfifo(pipe)
    assert not is_regular(pipe) and is_regular(link) and is_regular(tmp_path / "none")
    contents = []
    reader = threading.Thread(target=lambda: contents.append(pipe.read_bytes()))
    reader.start()
    with atomic_file(str(pipe)) as file:
        file.write(b"b\n")
    reader.join()
    assert contents == [b"b\n"] and pipe.is_fifo()
