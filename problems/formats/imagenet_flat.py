"""ILSVRC 2012's validation images in one folder, ILSVRC2012_val_00000001.JPEG and so on."""

import os
from collections.abc import Iterator

from t2tlite.errors import UserError
from t2tlite.problem import Broken, Dropped
from t2tlite.problems.formats import class_folders, images
from t2tlite.problems.formats.imagenet_labels import class_of

_PART = 500  # images


def parts(folder: str | os.PathLike) -> list[tuple[str, tuple[str, ...]]]:
    """Parts for `read`: the folder and names of files.

    Raises:
      UserError: the folder is empty.
    """
    names = class_folders.listed(folder)
    if not names:
        raise UserError(f"{folder} is empty; expected ILSVRC2012_val_00000001.JPEG and so on")
    return [(os.fspath(folder), tuple(names[first : first + _PART])) for first in range(0, len(names), _PART)]


def read(
    labels_path: str, known: tuple[str, ...], part: tuple[str, tuple[str, ...]]
) -> Iterator[dict | Broken | Dropped]:
    """Yields images with their classes.

    Args:
      labels_path: see `imagenet_labels`.
      known: the classes; images of others are dropped.
      part: one of `parts`.
    """
    folder, names = part
    for name in names:
        path = os.path.join(folder, name)
        label = class_of(name, path, labels_path, known)
        yield images.example_of(path, label) if isinstance(label, str) else label
