import io
import pathlib
import sys
import tarfile

import numpy as np
import pytest
import scipy.io

from t2tlite.errors import UserError
from t2tlite.problem import Broken, Dropped
from t2tlite.problems.formats import imagenet_labels as labels

SYNSETS = ["n02119789", "n01440764", "n03447447"]  # by ILSVRC2012_ID, which is not in alphabetical order
TRUTH = [3, 1, 1, 2]
EXPECTED = ("n03447447", "n02119789", "n02119789", "n01440764")


def meta_mat():
    """As in the devkit: a column of structs, with the inner nodes of the hierarchy after the classes."""
    rows = [
        (float(number), synset, "some, words", "a gloss", 0.0, np.zeros((1, 0)), 0.0, 1300.0)
        for number, synset in enumerate([*SYNSETS, "n00001740"], 1)
    ]
    names = ["ILSVRC2012_ID", "WNID", "words", "gloss", "num_children", "children", "wordnet_height"]
    kinds = [(name, object) for name in [*names, "num_train_images"]]
    buffer = io.BytesIO()
    scipy.io.savemat(buffer, {"synsets": np.array([[row] for row in rows], dtype=kinds)})
    return buffer.getvalue()


def devkit():
    truth = "".join(f"{number}\n" for number in TRUTH).encode()
    return {"data/ILSVRC2012_validation_ground_truth.txt": truth, "data/meta.mat": meta_mat()}


def write_folder(folder, files):
    for name, data in files.items():
        path = pathlib.Path(folder, labels.DEVKIT, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def write_archive(folder, files):
    with tarfile.open(pathlib.Path(folder, f"{labels.DEVKIT}.tar.gz"), "w:gz") as tar:
        for name, data in {"readme.txt": b"hello", **files}.items():
            info = tarfile.TarInfo(f"{labels.DEVKIT}/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def write_text(folder):
    pathlib.Path(folder, labels.TEXT).write_text("".join(f"{synset}\n" for synset in EXPECTED))


def test_the_devkit_its_archive_and_its_text_form_say_the_same(tmp_path):
    for name, write in (("a", write_folder), ("b", write_archive), ("c", lambda at, _: write_text(at))):
        (tmp_path / name).mkdir()
        write(tmp_path / name, devkit())
        assert labels.read(labels.find(tmp_path / name)) == EXPECTED


def test_a_missing_devkit_is_asked_for(tmp_path):
    with pytest.raises(
        UserError, match="no classes of the validation images in .*; expected ILSVRC2012_devkit"
    ):
        labels.find(tmp_path)


def test_without_scipy_the_text_form_is_offered(tmp_path, monkeypatch):
    write_archive(tmp_path, devkit())
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(
        UserError, match=r"pip install t2tlite\[imagenet\]`, or give imagenet_2012_validation_"
    ):
        labels.read(labels.find(tmp_path))


def test_the_text_form_needs_no_scipy(tmp_path, monkeypatch):
    write_text(tmp_path)
    monkeypatch.setitem(sys.modules, "scipy", None)
    assert labels.read(labels.find(tmp_path)) == EXPECTED


def test_a_broken_devkit_is_refused(tmp_path):
    truth, meta = devkit()
    cases = {
        f"line 2 of {truth} is '7'; expected one of the 4 numbers": {**devkit(), truth: b"1\n7\n"},
        "line 1 of .* is 'one'": {**devkit(), truth: b"one\n"},
        "meta.mat of .* can't be read": {**devkit(), meta: b"MATLAB 5.0"},
    }
    for number, (message, files) in enumerate(cases.items()):
        for write in (write_folder, write_archive):
            folder = tmp_path / f"{number}{write.__name__}"
            folder.mkdir()
            write(folder, files)
            with pytest.raises(UserError, match=message):
                labels.read(labels.find(folder))


def test_an_incomplete_or_truncated_devkit_is_refused(tmp_path):
    write_archive(tmp_path, {})
    with pytest.raises(UserError, match="tar.gz holds no data/ILSVRC2012_validation_ground_truth.txt"):
        labels.read(labels.find(tmp_path))
    path = tmp_path / f"{labels.DEVKIT}.tar.gz"
    write_archive(tmp_path, devkit())
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(UserError, match="tar.gz is damaged or no tar.gz: .*; fetch it again"):
        labels.read(labels.find(tmp_path))
    path.unlink()
    write_folder(tmp_path, {"readme.txt": b""})
    with pytest.raises(UserError, match="ground_truth.txt can't be read: No such file"):
        labels.read(labels.find(tmp_path))


def test_a_line_that_is_no_synset_is_refused(tmp_path):
    (tmp_path / labels.TEXT).write_text("n02119789\ngoldfish\n")
    with pytest.raises(UserError, match=f"{labels.TEXT}:2: 'goldfish' is no WordNet id"):
        labels.read(labels.find(tmp_path))


def test_the_class_of_an_image_is_by_the_number_in_its_name(tmp_path):
    write_text(tmp_path)
    known = tuple(sorted(SYNSETS)[:2])

    def found(name):
        return labels.class_of(name, f"val/{name}", labels.find(tmp_path), known)

    assert found("ILSVRC2012_val_00000004.JPEG") == "n01440764"
    assert found("ILSVRC2012_val_00000001.JPEG") == Dropped(
        "an image of a class that is not in the training data"
    )
    for number in ("00000005", "00000000"):
        broken = found(f"ILSVRC2012_val_{number}.JPEG")
        assert broken == Broken(
            f"{labels.TEXT} has no class for the image", f"val/ILSVRC2012_val_{number}.JPEG"
        )
    assert found("cat.JPEG") == Broken("not named as ILSVRC2012_val_00000001.JPEG", "val/cat.JPEG")
