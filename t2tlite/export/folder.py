"""The folder of an export: written whole or not at all. Needs no TensorFlow."""

import contextlib
import os
import pathlib
import shutil
from collections.abc import Iterator

from t2tlite.errors import UserError


def check(folder: str | os.PathLike) -> pathlib.Path:
    """The path of a folder that an export can be written to.

    Raises:
      UserError: there is something there.
    """
    path = pathlib.Path(folder)
    if path.is_dir():
        if any(path.iterdir()):
            raise UserError(f"the folder {path} is not empty; give a new one as --export_dir, or empty it")
    elif path.exists() or path.is_symlink():
        raise UserError(f"{path} is no folder; give a new one as --export_dir")
    return path


@contextlib.contextmanager
def whole(folder: str | os.PathLike) -> Iterator[pathlib.Path]:
    """A folder to write to, which gets its name when the block ends, and is removed where it fails.

    Raises:
      UserError: there is something in the folder already, or it can't be made.
    """
    path = check(folder)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.mkdir(parents=True)
    except OSError as error:
        raise UserError(f"can't make the folder {path}: {error.strerror}; use another one") from None
    try:
        yield part
        check(path)  # it took a while
        part.rename(path)
    finally:
        shutil.rmtree(part, ignore_errors=True)
