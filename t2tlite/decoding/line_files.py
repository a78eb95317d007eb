"""Files of lines: read whole, and written whole or not at all. Needs no TensorFlow."""

import contextlib
import os
import pathlib
from collections.abc import Iterator
from typing import Any

from t2tlite.errors import UserError


def read_lines(path: str) -> list[bytes]:
    """The lines of a file, without their ends; only a line feed, or a carriage return before it, ends a line.

    Raises:
      UserError: the file can't be read.
    """
    try:
        content = pathlib.Path(path).read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise UserError(f"can't read --decode_from_file={path}: {error.strerror}") from None
    lines = content.split(b"\n")
    if not lines[-1]:
        del lines[-1]
    return [line.removesuffix(b"\r") for line in lines]


@contextlib.contextmanager
def whole_file(path: str) -> Iterator[Any]:
    """A text file to write that is there under its name once everything is written, and not before.

    Raises:
      UserError: it can't be written; known before anything is decoded.
    """
    final = pathlib.Path(path)
    if final.is_dir():
        raise UserError(f"--decode_to_file={path} is a folder; expected the name of a file")
    part = final.with_name(f"{final.name}.{os.getpid()}.tmp")
    try:
        file = part.open("w", encoding="utf-8", newline="\n")
    except OSError as error:
        raise UserError(f"can't write --decode_to_file={path}: {error.strerror}") from None
    try:
        with file:
            yield file
        part.replace(final)
    finally:
        part.unlink(missing_ok=True)
