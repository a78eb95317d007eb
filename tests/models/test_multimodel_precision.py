"""Mixed precision: float32 where it matters, close to float32 everywhere."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from . import tiny


@pytest.fixture
def mixed():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        return tiny.model(("translation", "sounds"))
    finally:
        keras.config.set_dtype_policy("float32")


def test_variables_and_logits_are_float32_and_the_body_is_not(mixed):
    assert {v.dtype for v in mixed.variables} == {"float32"}
    for name in ("translation", "sounds"):
        features = tiny.batch(name)
        assert mixed(features, problem=name).logits.dtype == tf.float32
        source, _ = mixed.encode(features, name)
        assert source.x.dtype == tf.bfloat16


@pytest.mark.parametrize("name", ["translation", "sounds"])
def test_mixed_precision_gives_about_the_same(mixed, name):
    features = tiny.batch(name)
    exact = tiny.model(("translation", "sounds"))
    for variable, value in zip(exact.variables, mixed.variables, strict=True):
        variable.assign(value)
    one, other = (model(features, problem=name).logits.numpy().ravel() for model in (exact, mixed))
    assert np.isfinite(other).all()
    assert np.corrcoef(one, other)[0, 1] > 0.98


def test_a_waveform_is_not_rounded_on_its_way_to_its_net(mixed, monkeypatch):
    dtypes = {}
    net = mixed.nets["spectral"]
    bottom = net.bottom
    monkeypatch.setattr(
        type(net),
        "bottom",
        lambda self, features, *a, **k: dtypes.update(features) or bottom(features, *a, **k),
    )
    features = tiny.batch("sounds")
    mixed(features, problem="sounds")
    assert dtypes["inputs"].dtype == tf.float32
    assert (dtypes["inputs"].numpy() == features["inputs"].numpy()).all()


@pytest.mark.parametrize("variant", ["whole", "transformer", "lstm"])
def test_decoding_step_by_step_keeps_its_dtypes(variant):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = tiny.model(("translation",), tiny.VARIANTS[variant])
    finally:
        keras.config.set_dtype_policy("float32")
    source, _ = mixed.encode(tiny.batch("translation"), "translation")
    memory, state = mixed.memory(source), mixed.initial_state(3, 4)
    logits, _, after = mixed.decode(mixed.start("translation", 3), memory, "translation", state=state)
    assert logits.dtype == tf.float32
    flat = ([x for x in tf.nest.flatten(s) if x is not None] for s in (state, after))
    assert all(one.dtype == other.dtype for one, other in zip(*flat, strict=True))
