import os

import pytest

from t2tlite.errors import UserError
from t2tlite.problem import Broken
from t2tlite.problems.formats import class_folders

from .imagenet_files import image, write_classes


def test_classes_are_in_alphabetical_order_without_files_and_hidden_folders(tmp_path):
    write_classes(tmp_path, {"zebra": {}, "ant": {}, ".cache": {}})
    (tmp_path / "notes.txt").write_text("")
    assert class_folders.classes(tmp_path) == ["ant", "zebra"]


def test_images_come_in_the_order_of_their_names_and_what_is_none_is_a_fault(tmp_path):
    files = {
        "b.JPEG": image(2),
        "a.png": image(1, "PNG"),
        ".DS_Store": b"x",
        "Thumbs.db": b"\xd0\xcf\x11\xe0",
    }
    write_classes(tmp_path, {"ant": files})
    (tmp_path / "ant" / "z").mkdir()
    thumbs, first, second, folder = class_folders.read(None, False, (str(tmp_path), "ant"))
    assert thumbs == Broken("image: neither PNG nor JPEG", str(tmp_path / "ant" / "Thumbs.db"))
    assert first == {"inputs": image(1, "PNG"), "targets": "ant"}
    assert second == {"inputs": image(2), "targets": "ant"}
    assert folder == Broken("image: Is a directory", str(tmp_path / "ant" / "z"))


def test_a_class_without_images_has_none(tmp_path):
    write_classes(tmp_path, {"ant": {}})
    assert list(class_folders.read(None, False, (str(tmp_path), "ant"))) == []


def test_what_is_held_out_and_the_rest_are_the_whole(tmp_path):
    files = {f"{n}.JPEG": image(n) for n in range(40)}
    write_classes(tmp_path, {"ant": files})
    held, rest = (
        [e["inputs"] for e in class_folders.read(4, held, (str(tmp_path), "ant"))] for held in (1, 0)
    )
    assert 1 < len(held) < 25
    assert sorted(held + rest) == sorted(files.values())


def test_a_class_that_went_away_is_named(tmp_path):
    with pytest.raises(UserError, match=os.path.join(str(tmp_path), "ant") + " can't be read: No such file"):
        list(class_folders.read(None, False, (str(tmp_path), "ant")))
