import pickle
import tarfile

import pytest

from t2tlite.errors import UserError
from t2tlite.problem import Broken
from t2tlite.problems.formats import class_folders, imagenet_tars

from .imagenet_files import CLASSES, image, train_images, train_tar, validation_images, write_classes
from .test_imagenet_labels import EXPECTED, write_text
from .test_tars import tar_of


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.tar"


def test_the_tar_of_tars_holds_what_the_folders_would(path, tmp_path):
    classes = train_images(each=10)
    path.write_bytes(train_tar(dict(reversed(classes.items()))))
    write_classes(tmp_path / "train", classes)
    parts = imagenet_tars.class_tars(path)
    assert [part[1] for part in parts] == list(CLASSES)
    assert pickle.loads(pickle.dumps(parts)) == parts
    for part in parts:
        for one_in, held in ((None, False), (3, False), (3, True)):
            from_tar = imagenet_tars.read_class(one_in, held, part)
            from_folder = class_folders.read(one_in, held, (str(tmp_path / "train"), part[1]))
            assert list(from_tar) == list(from_folder)


def test_faults_within_a_tar_are_named_and_the_rest_is_read(path):
    files = {"a.JPEG": image(1)[:-40], "b.txt": b"hello", ".hidden": b"", "c.JPEG": image(2)}
    path.write_bytes(tar_of({"ant.tar": tar_of(files)}))
    (part,) = imagenet_tars.class_tars(path)
    assert list(imagenet_tars.read_class(None, False, part)) == [
        Broken("image: truncated", f"{path}:ant.tar:a.JPEG"),
        Broken("image: neither PNG nor JPEG", f"{path}:ant.tar:b.txt"),
        {"inputs": image(2), "targets": "ant"},
    ]


def test_links_are_not_followed_and_nothing_is_written(path, tmp_path):
    with tarfile.open(path, "w") as tar:
        for name, kind in (("../../up", tarfile.REGTYPE), ("link", tarfile.SYMTYPE), ("d", tarfile.DIRTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
    outer = tmp_path / "outer.tar"
    outer.write_bytes(tar_of({"../ant.tar": path.read_bytes()}))
    (part,) = imagenet_tars.class_tars(outer)
    assert part[1] == "ant"
    assert [broken.reason for broken in imagenet_tars.read_class(None, False, part)] == [
        "image: an empty file",
        "image: not a file, but a link",
    ]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.tar", "outer.tar"]


def test_a_tar_of_images_is_not_taken_for_a_tar_of_classes(path):
    path.write_bytes(tar_of(validation_images()))
    with pytest.raises(
        UserError, match="holds ILSVRC2012_val_00000001.JPEG; expected the archive ILSVRC2012_img_"
    ):
        imagenet_tars.class_tars(path)


def test_an_inner_tar_that_is_truncated_is_refused(path):
    inner = tar_of({"a.JPEG": image(1), "b.JPEG": image(2)}).rstrip(b"\0")
    path.write_bytes(tar_of({"ant.tar": inner[:-600]}))
    (part,) = imagenet_tars.class_tars(path)
    with pytest.raises(UserError, match=f"{path} is no whole tar archive, at or after b.JPEG: .*truncated"):
        list(imagenet_tars.read_class(None, False, part))


def test_validation_images_come_with_their_classes(path, tmp_path, monkeypatch):
    monkeypatch.setattr(imagenet_tars, "_RUN", 3000)
    files = validation_images()
    path.write_bytes(tar_of(dict(reversed(files.items()))))
    write_text(tmp_path)
    labels = str(tmp_path / "imagenet_2012_validation_synset_labels.txt")
    parts = imagenet_tars.runs(path)
    assert 1 < len(parts) <= 4
    found = [example for part in parts for example in imagenet_tars.read_run(labels, CLASSES, part)]
    assert [e["targets"] for e in found] == list(reversed(EXPECTED))
    assert [e["inputs"] for e in found] == list(reversed(files.values()))
