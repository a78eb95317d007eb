"""A folder with COCO: images, and their captions in COCO's JSON or Karpathy's split."""

import functools
import os
from collections.abc import Iterator

from t2tlite.errors import UserError
from t2tlite.problem import Broken, Dropped, Pieces
from t2tlite.problems.formats import coco_json, images
from t2tlite.problems.formats.hold_out import held_out
from t2tlite.problems.formats.source_folder import source_folder

HELD_OUT = 32  # about 1 training image in so many is for validation, without Karpathy's split
_YEARS = ("2014", "2017")
_PART = 256  # images
_KARPATHY = "dataset_coco.json"
EXPECTED = (
    "annotations/captions_train2014.json, annotations/captions_val2014.json (or 2017; or Karpathy's "
    f"{_KARPATHY}), train2014/ and val2014/, from https://cocodataset.org/#download"
)


def pieces(source_dir: str | None, split: str) -> Pieces:
    """Images with lists of captions; see `problems.coco.CocoCaptions.examples_from_files` for what is read.

    Raises:
      UserError: the folder, or what the split needs, is missing or damaged.
    """
    folder = source_folder(source_dir, EXPECTED)
    for path in (folder / _KARPATHY, folder / "annotations" / _KARPATHY):
        if path.exists():
            rows = coco_json.karpathy(path, split)
            return _pieces(folder, "", rows, path)
    years = [year for year in _YEARS if (folder / "annotations" / f"captions_train{year}.json").exists()]
    if len(years) != 1:
        what = "captions of 2014 and of 2017" if years else "no captions"
        raise UserError(f"{what} in {source_dir}; expected one of them: {EXPECTED}")
    part = f"{'val' if split == 'test' else 'train'}{years[0]}"
    path = folder / "annotations" / f"captions_{part}.json"
    rows = coco_json.captioned(path)
    if split != "test":
        rows = [row for row in rows if _is_in(row, split)]
    return _pieces(folder, part, rows, path)


def _is_in(row, split):
    if isinstance(row, Broken):
        return split == "train"
    return held_out(row.file, HELD_OUT) == (split == "validation")


def _pieces(folder, part, rows, path):
    used = sorted({row.folder or part for row in rows if not isinstance(row, Broken)})
    if not used:
        raise UserError(f"{path} has no images for this split; expected COCO's captions")
    for name in used:
        if not (folder / name).is_dir():
            raise UserError(f"no folder {folder / name} with the images of {path}; expected {EXPECTED}")
    items = [
        row if isinstance(row, Broken) else (row.folder or part, row.file, row.image_id, row.captions)
        for row in rows
    ]
    parts = [tuple(items[first : first + _PART]) for first in range(0, len(items), _PART)]
    return Pieces(functools.partial(read, str(folder)), parts, len(items))


def read(folder: str, part: tuple) -> Iterator[dict | Broken | Dropped]:
    """Yields the images of a part, each with all of its captions.

    Args:
      folder: that the folders of images are in.
      part: of each image its folder's name, its file's name, its id and captions; or a `Broken`.
    """
    for item in part:
        if isinstance(item, Broken):
            yield item
            continue
        name, file, image_id, captions = item
        path = os.path.join(folder, name, file)
        if not captions:
            yield coco_json.NO_CAPTION
        elif not os.path.exists(path):
            yield Broken("a caption for an image that is missing", f"{path}, image {image_id}")
        else:
            yield images.example_of(path, list(captions), f"{path}, image {image_id}")
