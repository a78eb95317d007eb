import json
import pickle

import pytest

from t2tlite import registry
from t2tlite.data.preparing import generate
from t2tlite.data.stored.prepared import PreparedSplit
from t2tlite.errors import UserError
from t2tlite.problem import Broken
from t2tlite.problems.formats import vqa_folder
from t2tlite.problems.formats.hold_out import held_out

from .formats import vqa_files
from .formats.imagenet_files import image

IMAGES = range(1, 81)
TEST = range(101, 104)
COLOURS = ("Red", "blue", "green", "blue")


def vqa():
    return registry.get_problem("vqa")


def examples(folder, split):
    return list(pickle.loads(pickle.dumps(vqa().examples(split, "files", str(folder)))))


def rows(numbers):
    """Two questions about each image, the first with a disagreeing answer."""
    for number in numbers:
        colour = COLOURS[number % 4]
        yield 10 * number, number, "What colour is it?", [colour] * 9 + ["a shade"]
        yield 10 * number + 1, number, "Is it one?", ["yes"] * 10


def expected(numbers):
    for number in numbers:
        colour = COLOURS[number % 4].lower()
        for question, answers in (
            ("What colour is it?", [colour] * 9 + ["shade"]),
            ("Is it one?", ["yes"] * 10),
        ):
            yield {"inputs": {"picture": image(number), "question": question}, "targets": answers}


@pytest.fixture
def folder(tmp_path):
    vqa_files.write(tmp_path, "train2014", list(rows(IMAGES)))
    vqa_files.write(tmp_path, "val2014", list(rows(TEST)))
    return tmp_path


def test_pictures_with_a_question_and_ten_answers(folder):
    held = [n for n in IMAGES if held_out(vqa_files.name("train2014", n), 32)]
    assert 0 < len(held) < 10
    assert examples(folder, "validation") == list(expected(held))
    assert examples(folder, "train") == list(expected(n for n in IMAGES if n not in held))
    assert examples(folder, "test") == list(expected(TEST))


def test_the_classes_are_the_most_frequent_answers_of_training(folder, monkeypatch):
    labels = vqa().labels("files", str(folder))
    assert labels[:2] == ("yes", "blue") and set(labels[2:]) == {"green", "red"}
    monkeypatch.setattr(type(vqa()), "most_answers", 2)
    assert vqa().labels("files", str(folder)) == ("yes", "blue")
    assert "shade" not in labels  # nobody's most frequent answer


def test_it_is_prepared_and_an_answer_that_is_no_class_is_kept(folder, tmp_path):
    problem = vqa()
    data = tmp_path / "data"
    generate.generate([problem], data, "files", str(folder), progress=False, processes=1)
    split = PreparedSplit.open(problem, "test", data)
    assert split.size == 6
    assert "shade" not in split.labels
    assert list(split.examples()) == list(expected(TEST))


def test_faults_are_counted_and_the_rest_is_read(folder):
    paths = [folder / "val2014" / vqa_files.name("val2014", n) for n in TEST]
    paths[0].unlink()
    paths[1].write_bytes(b"<html>404</html>")
    path = folder / "v2_mscoco_val2014_annotations.json"
    data = json.loads(path.read_text())
    del data["annotations"][-1]
    path.write_text(json.dumps(data))
    found = examples(folder, "test")
    assert found[0] == Broken("a question about an image that is missing", f"{paths[0]}, question 1010")
    assert found[2] == Broken("image: neither PNG nor JPEG", f"{paths[1]}, question 1020")
    assert found[4] == next(expected(TEST[2:]))
    assert found[5].reason == "a question without 10 answers" and found[5].where.endswith("question 1031")


def test_parts_are_of_some_hundreds_of_questions(folder, monkeypatch):
    monkeypatch.setattr(vqa_folder, "_PART", 4)
    pieces = vqa().examples("test", "files", str(folder))
    assert [len(part) for part in pieces.parts] == [4, 2] and pieces.total == 6
    assert repr(pieces.parts) == repr(vqa().examples("test", "files", str(folder)).parts)


def test_what_is_missing_is_said_at_once(folder):
    def refused(message, call):
        with pytest.raises(UserError, match=message):
            call()

    (folder / "val2014").rename(folder / "elsewhere")
    refused(
        "no folder .*val2014 with COCO's images; expected v2_.*visualqa", lambda: examples(folder, "test")
    )
    name = "v2_mscoco_train2014_annotations.json"
    (folder / name).unlink()
    refused(f"no {name} in .*; expected v2_OpenEnded", lambda: examples(folder, "train"))
    refused(f"no {name} in", lambda: vqa().labels("files", str(folder)))
    refused("`vqa` has no source `tfds`", lambda: vqa().labels("tfds"))
    refused("`vqa` has no source `tfds`", lambda: vqa().examples("test", "tfds"))


def test_no_question_to_train_on(tmp_path):
    vqa_files.write(tmp_path, "train2014", [])
    with pytest.raises(UserError, match="has no question with answers to train on"):
        vqa().labels("files", str(tmp_path))


def test_the_sample_world_has_fewer_answers_than_the_literature():
    assert vqa().labels("sample") and len(vqa().labels("sample")) < vqa().most_answers == 3000
