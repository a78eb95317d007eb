import json

import pytest

from t2tlite.errors import UserError
from t2tlite.problem import Broken
from t2tlite.problems.formats import vqa_json
from t2tlite.problems.formats.vqa_json import Asked

from . import vqa_files


@pytest.fixture
def read(tmp_path):
    def asked(questions, annotations):
        paths = tmp_path / "q.json", tmp_path / "a.json"
        for path, data in zip(paths, (questions, annotations), strict=True):
            path.write_text(data if isinstance(data, str) else json.dumps(data))
        return vqa_json.asked(*paths)

    return asked


def official():
    rows = [(262148000, 262148, "Where is he\nlooking? ", ["down"] * 9 + ["at Table"])]
    rows.append((393225, 393225, "How many?", ["two"] * 10))
    return vqa_files.questions("train2014", rows), vqa_files.annotations("train2014", rows[::-1])


def test_answers_are_found_by_the_questions_id(read):
    first = Asked(262148000, 262148, "Where is he looking?", "down", ("down",) * 9 + ("at table",))
    assert read(*official()) == [first, Asked(393225, 393225, "How many?", "2", ("2",) * 10)]


def test_what_does_not_fit_is_broken(read, tmp_path):
    questions, annotations = official()
    annotations["annotations"][0]["answers"].pop()
    annotations["annotations"][1]["question_id"] = 7
    questions["questions"].append({"image_id": 1, "question": " ", "question_id": 8})
    where, there = f"{tmp_path / 'q.json'}: question", f"{tmp_path / 'a.json'}: question"
    assert read(questions, annotations) == [
        Broken("a question without 10 answers", f"{where} 262148000"),
        Broken("a question without 10 answers", f"{where} 393225"),
        Broken("an empty question", f"{where} 8"),
        Broken("answers to no question", f"{there} 7"),
    ]


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda q, a: q.pop("questions"), "q.json has no list `questions`; expected VQA v2's questions"),
        (lambda q, a: a.pop("annotations"), "a.json has no list `annotations`"),
        (lambda q, a: q["questions"][1].pop("image_id"), r"questions\[1\] has no `image_id` \(int\)"),
        (lambda q, a: a["annotations"][0].update(answers="x"), r"annotations\[0\] has no `answers` \(list\)"),
    ],
)
def test_records_without_what_is_needed_are_named(read, change, message):
    data = official()
    change(*data)
    with pytest.raises(UserError, match=message):
        read(*data)


def test_broken_json_is_named_with_its_line(read, tmp_path):
    with pytest.raises(UserError, match="q.json:2: no JSON at column 1: .*; fetch it again"):
        read('{"questions":\n', official()[1])
    (tmp_path / "b.json").write_bytes(b'{"a": "\xff"}')
    with pytest.raises(UserError, match="b.json: not UTF-8 at byte 8"):
        vqa_json.asked(tmp_path / "b.json", tmp_path / "b.json")
    with pytest.raises(UserError, match="c.json can't be read: No such file"):
        vqa_json.asked(tmp_path / "c.json", tmp_path / "c.json")
