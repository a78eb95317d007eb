"""Images in a folder for each class, named after it."""

import os
from collections.abc import Iterator

from t2tlite.errors import UserError
from t2tlite.problem import Broken
from t2tlite.problems.formats import images
from t2tlite.problems.formats.hold_out import held_out


def classes(folder: str | os.PathLike) -> list[str]:
    """Names of the classes in alphabetical order: those of the folders, apart from hidden ones."""
    with os.scandir(os.fspath(folder)) as entries:
        return sorted(entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir())


def listed(folder: str | os.PathLike) -> list[str]:
    """Names of the files in a folder in alphabetical order, apart from hidden ones."""
    return sorted(name for name in os.listdir(folder) if not name.startswith("."))


def read(one_in: int | None, only_held_out: bool, part: tuple[str, str]) -> Iterator[dict | Broken]:
    """Yields the images of a class.

    Args:
      one_in: the share that is held out of this folder for another split, see `held_out`; None: nothing.
      only_held_out: whether to yield what is held out, rather than the rest.
      part: the folder of classes, and the class.
    """
    folder, name_of_class = part
    try:
        names = listed(os.path.join(folder, name_of_class))
    except OSError as error:
        raise UserError(f"{os.path.join(folder, name_of_class)} can't be read: {error.strerror}") from None
    for name in names:
        if one_in is None or held_out(f"{name_of_class}/{name}", one_in) == only_held_out:
            yield images.example_of(os.path.join(folder, name_of_class, name), name_of_class)
