import json
import pickle

import pytest
import tensorflow as tf

from t2tlite import registry
from t2tlite.data.media import images as pipeline
from t2tlite.errors import UserError
from t2tlite.problem import Broken, Dropped
from t2tlite.problems.formats import coco_folder
from t2tlite.problems.formats.hold_out import held_out

from .formats.imagenet_files import image, write_flat
from .formats.test_coco_json import karpathy
from .tfds_mock import mocked

TRAIN = range(1, 101)
VAL = range(101, 106)


def coco():
    return registry.get_problem("coco_captions")


def examples(folder, split, source="files"):
    return list(pickle.loads(pickle.dumps(coco().examples(split, source, str(folder)))))


def name(number, part):
    return f"COCO_{part}_{number:012d}.jpg" if part.endswith("2014") else f"{number:012d}.jpg"


def captions(number):
    return [f"Caption {n} of {number}." for n in range(5)]


def write(folder, year="2014"):
    (folder / "annotations").mkdir(exist_ok=True)
    for part, numbers in ((f"train{year}", TRAIN), (f"val{year}", VAL)):
        write_flat(folder / part, {name(n, part): image(n) for n in numbers})
        # Captions are not sorted by image: those of the first come first, then the second of each, and so on.
        annotations = [
            {"image_id": n, "id": 10 * n + place, "caption": captions(n)[place]}
            for place in range(5)
            for n in reversed(numbers)
        ]
        images = [{"id": n, "file_name": name(n, part), "width": 24} for n in numbers]
        write_json(folder, part, {"images": images, "annotations": annotations})


def write_json(folder, part, data):
    (folder / "annotations" / f"captions_{part}.json").write_text(json.dumps(data))


def read_json(folder, part):
    return json.loads((folder / "annotations" / f"captions_{part}.json").read_text())


def expected(numbers):
    return [{"inputs": image(n), "targets": captions(n)} for n in numbers]


@pytest.mark.parametrize("year", ["2014", "2017"])
def test_each_image_comes_once_with_all_of_its_captions(tmp_path, year):
    write(tmp_path, year)
    held = [n for n in TRAIN if held_out(name(n, f"train{year}"), 32)]
    assert 0 < len(held) < 12
    assert examples(tmp_path, "validation") == expected(held)
    assert examples(tmp_path, "train") == expected([n for n in TRAIN if n not in held])
    assert examples(tmp_path, "test") == expected(VAL)


def test_karpathys_split_goes_first(tmp_path):
    write(tmp_path)
    data = karpathy(("test", "restval", "val", "train"))
    for row in data["images"]:
        write_flat(tmp_path / row["filepath"], {row["filename"]: image(row["imgid"])})
    for place in (tmp_path / "annotations", tmp_path):
        (place / "dataset_coco.json").write_text(json.dumps(data))
        numbers = {"train": [1, 3], "validation": [2], "test": [0]}
        for split, ids in numbers.items():
            found = examples(tmp_path, split)
            assert found == [{"inputs": image(n), "targets": [f"B {n}.", f"A {n}."]} for n in ids]
        (place / "dataset_coco.json").unlink()


def test_faults_are_counted_and_the_rest_is_read(tmp_path):
    write(tmp_path)
    folder = tmp_path / "val2014"
    paths = [folder / name(n, "val2014") for n in VAL]
    paths[0].unlink()
    paths[1].write_bytes(b"<html>404</html>")
    data = read_json(tmp_path, "val2014")
    data["annotations"] = [row for row in data["annotations"] if row["image_id"] != VAL[2]]
    data["annotations"].append({"id": 7, "image_id": 999, "caption": "lost"})
    write_json(tmp_path, "val2014", data)
    missing, html, no_caption, *good, unlisted = examples(tmp_path, "test")
    assert missing == Broken("a caption for an image that is missing", f"{paths[0]}, image 101")
    assert html == Broken("image: neither PNG nor JPEG", f"{paths[1]}, image 102")
    assert no_caption == Dropped("an image without a caption")
    assert good == expected(VAL[3:])
    assert unlisted.reason == "a caption for an image that is not listed" and unlisted.where.endswith(
        "image 999"
    )


def test_parts_are_of_some_hundreds_of_images(tmp_path, monkeypatch):
    write(tmp_path)
    monkeypatch.setattr(coco_folder, "_PART", 2)
    pieces = coco().examples("test", "files", str(tmp_path))
    assert [len(part) for part in pieces.parts] == [2, 2, 1] and pieces.total == 5
    assert repr(pieces.parts) == repr(coco().examples("test", "files", str(tmp_path)).parts)


def test_what_is_missing_is_said_at_once(tmp_path):
    def refused(message, split="train"):
        with pytest.raises(UserError, match=message):
            coco().examples(split, "files", str(tmp_path))

    refused("no captions in .*; expected one of them: annotations/captions_train2014.json.*cocodataset.org")
    write(tmp_path)
    (tmp_path / "val2014").rename(tmp_path / "elsewhere")
    refused("no folder .*/val2014 with the images of .*captions_val2014.json; expected annotations/", "test")
    write_json(tmp_path, "val2014", {"images": [], "annotations": []})
    refused("captions_val2014.json has no images for this split", "test")
    write(tmp_path, "2017")
    refused("captions of 2014 and of 2017 in .*; expected one of them")


def test_tfds_gives_encoded_images_with_all_captions(tmp_path):
    with mocked(num_examples=2):
        for split in ("train", "validation", "test"):
            first, second = examples(tmp_path, split, "tfds")
            assert second["targets"] == [f"picture 1, words {n}" for n in range(5)]
            assert pipeline.decode(tf.constant([first["inputs"]]), 8, None).shape == (1, 8, 8, 3)
