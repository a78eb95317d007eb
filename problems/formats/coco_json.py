"""Captions in COCO's JSON and in Karpathy's split file: which image has which captions."""

import dataclasses
import json
import os
from collections.abc import Iterable, Iterator
from typing import Any

from t2tlite.errors import UserError
from t2tlite.problem import Broken, Dropped

NO_CAPTION = Dropped("an image without a caption")
_CAPTION = {"id": int, "image_id": int, "caption": str}
_IMAGE = {"id": int, "file_name": str}
_SPLIT_IMAGE = {"split": str, "filename": str, "sentences": list}
_SPLITS = {"train": "train", "restval": "train", "val": "validation", "test": "test"}
_USED = frozenset(
    ("images", "annotations", "id", "file_name", "image_id", "caption")
    + ("filepath", "filename", "split", "sentences", "raw", "cocoid")
)


@dataclasses.dataclass(frozen=True)
class Captioned:
    """An image with its captions.

    Attributes:
      folder: name of the folder that the image is in; empty where the file does not say.
      file: name of the image's file.
      image_id: COCO's number of it.
      captions: in order, with single spaces between words.
    """

    folder: str
    file: str
    image_id: int
    captions: tuple[str, ...]


def captioned(path: str | os.PathLike) -> list[Captioned | Broken]:
    """The images of a `captions_*.json`, in its order, with captions in the order of their ids.

    Captions of an image that is not listed are `Broken`, and come last.

    Raises:
      UserError: the file can't be read, or is not of this format.
    """
    data = _load(path)
    captions: dict[Any, list] = {}
    for number, row in enumerate(_rows(data, "annotations", path)):
        key, image, text = _values(row, _CAPTION, f"{path}: annotations[{number}]")
        captions.setdefault(image, []).append((key, text))
    examples: list[Captioned | Broken] = []
    for number, row in enumerate(_rows(data, "images", path)):
        key, file = _values(row, _IMAGE, f"{path}: images[{number}]")
        texts = sorted(captions.pop(key, ()), key=lambda pair: pair[0])
        examples.append(Captioned("", file, key, tidy(text for _, text in texts)))
    examples += _unlisted(captions, path)
    return examples


def _unlisted(captions, path) -> Iterator[Broken]:
    for image, texts in captions.items():
        for key, _ in texts:
            yield Broken("a caption for an image that is not listed", f"{path}: caption {key}, image {image}")


def karpathy(path: str | os.PathLike, split: str) -> list[Captioned]:
    """The images of one split of `dataset_coco.json`, in its order, as are their captions.

    Args:
      path: of the file (Karpathy and Li 2015, arXiv 1412.2306).
      split: train (his train and restval), validation (his val) or test.

    Raises:
      UserError: the file can't be read, or is not of this format.
    """
    examples = []
    for number, row in enumerate(_rows(_load(path), "images", path)):
        where = f"{path}: images[{number}]"
        his, file, sentences = _values(row, _SPLIT_IMAGE, where)
        if his not in _SPLITS:
            raise UserError(f"{where} has split {his!r}; expected one of {', '.join(_SPLITS)}")
        if _SPLITS[his] == split:
            texts = [_values(sentence, {"raw": str}, f"{where}.sentences")[0] for sentence in sentences]
            examples.append(Captioned(row.get("filepath", ""), file, row.get("cocoid", number), tidy(texts)))
    return examples


def tidy(captions: Iterable[str]) -> tuple[str, ...]:
    """Captions on one line each, with single spaces between words; empty ones are left out."""
    return tuple(text for caption in captions if (text := " ".join(caption.split())))


def _load(path):
    try:
        with open(path, "rb") as file:
            # Most of what is there (URLs, licenses, tokens) is dropped at once: it would fill the memory.
            return json.loads(file.read(), object_hook=_slim)
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 at byte {error.start + 1}; fetch it again") from None
    except json.JSONDecodeError as error:
        raise UserError(
            f"{path}:{error.lineno}: no JSON at column {error.colno}: {error.msg}; fetch it again"
        ) from None
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}") from None


def _slim(row):
    return {key: value for key, value in row.items() if key in _USED}


def _rows(data, name, path):
    rows = data.get(name) if isinstance(data, dict) else None
    if not isinstance(rows, list):
        raise UserError(f"{path} has no list `{name}`; expected COCO's captions, not instances or keypoints")
    return rows


def _values(row, kinds, where):
    for name, kind in kinds.items():
        if not isinstance(row, dict) or not isinstance(row.get(name), kind):
            raise UserError(f"{where} has no `{name}` ({kind.__name__}); expected COCO's captions")
    return [row[name] for name in kinds]
