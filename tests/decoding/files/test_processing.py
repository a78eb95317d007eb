"""Answering lines without a model: each has its line, in order, and a killed process goes on."""

import io
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from t2tlite.decoding.files import processing
from t2tlite.decoding.files.journal import Journal
from t2tlite.decoding.files.line_file import LineFile, read_chunks
from t2tlite.errors import UserError

CHUNK = 7


def shouted(numbers, lines):
    """An output that depends on the line and on its number."""
    return [
        processing.one_line(f"{n}:{line.decode('utf-8', 'replace').upper()}")
        for n, line in zip(numbers, lines, strict=True)
    ]


def nasty_lines(count, seed=0):
    """Lines that break what reads them carelessly; no line feeds, and no carriage return at the end."""
    generator = random.Random(seed)
    pieces = [
        b"", b" ", b"\t", b"\0", b"\r", b"\x1b[2J", b"\x85", b"\x0b", b"\x0c", b"\x1c", b"\xff\xfe", b"\xc3",
        *map(str.encode, ("\u2028", "\u2029", "\ufeff", "👩\u200d👧🏳️\u200d🌈", "e\u0301", "▁", "ع")),
        b"\xed\xa0\x80", b"# error: ", b"{}%s", b"<unk></s>", b"word " * 3, b"x" * 300,
    ]  # fmt: skip
    lines = [b"".join(generator.choices(pieces, k=generator.randrange(5))) for _ in range(count - 2)]
    lines += [b"y" * 100_000, b"\xff" * 5_000]
    generator.shuffle(lines)
    return [line.rstrip(b"\r") for line in lines]


def answered(path, final, answer, identity=None):
    """What `job` does, with an answer of our own."""
    with LineFile(str(path), "decode_from_file") as lines:
        stamps = np.zeros(len(lines), np.int64)
        journal = Journal(final.with_name("out.part"), identity or {"input": lines.digest}, len(lines), "out")
        with journal:
            processing.process_file(lines, lines.lengths, stamps, journal, answer, CHUNK, "label", False)
            errors = processing.assemble(journal, final, "out")
            journal.remove()
    return errors


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_thousand_nasty_lines(tmp_path, end):
    lines = nasty_lines(1000)
    separator = end or b"\n"
    source, final = tmp_path / "in", tmp_path / "out"
    source.write_bytes(separator.join([*lines[:-1], lines[-1] or b"last"]) + end)
    lines[-1] = lines[-1] or b"last"
    expected = [line.encode() for line in shouted(range(1000), lines)]
    answered(source, final, shouted)
    assert final.read_bytes().split(b"\n") == [*expected, b""]
    written = io.BytesIO()
    with source.open("rb", buffering=0) as stream:
        actual = processing.process_stream(read_chunks(stream, 13), shouted, written.write, "label", False)
    assert written.getvalue() == final.read_bytes() and actual == (1000, 0)
    assert sorted(os.listdir(tmp_path)) == ["in", "out"]


def test_longest_first_and_alike_together(tmp_path):
    lines = [b"x" * random.Random(i).randrange(50) for i in range(100)]
    (tmp_path / "in").write_bytes(b"\n".join(lines) + b"\n")
    batches = []

    def noted(numbers, lines):
        batches.append([len(line) for line in lines])
        return shouted(numbers, lines)

    answered(tmp_path / "in", tmp_path / "out", noted)
    assert sum(batches, []) == sorted(map(len, lines), reverse=True)
    assert all(len(chunk) == CHUNK for chunk in batches[:-1])


def test_errors_are_counted_and_half_pairs_are_shown(tmp_path):
    (tmp_path / "in").write_bytes(b"a\nb\nc\n")
    outputs = {0: "# error: no", 1: "\udcff", 2: "# error: never"}
    assert answered(tmp_path / "in", tmp_path / "out", lambda numbers, _: [outputs[n] for n in numbers]) == 2
    assert (tmp_path / "out").read_bytes() == b"# error: no\n\\udcff\n# error: never\n"


def test_what_was_read_changed(tmp_path):
    """Outputs with another stamp are made again, with those that are answered together; no others."""
    (tmp_path / "in").write_bytes(b"".join(b"%d\n" % i for i in range(30)))
    stamps, decoded_numbers = np.full(30, 5), []

    def noted(numbers, lines):
        decoded_numbers.extend(numbers)
        return [f"{number} {stamps[number]}" for number in numbers]

    for _ in range(2):
        with LineFile(str(tmp_path / "in"), "f") as lines, Journal(tmp_path / "p", {}, 30, "o") as journal:
            processing.process_file(lines, np.zeros(30), stamps, journal, noted, 10, "label", False)
            processing.assemble(journal, tmp_path / "out", "o")
        stamps[12] = 6
    assert decoded_numbers == [*range(30), *range(10, 20)]
    assert (tmp_path / "out").read_text().splitlines() == [f"{i} {stamps[i]}" for i in range(30)]


def test_a_full_disk_keeps_the_journal(tmp_path, monkeypatch):
    (tmp_path / "in").write_bytes(b"a\nb\n")
    (tmp_path / "out").write_text("before")

    def full(file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(processing, "_sync", full)
    with pytest.raises(UserError, match="can't write --decode_to_file=out: No space left"):
        answered(tmp_path / "in", tmp_path / "out", shouted)
    assert (tmp_path / "out").read_text() == "before"
    assert sorted(os.listdir(tmp_path)) == ["in", "out", "out.part"]
    monkeypatch.undo()
    answered(tmp_path / "in", tmp_path / "out", pytest.fail)
    assert (tmp_path / "out").read_text() == "0:A\n1:B\n"


SLOW = """
import sys, time
from t2tlite.decoding.files.job import LineJob
from t2tlite.problem import Text

def answer(numbers, lines):
    time.sleep(0.01)
    with open("asked", "a") as file:
        file.write("".join(f"{number}\\n" for number in numbers))
    return [f"{number}:{line.upper()!r}" for number, line in zip(numbers, lines)]

class Predictor:
    at_a_time = 1
    class options:
        batch_size = 2
    class run:
        class problems:
            def __class_getitem__(cls, name):
                class problem:
                    inputs = Text()
                return problem

class Slow(LineJob):
    def _answer(self, predictor, header=None):
        return answer

print(*Slow("in", "decode_from_file", "out", "p", False, False, {"beam": "4"}, Predictor).run())
"""


def test_killed_again_and_again(tmp_path):
    """Real processes, killed at random moments, until one comes to its end."""
    lines = nasty_lines(1500, seed=1)
    (tmp_path / "in").write_bytes(b"\n".join(lines) + b"\n")
    kills, generator = 0, random.Random(2)
    while True:
        command = [sys.executable, "-P", "-c", SLOW]
        process = subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            if kills < 6:
                before = size_of(tmp_path / "out.part")
                while size_of(tmp_path / "out.part") <= before and process.poll() is None:
                    time.sleep(0.005)
                time.sleep(0.3 * generator.random())
                process.send_signal(signal.SIGKILL)
        finally:
            out, err = process.communicate()
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, err
        assert not (tmp_path / "out").exists()
        kills += 1
    assert kills >= 3 and out == "1500 0\n"
    assert "going on with the " in err and "p: " in err
    expected = [f"{number}:{line.upper()!r}".encode() for number, line in enumerate(lines)]
    assert (tmp_path / "out").read_bytes().split(b"\n") == [*expected, b""]
    assert sorted(os.listdir(tmp_path)) == ["asked", "in", "out"]
    processed = len((tmp_path / "asked").read_text().splitlines())
    assert 1500 <= processed <= 1500 + 8 * kills  # at most a chunk was asked for twice each time


def size_of(path):
    return path.stat().st_size if path.exists() else 0
