"""Classes of ILSVRC 2012's validation images, from the devkit or from its text form."""

import functools
import io
import os
import re
import tarfile
import zlib

from t2tlite.errors import UserError
from t2tlite.problem import Broken, Dropped

TEXT = "imagenet_2012_validation_synset_labels.txt"
DEVKIT = "ILSVRC2012_devkit_t12"
_TRUTH = "data/ILSVRC2012_validation_ground_truth.txt"
_META = "data/meta.mat"
_NAME = re.compile(r"ILSVRC2012_val_(\d{8})\.JPEG")


def find(folder: str | os.PathLike) -> str:
    """Path of the labels in a folder: the text, else the devkit, extracted or as .tar.gz.

    Raises:
      UserError: there is none.
    """
    for name in (TEXT, DEVKIT, f"{DEVKIT}.tar.gz"):
        path = os.path.join(folder, name)
        if os.path.exists(path):
            return path
    raise UserError(
        f"no classes of the validation images in {folder}; expected {DEVKIT}.tar.gz or {DEVKIT}/ (from "
        f"https://image-net.org/download-images), or {TEXT}, a line for each image"
    )


def class_of(name: str, where: str, path: str, known: tuple[str, ...]) -> str | Broken | Dropped:
    """The class of an image of the given file name, or why there is none.

    Args:
      name: as ILSVRC2012_val_00000001.JPEG.
      where: which image, for the message.
      path: of the labels.
      known: the classes; an image of another is dropped.
    """
    match = _NAME.fullmatch(name)
    if not match:
        return Broken("not named as ILSVRC2012_val_00000001.JPEG", where)
    labels, number = read(path), int(match[1])
    if not 1 <= number <= len(labels):
        return Broken(f"{os.path.basename(path)} has no class for the image", where)
    label = labels[number - 1]
    return label if label in known else Dropped("an image of a class that is not in the training data")


@functools.lru_cache(maxsize=1)
def read(path: str) -> tuple[str, ...]:
    """WordNet ids (as n01440764), the first being that of ILSVRC2012_val_00000001.JPEG.

    Args:
      path: what `find` gives.

    Raises:
      UserError: it can't be read, or needs SciPy where that is not installed.
    """
    if path.endswith(".txt"):
        with open(path, "rb") as file:
            return _synsets(file.read(), path)
    truth, meta = _from_archive(path) if path.endswith(".gz") else _from_folder(path)
    ids = _synsets_by_number(meta, path)
    return tuple(_synset(line, number, ids, path) for number, line in enumerate(truth.split(), 1))


def _synsets(data, path):
    lines = data.decode("utf-8", "replace").split()
    for number, line in enumerate(lines, 1):
        if not re.fullmatch(r"n\d{8}", line):
            raise UserError(f"{path}:{number}: {line!r} is no WordNet id, such as n01440764")
    return tuple(lines)


def _synset(line, number, ids, path):
    try:
        return ids[int(line)]
    except (ValueError, KeyError):
        shown = line.decode("utf-8", "replace")
        raise UserError(
            f"{path}: line {number} of {_TRUTH} is {shown!r}; expected one of the {len(ids)} numbers in "
            f"{_META}"
        ) from None


def _from_folder(path):
    contents = []
    for name in (_TRUTH, _META):
        try:
            with open(os.path.join(path, name), "rb") as file:
                contents.append(file.read())
        except OSError as error:
            raise UserError(f"{os.path.join(path, name)} can't be read: {error.strerror}") from None
    return contents


def _from_archive(path):
    contents = {}
    try:
        with tarfile.open(path, "r:gz") as tar:
            for member in tar:
                for name in (_TRUTH, _META):
                    if member.isreg() and member.name.endswith(f"/{name}"):
                        contents[name] = tar.extractfile(member).read()
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise UserError(f"{path} is damaged or no tar.gz: {error}; fetch it again") from None
    for name in (_TRUTH, _META):
        if name not in contents:
            raise UserError(f"{path} holds no {name}; expected the devkit for tasks 1 and 2 of ILSVRC 2012")
    return contents[_TRUTH], contents[_META]


def _synsets_by_number(meta, path):
    try:
        import scipy.io
    except ImportError:
        raise UserError(
            f"{path} holds MATLAB's {_META}, which SciPy reads: `pip install t2tlite[imagenet]`, or give "
            f"{TEXT}, a line for each image, instead"
        ) from None
    try:
        synsets = scipy.io.loadmat(io.BytesIO(meta), squeeze_me=True)["synsets"]
        rows = zip(synsets["ILSVRC2012_ID"].tolist(), synsets["WNID"].tolist(), strict=True)
        return {int(number): str(synset) for number, synset in rows}
    except Exception as error:  # SciPy raises many kinds
        raise UserError(f"{_META} of {path} can't be read: {error}; fetch it again") from None
