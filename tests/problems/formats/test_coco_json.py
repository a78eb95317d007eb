import json

import pytest

from t2tlite.errors import UserError
from t2tlite.problem import Broken
from t2tlite.problems.formats import coco_json
from t2tlite.problems.formats.coco_json import Captioned


def official():
    """As COCO's own files are, shortened."""
    image = {"license": 5, "coco_url": "http://images.cocodataset.org/x", "height": 480, "width": 640}
    return {
        "info": {"description": "COCO 2014 Dataset", "year": 2014},
        "images": [
            {**image, "file_name": "COCO_train2014_000000057870.jpg", "id": 57870},
            {**image, "file_name": "COCO_train2014_000000000009.jpg", "id": 9},
        ],
        "licenses": [{"url": "http://creativecommons.org/licenses/by/2.0/", "id": 4, "name": "BY"}],
        "annotations": [
            {"image_id": 9, "id": 661, "caption": "Plates of food. "},
            {"image_id": 57870, "id": 787980, "caption": "A restaurant has \nwooden tables."},
            {"image_id": 9, "id": 48, "caption": "Closeup of bins of café food"},
        ],
    }


def karpathy(splits=("test", "restval", "val", "train")):
    return {
        "dataset": "coco",
        "images": [
            {
                "filepath": "val2014" if split != "train" else "train2014",
                "sentids": [n],
                "filename": f"COCO_{n}.jpg",
                "imgid": n,
                "split": split,
                "sentences": [
                    {"tokens": ["b"], "raw": f"B {n}.", "imgid": n, "sentid": 2},
                    {"tokens": ["a"], "raw": f" A {n}.\n", "imgid": n, "sentid": 1},
                ],
                "cocoid": 1000 + n,
            }
            for n, split in enumerate(splits)
        ],
    }


@pytest.fixture
def write(tmp_path):
    def written(data):
        path = tmp_path / "a.json"
        path.write_text(data if isinstance(data, str) else json.dumps(data))
        return path

    return written


def test_captions_are_gathered_by_image_in_the_order_of_their_ids(write):
    assert coco_json.captioned(write(official())) == [
        Captioned("", "COCO_train2014_000000057870.jpg", 57870, ("A restaurant has wooden tables.",)),
        Captioned(
            "", "COCO_train2014_000000000009.jpg", 9, ("Closeup of bins of café food", "Plates of food.")
        ),
    ]


def test_an_image_may_have_no_caption_and_a_caption_no_image(write):
    data = official()
    data["annotations"][1] = {"image_id": 3, "id": 5, "caption": "lost"}
    path = write(data)
    first, second, third = coco_json.captioned(path)
    assert first.captions == () and len(second.captions) == 2
    assert third == Broken("a caption for an image that is not listed", f"{path}: caption 5, image 3")


def test_karpathys_train_is_with_restval_and_the_order_is_that_of_the_file(write):
    path = write(karpathy())
    assert coco_json.karpathy(path, "train") == [
        Captioned("val2014", "COCO_1.jpg", 1001, ("B 1.", "A 1.")),
        Captioned("train2014", "COCO_3.jpg", 1003, ("B 3.", "A 3.")),
    ]
    assert [row.image_id for row in coco_json.karpathy(path, "validation")] == [1002]
    assert [row.image_id for row in coco_json.karpathy(path, "test")] == [1000]


def test_broken_json_is_named_with_its_line(write):
    with pytest.raises(UserError, match="a.json:3: no JSON at column 1: .*; fetch it again"):
        coco_json.captioned(write('{"images":\n [],\n'))
    path = write("")
    path.write_bytes(b'{"images": "\xff"}')
    with pytest.raises(UserError, match="a.json: not UTF-8 at byte 13"):
        coco_json.captioned(path)
    path.unlink()
    with pytest.raises(UserError, match="a.json can't be read: No such file"):
        coco_json.captioned(path)


@pytest.mark.parametrize(
    "change, message",
    [
        (
            lambda data: data.pop("annotations"),
            "no list `annotations`; expected COCO's captions, not instances",
        ),
        (lambda data: data["annotations"][2].pop("caption"), r"annotations\[2\] has no `caption` \(str\)"),
        (lambda data: data["images"][1].update(file_name=7), r"images\[1\] has no `file_name` \(str\)"),
        (lambda data: data["images"].append("x"), r"images\[2\] has no `id` \(int\)"),
    ],
)
def test_records_without_what_is_needed_are_named(write, change, message):
    data = official()
    change(data)
    with pytest.raises(UserError, match=f"a.json.*{message}"):
        coco_json.captioned(write(data))


def test_an_unknown_split_of_karpathys_is_named(write):
    with pytest.raises(
        UserError, match=r"images\[1\] has split 'dev'; expected one of train, restval, val, test"
    ):
        coco_json.karpathy(write(karpathy(("train", "dev"))), "test")
    with pytest.raises(UserError, match=r"a.json has no list `images`"):
        coco_json.karpathy(write("[]"), "test")
