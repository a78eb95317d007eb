"""The folder that a user gives for source "files"."""

import pathlib

from t2tlite.errors import UserError


def source_folder(source_dir: str | None, expected: str) -> pathlib.Path:
    """The folder, with the user's home in place of `~`.

    Args:
      source_dir: as given; None where it was not.
      expected: what has to be in it, to say so where it is not there.

    Raises:
      UserError: there is no such folder.
    """
    if not source_dir:
        raise UserError(f"source `files` needs --source_dir=DIR, a folder with {expected}")
    folder = pathlib.Path(source_dir).expanduser()
    if not folder.is_dir():
        raise UserError(f"--source_dir={source_dir} is no folder; expected one with {expected}")
    return folder
