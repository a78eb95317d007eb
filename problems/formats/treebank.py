"""Files of trees in the Penn Treebank's brackets, over several lines or a line each."""

import codecs
from collections.abc import Iterable, Iterator

from t2tlite.problem import Broken, Dropped
from t2tlite.problems import trees
from t2tlite.problems.formats import lines

_LONGEST = 4 << 20  # bytes up to the next tree, far more than a sentence takes


def read(parts: Iterable[lines.Range]) -> Iterator[str | Broken | Dropped]:
    """The trees of files or of ranges of files, as `trees.read` gives them.

    A tree begins on a line that starts with "(", without space before it, and ends before the next such
    line; so after one that can't be read, reading goes on with the next. Several trees may follow one another
    on the same lines: they stand and fall together. Empty lines don't matter, nor does `lines.Range.end`
    within a tree, which belongs to the range it begins in.

    Yields:
      A tree in one line; `Broken` for what can't be read, with the file and the line it begins on; `Dropped`
      for a tree without words.

    Raises:
      UserError: a file can't be read, or is no whole gzip file.
    """
    for part in parts:
        for number, text in _texts(part):
            yield from _read(text, f"{part.path}:{number}")


def _read(text: bytes, where: str) -> Iterator[str | Broken | Dropped]:
    if len(text) > _LONGEST:
        yield Broken("no tree begins at the start of a line for 4 MiB", where)
        return
    try:
        parsed = trees.read(text.decode())
    except UnicodeDecodeError:
        yield Broken("not UTF-8", where)
    except trees.NoTree as error:
        yield Broken(error.reason, where)
    else:
        for tree in parsed:
            yield tree or Dropped("a tree without words")


def _texts(part: lines.Range) -> Iterator[tuple[int, bytes]]:
    """Each line that begins a tree, by its number, with the lines up to the next one."""
    text, first, byte = bytearray(), part.number, part.start
    with lines.opened(part.path) as file:
        file.seek(part.start)
        for number, line in enumerate(file, part.number):
            size = len(line)
            if byte == 0:
                line = line.removeprefix(codecs.BOM_UTF8)
            if line.startswith(b"("):
                if text:
                    yield first, bytes(text)
                    text.clear()
                if part.end is not None and byte >= part.end:
                    return
            elif not text and (part.start > 0 or not line.strip()):
                line = b""  # the end of a tree that begins in the range before, or an empty line
            if line and not text:
                first = number
            if len(text) <= _LONGEST:
                text += line
            byte += size
    if text:
        yield first, bytes(text)
