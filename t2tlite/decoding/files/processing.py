"""Answering each line of a file or a stream by a line, whatever the lines hold. Needs no TensorFlow."""

import os
import pathlib
from collections.abc import Callable, Iterable, Sequence
from typing import BinaryIO

import numpy as np

from t2tlite.decoding.files.journal import Journal
from t2tlite.decoding.files.line_file import LineFile, write_error
from t2tlite.progress import Board

LineFunction = Callable[[Sequence[int], Sequence[bytes]], Sequence[str]]
"""Line numbers, from 0, and lines without their ends, to an output for each, without line feeds."""

ERROR = "# error: "  # begins the output of a line that has none


def one_line(text: str) -> str:
    """A text without line feeds and carriage returns, which spaces replace."""
    return " ".join(text.replace("\r", "\n").split("\n"))


def encoded(output: str) -> bytes:
    """UTF-8, in which half a surrogate pair, as names of files may hold, is shown as an escape."""
    return output.encode("utf-8", "backslashreplace")


def process_stream(
    chunks: Iterable[list[bytes]],
    function: LineFunction,
    write: Callable[[bytes], object],
    label: str,
    show: bool,
) -> tuple[int, int]:
    """Writes an output for each line as soon as those that came with it are answered.

    Args:
      chunks: of lines; `line_file.read_chunks`.
      write: called with the outputs of a chunk, their ends included.
      label: names the progress on stderr.
      show: whether it is shown.

    Returns:
      How many lines there were, and how many of them are errors.
    """
    count = errors = 0
    with Board(show) as board:
        board.advance(label, 0, None)
        for lines in chunks:
            outputs = function(range(count, count + len(lines)), lines)
            write(b"".join(encoded(output) + b"\n" for output in outputs))
            count += len(lines)
            errors += sum(output.startswith(ERROR) for output in outputs)
            board.advance(label, len(lines), None)
        board.finish(label)
    return count, errors


def process_file(
    lines: LineFile,
    sizes: np.ndarray,
    stamps: np.ndarray,
    journal: Journal,
    function: LineFunction,
    chunk: int,
    label: str,
    show: bool,
) -> None:
    """Answers the lines that have no output in the journal, those of similar size together, longest first.

    So little is padded, and a memory that is too small is found at the start. Which lines are answered
    together doesn't depend on where an earlier process died.

    Args:
      sizes: by which lines are sorted; `[lines]`.
      stamps: of what is read for a line; `[lines]`. Outputs of other stamps are made again.
      chunk: how many lines are answered at a time, and noted.
    """
    order = np.argsort(-sizes, kind="stable")
    chunks = [order[start : start + chunk] for start in range(0, len(order), chunk)]
    chunks = [numbers for numbers in chunks if (journal.stamps[numbers] != stamps[numbers]).any()]
    total = sum(map(len, chunks))
    with Board(show) as board:
        board.advance(label, 0, total)
        for numbers in map(np.ndarray.tolist, chunks):
            outputs = function(numbers, [lines[number] for number in numbers])
            journal.add(numbers, stamps[numbers].tolist(), [encoded(output) for output in outputs])
            board.advance(label, len(numbers), total)
        board.finish(label)


def assemble(journal: Journal, final: pathlib.Path, named: str) -> int:
    """Writes the outputs in the order of the lines, whole or not at all; returns how many are errors.

    Raises:
      UserError: the file can't be written; the journal is kept.
    """
    part = final.with_name(f"{final.name}.tmp")  # no other process has it: the journal is locked
    errors = 0
    try:
        with open(part, "wb") as file:
            for number in range(len(journal.stamps)):
                output = journal.output(number)
                errors += output.startswith(ERROR.encode())
                file.write(output + b"\n")
            _sync(file)
        part.replace(final)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise write_error(named, error) from None
    return errors


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
