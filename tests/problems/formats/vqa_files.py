"""Small VQA v2's in its true format, for the tests."""

import collections
import json

from .imagenet_files import image, write_flat

_LICENSE = {"url": "http://creativecommons.org/licenses/by/4.0/", "name": "Creative Commons"}


def questions(part, rows):
    """As `v2_OpenEnded_mscoco_*_questions.json`; rows of question's id, image's id, question, answers."""
    return {
        "info": {"description": "This is v2.0 of the VQA dataset.", "version": "2.0"},
        "task_type": "Open-Ended",
        "data_type": "mscoco",
        "license": _LICENSE,
        "data_subtype": part,
        "questions": [{"image_id": image, "question": q, "question_id": key} for key, image, q, _ in rows],
    }


def annotations(part, rows):
    """As `v2_mscoco_*_annotations.json`."""
    return {
        "info": {"description": "This is v2.0 of the VQA dataset.", "version": "2.0"},
        "license": _LICENSE,
        "data_type": "mscoco",
        "data_subtype": part,
        "annotations": [
            {
                "question_type": "what is",
                "multiple_choice_answer": collections.Counter(answers).most_common(1)[0][0],
                "answers": [
                    {"answer": answer, "answer_confidence": "maybe", "answer_id": number}
                    for number, answer in enumerate(answers, 1)
                ],
                "image_id": image,
                "answer_type": "other",
                "question_id": key,
            }
            for key, image, _, answers in rows
        ],
    }


def name(part, image):
    return f"COCO_{part}_{image:012d}.jpg"


def write(folder, part, rows):
    """The two JSON files and the images of train2014 or val2014."""
    (folder / f"v2_OpenEnded_mscoco_{part}_questions.json").write_text(json.dumps(questions(part, rows)))
    (folder / f"v2_mscoco_{part}_annotations.json").write_text(json.dumps(annotations(part, rows)))
    write_flat(folder / part, {name(part, number): image(number) for _, number, _, _ in rows})
