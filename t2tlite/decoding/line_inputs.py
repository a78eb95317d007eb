"""What a line of a file gives to a problem: a sentence, or the path of a picture or a sound."""

import os
import pathlib
import stat
import zlib

import numpy as np

from t2tlite.decoding.line_files import LineFile
from t2tlite.errors import UserError
from t2tlite.features.feature import Feature


def value(line: bytes, feature: Feature, folder: pathlib.Path) -> str:
    """The sentence, or the path, of a line.

    Args:
      feature: the problem's input.
      folder: where paths are looked for before the working directory.

    Raises:
      UserError: it is not UTF-8, or no path of a file.
    """
    return path(os.fsdecode(line.strip()), folder) if feature.is_file else text(line)


def text(line: bytes) -> str:
    """A line as text.

    Raises:
      UserError: it is not UTF-8.
    """
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"not UTF-8 at byte {error.start + 1} of the line") from None


def path(name: str, folder: pathlib.Path) -> str:
    """A file's path, relative to the folder or to the working directory; "" for "".

    Raises:
      UserError: there is no such file, or it is a folder, a pipe or a device, which never end.
    """
    if not name:
        return ""
    found = _place(name, folder)
    try:
        mode = os.stat(found).st_mode
    except OSError as error:
        raise UserError(f"can't read {name}: {error.strerror}") from None
    except ValueError:
        raise UserError(f"can't read {name!r}: no path has such a character") from None
    if not stat.S_ISREG(mode):
        raise UserError(f"can't read {name}: a {'directory' if stat.S_ISDIR(mode) else 'device'}, not a file")
    return found


def sizes_and_stamps(
    lines: LineFile, feature: Feature, folder: pathlib.Path, pairs: bool
) -> tuple[np.ndarray, np.ndarray]:
    """How much there is to read for each line, and a number that changes when it does; int64 `[lines]` both.

    Sentences have stamps of 0, since they are in the lines; pictures have sizes of 0, since they are scaled.

    Args:
      feature, folder: see `value`.
      pairs: behind a tab, lines have targets.
    """
    stamps = np.zeros(len(lines), np.int64)
    if not feature.is_file:
        return lines.lengths, stamps
    sizes = np.zeros(len(lines), np.int64)
    for number in range(len(lines)):
        name = lines[number].partition(b"\t")[0] if pairs else lines[number]
        try:
            found = os.stat(_place(os.fsdecode(name.strip()), folder))
        except (OSError, ValueError):
            continue  # told when it is its turn
        stamps[number] = zlib.crc32(b"%d %d" % (found.st_size, found.st_mtime_ns))
        sizes[number] = found.st_size if feature.costs_by_size else 0
    return sizes, stamps


def _place(name, folder):
    name = os.path.expanduser(name)
    beside = os.path.join(folder, name)
    return beside if os.path.exists(beside) else name
