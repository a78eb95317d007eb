import pytest

from t2tlite.errors import UserError
from t2tlite.problem import Broken, Dropped
from t2tlite.problems.formats import imagenet_flat

from .imagenet_files import CLASSES, validation_images, write_flat
from .test_imagenet_labels import EXPECTED, write_text


def test_images_come_with_their_classes_in_the_order_of_their_names(tmp_path, monkeypatch):
    monkeypatch.setattr(imagenet_flat, "_PART", 3)
    files = validation_images(5)  # there are four labels
    write_flat(tmp_path / "val", files)
    write_text(tmp_path)
    labels = str(tmp_path / "imagenet_2012_validation_synset_labels.txt")
    parts = imagenet_flat.parts(tmp_path / "val")
    assert [len(names) for _, names in parts] == [3, 2]
    *found, last = [e for part in parts for e in imagenet_flat.read(labels, CLASSES, part)]
    assert [(e["inputs"], e["targets"]) for e in found] == list(zip(files.values(), EXPECTED, strict=False))
    assert isinstance(last, Broken) and last.where.endswith("val/ILSVRC2012_val_00000005.JPEG")
    few = [e for part in parts for e in imagenet_flat.read(labels, CLASSES[:1], part)]
    assert sum(isinstance(e, Dropped) for e in few) == 3


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match=f"{tmp_path} is empty; expected ILSVRC2012_val_00000001.JPEG"):
        imagenet_flat.parts(tmp_path)
