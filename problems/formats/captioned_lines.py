"""Images with captions in files of lines, as Multi30k has them."""

import functools
import itertools
import pathlib

from t2tlite.errors import UserError
from t2tlite.problem import Broken, Pieces
from t2tlite.problems.formats import coco_folder, lines
from t2tlite.problems.formats.source_folder import source_folder

_STEMS = {"train": ("train",), "validation": ("val", "validation"), "test": ("test_2016_flickr", "test")}
_IMAGES = ("flickr30k-images", "images")
_PART = 256  # images


def pieces(source_dir: str | None, split: str, language: str) -> Pieces:
    """Images with lists of captions; see `problems.multi30k.TranslatedCaptions.examples_from_files`.

    Raises:
      UserError: a file or folder is missing, or files differ in their numbers of lines.
    """
    stems = _STEMS[split]
    expected = (
        f"{stems[0]}.txt (the name of an image a line), {stems[0]}.{language} or {stems[0]}.1.{language} and"
        f" so on (a caption a line) and {_IMAGES[0]}/, from https://github.com/multi30k/dataset"
    )
    folder = source_folder(source_dir, expected)
    images = next((name for name in _IMAGES if (folder / name).is_dir()), None)
    for stem in stems:
        names = _first(folder, "image_splits", f"{stem}.txt")
        captions = _captions(folder, stem, language)
        if images and names and captions:
            return _pieces(str(folder), images, names, captions)
    raise UserError(f"--source_dir={source_dir} has no {language} captions of {split}; expected {expected}")


def _first(folder: pathlib.Path, inner: str, name: str) -> str | None:
    paths = (place / f"{name}{ending}" for place in (folder, folder / inner) for ending in ("", ".gz"))
    return next((str(path) for path in paths if path.is_file()), None)


def _captions(folder: pathlib.Path, stem: str, language: str) -> list[str]:
    """The files of captions: one, or those that are numbered."""
    if one := _first(folder, "raw", f"{stem}.{language}"):
        return [one]
    numbered = (_first(folder, "raw", f"{stem}.{number}.{language}") for number in itertools.count(1))
    return list(itertools.takewhile(lambda path: path is not None, numbered))  # type: ignore[arg-type]


def _pieces(folder: str, images: str, names: str, captions: list[str]) -> Pieces:
    columns = [list(lines.read(lines.Range(path))) for path in (names, *captions)]
    for path, column in zip(captions, columns[1:], strict=True):
        if len(column) != len(columns[0]):
            raise UserError(
                f"{names} has {len(columns[0]):,} lines and {path} {len(column):,}; they must correspond"
            )
    items = []
    for number, (name, *texts) in enumerate(zip(*columns, strict=True), 1):
        broken = next((text for text in (name, *texts) if isinstance(text, Broken)), None)
        told = tuple(text.strip() for text in texts if not isinstance(text, Broken) and text.strip())
        # Lists of captions in other languages have a number behind the image's name.
        items.append(broken or (images, name.partition("#")[0].strip(), f"line {number}", told))
    parts = [tuple(items[first : first + _PART]) for first in range(0, len(items), _PART)]
    return Pieces(functools.partial(coco_folder.read, folder), parts, len(items))
