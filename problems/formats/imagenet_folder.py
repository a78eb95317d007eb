"""A folder with ImageNet: class folders or the official archives, and which of them makes which split."""

import dataclasses
import functools
import os
import pathlib

from t2tlite.errors import UserError
from t2tlite.problem import Pieces
from t2tlite.problems.formats import class_folders, imagenet_flat, imagenet_labels, imagenet_tars
from t2tlite.problems.formats.source_folder import source_folder

HELD_OUT = 128  # about 1 training image in so many is for validation, where there is no third split
EXPECTED = (
    "train/ (a folder of images for each class) or ILSVRC2012_img_train.tar, and validation/ or val/ "
    "(the same, or ILSVRC2012_val_*.JPEG) or ILSVRC2012_img_val.tar, from https://image-net.org/download-images"
)


@dataclasses.dataclass(frozen=True)
class _Found:
    """What is there: class folders, a folder of validation images or an archive each."""

    train: pathlib.Path
    validation: pathlib.Path | None
    test: pathlib.Path | None


def labels(source_dir: str | None) -> tuple[str, ...]:
    """Names of the training data's classes, in alphabetical order.

    Raises:
      UserError: the folder, or the training data in it, is missing.
    """
    return _classes(_find(source_dir).train)


def pieces(source_dir: str | None, split: str) -> Pieces:
    """Images with the names of their classes.

    `problems.imagenet.Imagenet.examples_from_files` says what is read.

    Raises:
      UserError: the folder, or what the split needs, is missing or damaged.
    """
    paths = _find(source_dir)
    official = [path for path in (paths.validation, paths.test) if path]
    if split == "train":
        return _of_classes(paths.train, HELD_OUT if len(official) < 2 else None, False)
    if not official:
        raise UserError(f"no validation images in {source_dir}; expected {EXPECTED}")
    if split == "validation" and len(official) < 2:
        return _of_classes(paths.train, HELD_OUT, True)
    return _evaluation(official[0] if split == "validation" else official[-1], paths.train)


def _find(source_dir):
    folder = source_folder(source_dir, EXPECTED)
    train = _one(folder, "train", imagenet_tars.TRAIN)
    if train is None:
        raise UserError(f"no training images in {source_dir}; expected {EXPECTED}")
    test = folder / "test"
    # The official test images are in no folders, since their classes are not public.
    has_classes = test.is_dir() and class_folders.classes(test)
    validation = _one(folder, "validation", "val", imagenet_tars.VALIDATION)
    return _Found(train, validation, test if has_classes else None)


def _one(folder, *names):
    paths = [folder / name for name in names if (folder / name).exists()]
    if len(paths) > 1:
        raise UserError(f"both {paths[0]} and {paths[1]} are there; keep the one to be used in the folder")
    return paths[0] if paths else None


@functools.lru_cache(maxsize=4)
def _class_tars(path, size, time):
    return tuple(imagenet_tars.class_tars(path))


def _parts(path):
    """Class folders or the tars of classes, in the order of their classes' names."""
    if path.is_dir():
        return [(str(path), name) for name in class_folders.classes(path)]
    stat = path.stat()
    return list(_class_tars(str(path), stat.st_size, stat.st_mtime_ns))


def _classes(path):
    classes = tuple(part[1] for part in _parts(path))
    if not classes:
        raise UserError(f"{path} has no classes; expected a folder, or in an archive a tar, for each")
    return classes


def _of_classes(path, one_in, only_held_out):
    _classes(path)
    read = class_folders.read if path.is_dir() else imagenet_tars.read_class
    return Pieces(functools.partial(read, one_in, only_held_out), _parts(path))


def _evaluation(path, train):
    known = _classes(train)
    if path.is_dir() and (classes := class_folders.classes(path)):
        strange = sorted(set(classes) - set(known))
        if strange:
            raise UserError(
                f"{path / strange[0]} is of a class that {train} does not have; remove or rename it"
            )
        return _of_classes(path, None, False)
    labels_path = imagenet_labels.find(path.parent)
    if not set(imagenet_labels.read(labels_path)) & set(known):
        raise UserError(f"{labels_path} names none of the classes in {train}, such as {known[0]}")
    if path.is_dir():
        parts = imagenet_flat.parts(path)
        read = imagenet_flat.read
    else:
        parts = imagenet_tars.runs(path)
        read = imagenet_tars.read_run
    return Pieces(
        functools.partial(read, os.fspath(labels_path), known), parts, len(imagenet_labels.read(labels_path))
    )
