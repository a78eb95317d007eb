"""A folder with VQA v2: its questions and answers, and COCO's images."""

import collections
import functools
import os
import pathlib
from collections.abc import Iterator

from t2tlite.errors import UserError
from t2tlite.problem import Broken, Pieces
from t2tlite.problems.formats import coco_folder, images, vqa_json
from t2tlite.problems.formats.hold_out import held_out
from t2tlite.problems.formats.source_folder import source_folder

_PART = 256  # questions
_QUESTIONS, _ANNOTATIONS = "v2_OpenEnded_mscoco_{}_questions.json", "v2_mscoco_{}_annotations.json"
EXPECTED = (
    f"{_QUESTIONS.format('train2014')}, {_ANNOTATIONS.format('train2014')}, the same of val2014, train2014/ "
    "and val2014/, from https://visualqa.org/download.html"
)


def pieces(source_dir: str | None, split: str) -> Pieces:
    """Images with a question and ten answers; see `problems.vqa.Vqa.examples_from_files` for what is read.

    Raises:
      UserError: the folder, or what the split needs, is missing or damaged.
    """
    folder = source_folder(source_dir, EXPECTED)
    part = "val2014" if split == "test" else "train2014"
    if not (folder / part).is_dir():
        raise UserError(f"no folder {folder / part} with COCO's images; expected {EXPECTED}")
    rows = [
        row
        if isinstance(row, Broken)
        else (_file(part, row.image_id), row.question_id, row.question, row.answers)
        for row in _rows(folder, split)
    ]
    parts = [tuple(rows[first : first + _PART]) for first in range(0, len(rows), _PART)]
    return Pieces(functools.partial(read, str(folder)), parts, len(rows))


def answers(source_dir: str | None, most: int) -> tuple[str, ...]:
    """The most frequent answers of the training split, those of equal counts by name.

    A question counts once, with its most frequent answer (`multiple_choice_answer`).

    Args:
      source_dir: as in `pieces`.
      most: how many at most.

    Raises:
      UserError: as in `pieces`.
    """
    rows = _rows(source_folder(source_dir, EXPECTED), "train")
    counts = collections.Counter(row.answer for row in rows if not isinstance(row, Broken))
    if not counts:
        raise UserError(f"{source_dir} has no question with answers to train on; expected {EXPECTED}")
    return tuple(sorted(counts, key=lambda answer: (-counts[answer], answer))[:most])


def read(folder: str, part: tuple) -> Iterator[dict | Broken]:
    """Yields the examples of a part.

    Args:
      folder: that the folders of images are in.
      part: of each question its image's file, its id, its text and the answers; or a `Broken`.
    """
    for item in part:
        if isinstance(item, Broken):
            yield item
            continue
        file, question_id, question, answers = item
        path = os.path.join(folder, file)
        where = f"{path}, question {question_id}"
        if not os.path.exists(path):
            yield Broken("a question about an image that is missing", where)
            continue
        example = images.example_of(path, list(answers), where)
        if isinstance(example, dict):
            example["inputs"] = {"picture": example["inputs"], "question": question}
        yield example


def _rows(folder: pathlib.Path, split: str) -> list[vqa_json.Asked | Broken]:
    part = "val2014" if split == "test" else "train2014"
    paths = [folder / name.format(part) for name in (_QUESTIONS, _ANNOTATIONS)]
    for path in paths:
        if not path.exists():
            raise UserError(f"no {path.name} in {folder}; expected {EXPECTED}")
    rows = vqa_json.asked(*paths)
    return rows if split == "test" else [row for row in rows if _is_in(row, split)]


def _is_in(row, split):
    if isinstance(row, Broken):
        return split == "train"
    # By the image, so that none is in two splits; by its name, so that those of COCO's captions are the same.
    name = os.path.basename(_file("train2014", row.image_id))
    return held_out(name, coco_folder.HELD_OUT) == (split == "validation")


def _file(part: str, image_id: int) -> str:
    return f"{part}/COCO_{part}_{image_id:012d}.jpg"
