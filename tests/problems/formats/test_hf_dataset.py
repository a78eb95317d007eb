"""Hugging Face datasets on this machine, by the library itself."""

import sys

import numpy as np
import pytest

from t2tlite.errors import UserError
from t2tlite.problems.formats import hf_dataset

from ..described.conftest import png

PICTURES = [png("red"), png("blue")]
SPLITS = {"train": 5, "dev": 2, "test": 3}


@pytest.fixture(scope="module")
def datasets(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("cache")))
        yield pytest.importorskip("datasets")


@pytest.fixture(scope="module")
def folder(datasets, tmp_path_factory):
    """The same dataset as `save_to_disk` writes it, and as Parquet files."""
    text = datasets.Value("string")
    features = datasets.Features(
        {
            "picture": datasets.Image(),
            "label": datasets.ClassLabel(names=["red", "blue"]),
            "translation": {"en": text, "de": text},
        }
    )
    rows = [
        {
            "picture": {"bytes": PICTURES[n % 2], "path": None},
            "label": n % 2,
            "translation": {"en": f"en {n}", "de": f"de {n}"},
        }
        for n in range(5)
    ]
    saved = datasets.DatasetDict(
        {
            name: datasets.Dataset.from_list(rows[:number], features=features)
            for name, number in SPLITS.items()
        }
    )
    folder = tmp_path_factory.mktemp("hf")
    saved.save_to_disk(folder / "saved")
    (folder / "parquet").mkdir()
    for name, split in saved.items():
        split.to_parquet(folder / "parquet" / f"{name}-00000-of-00001.parquet")
    return folder


WANTED = {"picture", "label", "translation.de"}


@pytest.mark.parametrize("kind", ["saved", "parquet"])
def test_rows(folder, kind, monkeypatch):
    monkeypatch.setattr(hf_dataset, "_ROWS", 2)
    parts, count = hf_dataset.parts(str(folder / kind), "", "train")
    rows = [row for part in parts for row in part.rows(WANTED)]
    assert len(parts) == 3 and count == 5
    assert [row.cells["picture"] for row in rows] == [PICTURES[n % 2] for n in range(5)]
    assert [row.cells["label"] for row in rows] == ["red", "blue", "red", "blue", "red"]
    assert [row.cells["translation"]["de"] for row in rows] == [f"de {n}" for n in range(5)]
    assert rows[3].where == f"{folder / kind}, train[3]"
    assert hf_dataset.parts(str(folder / kind), "", "validation")[1] == 2


def test_columns_that_are_not_wanted_are_not_read(folder):
    [part], _ = hf_dataset.parts(str(folder / "saved"), "", "test")
    assert [set(row.cells) for row in part.rows({"label"})] == [{"label"}] * 3


def test_pieces_for_a_class(folder):
    assert list(hf_dataset.pieces(str(folder / "saved"), "test", _label)) == ["red", "blue", "red"]


def _label(row):
    assert set(row) == {"picture", "label", "translation"}
    return row["label"]


def test_sounds_are_their_files(datasets, tmp_path):
    import soundfile

    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros(100, np.float32), 16000)
    one = {"sound": {"bytes": path.read_bytes(), "path": "a.wav"}}
    data = datasets.Dataset.from_list([one]).cast_column("sound", datasets.Audio())
    data.save_to_disk(tmp_path / "saved")
    [part], _ = hf_dataset.parts(str(tmp_path / "saved"), "", "train")
    assert [row.cells["sound"] for row in part.rows({"sound"})] == [path.read_bytes()]


def test_what_is_not_there(datasets, folder):
    with pytest.raises(
        UserError, match="can't open the Hugging Face dataset no_one/nothing: .*nothing is fetched"
    ):
        hf_dataset.parts("no_one/nothing", "", "train")
    with pytest.raises(UserError, match="there is no folder /nowhere"):
        hf_dataset.parts("/nowhere", "", "train")
    split = str(folder / "saved" / "test")
    with pytest.raises(UserError, match="has no one split for test; it has train"):
        hf_dataset.parts(split, "", "test")


def test_without_the_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(UserError, match=r"needs the package `datasets`: pip install 't2tlite\[hf\]'"):
        hf_dataset.parts("anything", "", "train")
