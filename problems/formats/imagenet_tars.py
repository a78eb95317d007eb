"""The tar archives of ILSVRC 2012: one of a tar for each class, and one of all validation images."""

import os
import posixpath
from collections.abc import Iterator

from t2tlite.errors import UserError
from t2tlite.problem import Broken, Dropped
from t2tlite.problems.formats import images, tars
from t2tlite.problems.formats.hold_out import held_out
from t2tlite.problems.formats.imagenet_labels import class_of

TRAIN = "ILSVRC2012_img_train.tar"
VALIDATION = "ILSVRC2012_img_val.tar"
_RUN = 64 << 20  # bytes


def class_tars(path: str | os.PathLike) -> list[tuple[str, str, int, int]]:
    """The classes in alphabetical order, as parts for `read_class`: `(path, class, first byte, end)`.

    Raises:
      UserError: the archive is truncated or damaged, or holds other files.
    """
    parts = {}
    with tars.Tar(os.fspath(path)) as tar:
        for member in tar:
            name, ending = posixpath.splitext(posixpath.basename(member.name))
            if member.kind == "folder" or name.startswith("."):
                continue
            if ending != ".tar":
                raise UserError(
                    f"{path} holds {member.name}; expected the archive {TRAIN}, a tar of a tar for each class"
                )
            parts[name] = (os.fspath(path), name, member.start, member.start + member.size)
    return [parts[name] for name in sorted(parts)]


def read_class(
    one_in: int | None, only_held_out: bool, part: tuple[str, str, int, int]
) -> Iterator[dict | Broken | Dropped]:
    """Yields the images of a class, in the order of its tar.

    Args:
      one_in, only_held_out: as of `class_folders.read`.
      part: one of `class_tars`.
    """
    path, name_of_class, first, end = part
    with tars.Tar(path, first, end) as tar:
        for member, name in _files(tar):
            if one_in is None or held_out(f"{name_of_class}/{name}", one_in) == only_held_out:
                yield _example(tar, member, name_of_class, f"{path}:{name_of_class}.tar:{name}")


def runs(path: str | os.PathLike) -> list[tuple[str, int, int]]:
    """Parts for `read_run`.

    Raises:
      UserError: the archive is truncated or damaged.
    """
    return [(os.fspath(path), first, end) for first, end in tars.runs(os.fspath(path), _RUN)]


def read_run(
    labels_path: str, known: tuple[str, ...], part: tuple[str, int, int]
) -> Iterator[dict | Broken | Dropped]:
    """Yields validation images with their classes, in the order of the tar.

    Args:
      labels_path: see `imagenet_labels`.
      known: the classes; images of others are dropped.
      part: one of `runs`.
    """
    path, first, end = part
    with tars.Tar(path, first, end, closed=False) as tar:
        for member, name in _files(tar):
            where = f"{path}:{name}"
            label = class_of(name, where, labels_path, known)
            yield _example(tar, member, label, where) if isinstance(label, str) else label


def _files(tar):
    for member in tar:
        name = posixpath.basename(member.name)
        if not name.startswith(".") and member.kind != "folder":
            yield member, name


def _example(tar, member, name_of_class, where):
    if member.kind != "file":
        return Broken("image: not a file, but a link", where)
    return images.example(tar.read(member), name_of_class, where)
