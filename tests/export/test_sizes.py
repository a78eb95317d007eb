"""Sizes: what is counted, and how it is shown."""

import math

import keras
import pytest

from t2tlite.export import sizes


def test_parts_are_those_of_the_model(predictor):
    model = predictor.model
    parts = sizes.by_part(model.variables)
    assert set(parts) == {*model.nets, "encoder", "mixer", "decoder", "commands"}
    assert sizes.total(parts.values()).parameters == model.count_params()
    assert parts["commands"].parameters == 16 * len(model.commands)
    count = sum(math.prod(v.shape) for v in model.encoder.variables)
    assert parts["encoder"] == sizes.Size(count, 4 * count)


@pytest.mark.parametrize(("dtype", "each"), [("float16", 2), ("bfloat16", 2), ("float32", 4), ("float64", 8)])
def test_bytes_are_those_of_the_type(dtype, each):
    layer = keras.layers.Dense(5, name="model", dtype=dtype)
    layer.build([None, 3])
    parts = sizes.by_part(layer.variables)
    assert parts == {"bias": sizes.Size(5, 5 * each), "kernel": sizes.Size(15, 15 * each)}


def test_table(tmp_path):
    (tmp_path / "deep").mkdir()
    for name in ("a", "deep/b"):
        (tmp_path / name).write_bytes(b"x" * 600_000)
    exported = {"image": sizes.Size(1_000_000, 4_000_000)}
    whole = {**exported, "decoder": sizes.Size(2_500, 5_000)}
    lines = sizes.table(exported, whole, sizes.of_folder(tmp_path), 30_000_000).splitlines()
    rows = {line.split("  ")[0]: line.split()[-2:] for line in lines}
    assert rows["image"] == ["1,000,000", "4.0"]
    assert rows["decoder"] == ["0.0", "2,500"] and rows["total"] == ["4.0", "2,500"]
    assert rows["the export, with graphs and vocabulary"][-1] == "1.2"
    assert rows["the checkpoint, with the optimizer's state"][-1] == "30.0"
    assert len({len(line) for line in lines[:2]}) == 1
