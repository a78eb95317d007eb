"""VQA v2's JSON: the questions about an image, and what annotators answered."""

import dataclasses
import json
import os
import sys
from typing import Any

from t2tlite.errors import UserError
from t2tlite.problem import Broken
from t2tlite.problems.formats.vqa_answers import spelled

ANNOTATORS = 10
_QUESTION = {"question_id": int, "image_id": int, "question": str}
_ANNOTATION = {"question_id": int, "multiple_choice_answer": str, "answers": list}
_USED = frozenset([*_QUESTION, *_ANNOTATION, "questions", "annotations"])


@dataclasses.dataclass(frozen=True)
class Asked:
    """A question about an image.

    Attributes:
      question_id, image_id: VQA's and COCO's numbers.
      question: on one line, with single spaces between words.
      answer: the most frequent one, spelled as `vqa_answers.spelled` does.
      answers: of all annotators, spelled so.
    """

    question_id: int
    image_id: int
    question: str
    answer: str
    answers: tuple[str, ...]


def asked(questions: str | os.PathLike, annotations: str | os.PathLike) -> list[Asked | Broken]:
    """The questions of `v2_OpenEnded_*_questions.json` with their answers, in its order.

    A question that has not ten answers is `Broken`; so is an annotation of no question, which come last.

    Args:
      questions: path of the file of questions.
      annotations: path of the file of answers, `v2_*_annotations.json`.

    Raises:
      UserError: a file can't be read, or is not of this format.
    """
    answers = {}
    for number, row in enumerate(_rows(annotations, "annotations")):
        key, most, texts = _values(row, _ANNOTATION, f"{annotations}: annotations[{number}]")
        answers[key] = most, texts
    examples: list[Asked | Broken] = []
    for number, row in enumerate(_rows(questions, "questions")):
        key, image, text = _values(row, _QUESTION, f"{questions}: questions[{number}]")
        most, texts = answers.pop(key, ("", ()))
        text, where = " ".join(text.split()), f"{questions}: question {key}"
        if not text:
            examples.append(Broken("an empty question", where))
        elif len(texts) != ANNOTATORS or not all(isinstance(one, str) and one.strip() for one in texts):
            examples.append(Broken(f"a question without {ANNOTATORS} answers", where))
        else:
            examples.append(Asked(key, image, text, _spelled(most), tuple(map(_spelled, texts))))
    examples += [Broken("answers to no question", f"{annotations}: question {key}") for key in answers]
    return examples


def _spelled(answer: str) -> str:
    return sys.intern(spelled(answer))


def _rows(path, name) -> list[Any]:
    try:
        with open(path, "rb") as file:
            data = json.loads(file.read(), object_hook=_slim)
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 at byte {error.start + 1}; fetch it again") from None
    except json.JSONDecodeError as error:
        raise UserError(
            f"{path}:{error.lineno}: no JSON at column {error.colno}: {error.msg}; fetch it again"
        ) from None
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}") from None
    rows = data.get(name) if isinstance(data, dict) else None
    if not isinstance(rows, list):
        raise UserError(f"{path} has no list `{name}`; expected VQA v2's {name}")
    return rows


def _slim(row):
    """What is used of an object, an annotator's answer as a `str`: there are four millions of them."""
    if isinstance(row.get("answer"), str):
        return sys.intern(row["answer"])
    return {key: value for key, value in row.items() if key in _USED}


def _values(row, kinds, where):
    for name, kind in kinds.items():
        if not isinstance(row, dict) or not isinstance(row.get(name), kind):
            raise UserError(f"{where} has no `{name}` ({kind.__name__}); expected VQA v2's format")
    return [row[name] for name in kinds]
