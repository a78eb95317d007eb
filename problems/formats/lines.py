"""Lines of UTF-8 text files, plain or compressed by gzip, a range of bytes at a time."""

import codecs
import contextlib
import dataclasses
import gzip
import itertools
import zlib
from collections.abc import Iterator, Sequence

from t2tlite.errors import UserError
from t2tlite.problem import Broken

_BLOCK = 1 << 18  # bytes; text of this size and its lines fit a processor's cache
_RANGE = 8 << 20  # bytes


@dataclasses.dataclass(frozen=True)
class Range:
    """Consecutive whole lines of a file.

    Attributes:
      path: the file; of a name that ends in .gz, the bytes are those of the text in it.
      start: the first byte.
      end: the byte after the last; None: the file's end.
      number: the number of the first line, from 1.
    """

    path: str
    start: int = 0
    end: int | None = None
    number: int = 1


def read(part: Range) -> Iterator[str | Broken]:
    """The lines of a range, without their ends; `Broken` stands for one that is not UTF-8.

    Only a line feed ends a line: U+2028 and the like are part of a sentence. What a carriage return before
    it, or other space around the line, comes to is the caller's. A byte order mark is left out.

    Raises:
      UserError: the file can't be read, or is no whole gzip file.
    """
    return itertools.chain.from_iterable(_decoded(part))


@contextlib.contextmanager
def opened(path: str):
    """The file, to be read as bytes, decompressed where its name ends in .gz.

    Raises:
      UserError: on opening or within the block, if the file can't be read, or is no whole gzip file.
    """
    try:
        with gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb") as file:
            try:
                yield file
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise UserError(
                    f"{path} is damaged or not a gzip file, after {file.tell()} bytes of text: {error}; "
                    "fetch it again"
                ) from None
    except OSError as error:
        raise UserError(f"can't read {path}: {error.strerror or error}") from None


def count(path: str) -> int:
    """The number of lines; the last need not end with a line feed."""
    return _skim(path)[1]


def check_not_empty(path: str, expected: str = "a sentence a line") -> None:
    """Raises a UserError where a file has no text at all, or can't be read."""
    with opened(path) as file:
        if not file.read(1):
            raise UserError(f"{path} is empty; expected {expected}")


def cut(path: str, start: int = 0, number: int = 1) -> tuple[list[Range], int]:
    """A file's ranges of some megabytes, and its number of lines from the byte `start` on.

    Args:
      path: a file that is not compressed.
      start, number: the byte and the number of the first line.
    """
    marks, lines, end = _skim(path, start, size=_RANGE)
    return _ranges(path, [(start, number), *((byte, number + line) for byte, line in marks)], end), lines


def cut_like(path: str, others: Sequence[Range]) -> tuple[list[Range], int]:
    """A file's ranges with the line numbers of another file's ranges, and its number of lines.

    A file with too few lines has fewer ranges.
    """
    marks, lines, end = _skim(path, after=[other.number - 1 for other in others[1:]])
    return _ranges(path, [(0, 1), *((byte, 1 + line) for byte, line in marks)], end), lines


def _skim(path, start=0, size=None, after=()):
    """((byte, lines before it) of each mark, the number of lines, the byte of the end).

    Marks are set every `size` bytes, or else where the numbers of lines `after` have ended.
    """
    marks, remaining = [], list(reversed(after))
    lines, byte, last, next_mark = 0, start, b"\n", start + size if size else None
    with opened(path) as file:
        file.seek(start)
        while block := file.read(_BLOCK):
            if next_mark and byte >= next_mark and (end := block.find(b"\n") + 1):
                marks.append((byte + end, lines + 1))
                next_mark = byte + end + size
            newlines = block.count(b"\n")
            end, seen = 0, 0
            while remaining and remaining[-1] <= lines + newlines:
                while seen < remaining[-1] - lines:
                    end, seen = block.find(b"\n", end) + 1, seen + 1
                marks.append((byte + end, remaining.pop()))
            lines, byte, last = lines + newlines, byte + len(block), block[-1:]
    if marks and marks[-1][0] == byte:
        marks.pop()
    return marks, lines + (last != b"\n"), byte


def _ranges(path, firsts, end):
    ends = [byte for byte, _ in firsts[1:]] + [end]
    return [Range(path, start, stop, number) for (start, number), stop in zip(firsts, ends, strict=True)]


def _decoded(part):
    number = part.number
    for block in _blocks(part):
        lines = _decode(block, part.path, number)
        number += len(lines)
        yield lines


def _blocks(part):
    """Blocks of whole lines."""
    byte = part.start
    with opened(part.path) as file:
        file.seek(byte)
        while part.end is None or byte < part.end:
            block = file.read(_BLOCK if part.end is None else min(_BLOCK, part.end - byte))
            if not block:
                break
            if byte + len(block) != part.end and not block.endswith(b"\n"):
                block += file.readline()
            yield block.removeprefix(codecs.BOM_UTF8) if byte == 0 else block
            byte += len(block)


def _decode(block, path, number):
    ended = block.endswith(b"\n")
    try:
        lines = block.decode().split("\n")
    except UnicodeDecodeError:
        lines = [_decode_line(line, path, number + i) for i, line in enumerate(block.split(b"\n"))]
    return lines[:-1] if ended else lines


def _decode_line(line, path, number):
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        return Broken("not UTF-8", f"{path}:{number} at byte {error.start + 1} of the line")
