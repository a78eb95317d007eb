"""Hugging Face datasets by a description."""

import pytest

from t2tlite import registry
from t2tlite.errors import UserError

TOML = """
[german]
inputs = {kind = "text", column = "translation.en"}
targets = {kind = "text", column = "translation.de"}
hf = "saved"

[topic]
inputs = {kind = "text", column = "translation.en"}
targets = {kind = "label", column = "label"}
held_out = {validation = 0.3, test = 0.3}
"""


@pytest.fixture
def folder(described, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    datasets = pytest.importorskip("datasets")
    text = datasets.Value("string")
    labels = datasets.ClassLabel(names=["b", "a"])
    features = datasets.Features({"translation": {"en": text, "de": text}, "label": labels})
    rows = [{"translation": {"en": f"en {n}", "de": f"de {n}"}, "label": n % 2} for n in range(30)]
    train, dev = (datasets.Dataset.from_list(rows[:count], features=features) for count in (30, 2))
    datasets.DatasetDict({"train": train, "dev": dev}).save_to_disk(tmp_path / "saved")
    return described(TOML)


def test_columns_and_splits(folder, examples):
    assert examples("german", "validation", "hf") == [
        {"inputs": "en 0", "targets": "de 0"},
        {"inputs": "en 1", "targets": "de 1"},
    ]
    assert len(examples("german", "train", "hf")) == 30
    with pytest.raises(UserError, match="no one split for test; it has train, dev"):
        examples("german", "test", "hf")


def test_classes_and_held_out_rows(folder, examples):
    where = str(folder / "saved")
    assert registry.get_problem("topic").labels("hf", where) == ("a", "b")
    parts = [examples("topic", split, "hf", where) for split in ("train", "validation", "test")]
    assert all(parts) and sum(map(len, parts)) == 30
    assert {one["inputs"]: one["targets"] for part in parts for one in part} == {
        f"en {n}": "ba"[n % 2] for n in range(30)
    }


def test_no_dataset_is_named(folder, examples):
    with pytest.raises(UserError, match=r"\[topic\] names no `hf` dataset; add it, or give its folder"):
        examples("topic", "train", "hf")
