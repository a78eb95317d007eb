import pickle

import numpy as np
import pytest
import tensorflow as tf

from t2tlite import registry
from t2tlite.data.media import images as pipeline
from t2tlite.errors import UserError
from t2tlite.problem import Broken, Dropped
from t2tlite.problems.formats.hold_out import held_out

from .formats.imagenet_files import (
    CLASSES,
    image,
    train_images,
    train_tar,
    validation_images,
    write_classes,
    write_flat,
)
from .formats.test_imagenet_labels import EXPECTED, devkit, write_archive, write_folder, write_text
from .formats.test_tars import tar_of
from .tfds_mock import mocked

TRAIN, VALIDATION = train_images(), validation_images()
HELD = {
    name: {file: data for file, data in files.items() if held_out(f"{name}/{file}", 128)}
    for name, files in TRAIN.items()
}


def imagenet():
    return registry.get_problem("imagenet")


def examples(folder, split, source="files"):
    pieces = imagenet().examples(split, source, str(folder))
    pieces = pickle.loads(pickle.dumps(pieces))  # to a worker process
    return list(pieces)


def pairs(folder, split):
    return [(example["inputs"], example["targets"]) for example in examples(folder, split)]


def of(classes):
    return [(data, name) for name in sorted(classes) for _, data in sorted(classes[name].items())]


def train_folders(folder):
    write_classes(folder / "train", TRAIN)


def train_archive(folder):
    (folder / "ILSVRC2012_img_train.tar").write_bytes(train_tar(TRAIN))


def validation_archive(folder):
    (folder / "ILSVRC2012_img_val.tar").write_bytes(tar_of(VALIDATION))


def validation_flat(folder):
    write_flat(folder / "val", VALIDATION)


def validation_folders(folder):
    for synset in CLASSES:
        files = {
            name: data
            for (name, data), label in zip(VALIDATION.items(), EXPECTED, strict=True)
            if label == synset
        }
        write_classes(folder / "validation", {synset: files})


LABELS = {
    "text": write_text,
    "archive": lambda folder: write_archive(folder, devkit()),
    "folder": lambda folder: write_folder(folder, devkit()),
}


@pytest.mark.parametrize("train", [train_folders, train_archive])
@pytest.mark.parametrize(
    "validation, labels",
    [(validation_folders, None)]
    + [(write, labels) for write in (validation_flat, validation_archive) for labels in LABELS],
)
def test_every_layout_gives_the_same_three_splits(tmp_path, train, validation, labels):
    train(tmp_path)
    validation(tmp_path)
    if labels:
        LABELS[labels](tmp_path)
    assert imagenet().labels("files", str(tmp_path)) == CLASSES
    assert sorted(pairs(tmp_path, "test")) == sorted(zip(VALIDATION.values(), EXPECTED, strict=True))
    held, rest = pairs(tmp_path, "validation"), pairs(tmp_path, "train")
    assert sorted(held) == sorted(of(HELD)) and held
    assert sorted(held + rest) == sorted(of(TRAIN))


def test_three_splits_are_used_as_they_are(tmp_path):
    few = {name: dict(list(files.items())[:3]) for name, files in TRAIN.items()}
    for split, classes in (("train", TRAIN), ("val", few), ("test", {CLASSES[1]: {"x.JPEG": image(5)}})):
        write_classes(tmp_path / split, classes)
    assert pairs(tmp_path, "train") == of(TRAIN)
    assert pairs(tmp_path, "validation") == of(few)
    assert pairs(tmp_path, "test") == [(image(5), CLASSES[1])]


def test_test_images_without_classes_are_not_a_split(tmp_path):
    train_folders(tmp_path)
    validation_folders(tmp_path)
    write_flat(tmp_path / "test", {"ILSVRC2012_test_00000001.JPEG": image(1)})
    assert len(pairs(tmp_path, "test")) == len(VALIDATION)


def test_with_a_test_set_alone_validation_is_held_out(tmp_path):
    train_folders(tmp_path)
    write_classes(tmp_path / "test", {CLASSES[1]: {"x.JPEG": image(5)}})
    assert pairs(tmp_path, "test") == [(image(5), CLASSES[1])]
    assert pairs(tmp_path, "validation") == of(HELD)


def test_a_bad_file_is_one_fault_and_images_of_other_classes_are_dropped(tmp_path):
    write_classes(tmp_path / "train", {CLASSES[0]: {"a.JPEG": image(1)[:99], "b.JPEG": image(2)}})
    validation_flat(tmp_path)
    write_text(tmp_path)
    broken, good = examples(tmp_path, "train")
    assert broken == Broken("image: truncated", str(tmp_path / "train" / CLASSES[0] / "a.JPEG"))
    assert good["inputs"] == image(2)
    assert sum(isinstance(example, Dropped) for example in examples(tmp_path, "test")) == 3


def test_what_is_in_the_file_becomes_pixels(tmp_path):
    train_folders(tmp_path)  # with a CMYK JPEG and a PNG named .JPEG
    validation_folders(tmp_path)
    encoded = [data for data, _ in pairs(tmp_path, "train")]
    seeds = np.stack([np.zeros(len(encoded)), np.arange(len(encoded))], 1).astype(np.int64)
    made = pipeline.decode(tf.constant(encoded), 16, tf.constant(seeds))
    assert made.shape == (len(encoded), 16, 16, 3)
    assert 0 <= float(tf.reduce_min(made)) < 0.4 < 0.6 < float(tf.reduce_max(made)) <= 1


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_what_is_missing_is_said_at_once(tmp_path, split):
    def refused(message):
        with pytest.raises(UserError, match=message):
            imagenet().examples(split, "files", str(tmp_path))

    refused("no training images in .*; expected train/ .* or ILSVRC2012_img_train.tar, .*image-net.org")
    (tmp_path / "train").mkdir()
    if split != "test":
        (tmp_path / "val").mkdir()
        refused("train has no classes")
        return
    write_classes(tmp_path / "train", {"goldfish": {}})
    refused("no validation images in .*; expected train/")
    validation_archive(tmp_path)
    refused("no classes of the validation images in .*; expected ILSVRC2012_devkit_t12.tar.gz")
    write_text(tmp_path)
    refused("labels.txt names none of the classes in .*/train, such as goldfish")


def test_of_folder_and_archive_only_one_is_allowed(tmp_path):
    train_folders(tmp_path)
    train_archive(tmp_path)
    with pytest.raises(
        UserError, match="both .*/train and .*ILSVRC2012_img_train.tar are there; keep the one"
    ):
        imagenet().labels("files", str(tmp_path))


def test_a_class_that_train_does_not_have_is_named(tmp_path):
    train_folders(tmp_path)
    write_classes(tmp_path / "val", {"n01440764": {}, "n0144076": {}})
    with pytest.raises(UserError, match="val/n0144076 is of a class that .*/train does not have"):
        imagenet().examples("test", "files", str(tmp_path))


def test_a_truncated_archive_is_named_at_once(tmp_path):
    train_archive(tmp_path)
    path = tmp_path / "ILSVRC2012_img_train.tar"
    path.write_bytes(path.read_bytes()[:50000])
    for split in ("train", "validation", "test"):
        with pytest.raises(
            UserError, match="img_train.tar is no whole tar archive, at or after .*fetch it again"
        ):
            validation_archive(tmp_path)
            write_text(tmp_path)
            imagenet().examples(split, "files", str(tmp_path))


def test_parts_say_all_and_are_few(tmp_path):
    train_archive(tmp_path)
    validation_archive(tmp_path)
    write_text(tmp_path)
    found = {split: imagenet().examples(split, "files", str(tmp_path)) for split in ("train", "test")}
    assert len(found["train"].parts) == len(CLASSES) and len(found["test"].parts) == 1
    assert found["test"].total == len(VALIDATION)
    again = imagenet().examples("train", "files", str(tmp_path))
    assert repr(again.parts) == repr(found["train"].parts)


def test_tfds_gives_encoded_images_with_the_names_of_their_classes(tmp_path):
    with mocked(num_examples=3):
        names = imagenet().labels("tfds", str(tmp_path))
        assert len(names) == 1000 and names[0] == "n01440764"
        for split in ("train", "validation", "test"):
            found = examples(tmp_path, split, "tfds")
            assert len(found) == 3
            assert {example["targets"] for example in found} <= set(names)
            assert pipeline.decode(tf.constant([found[0]["inputs"]]), 8, None).shape == (1, 8, 8, 3)
