"""What holds for every modality, encoder, mixer, decoder and mixture of experts: walks `table.ROWS`."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2tlite import declarations, registry
from t2tlite.layers import randomness

from ..models import tiny
from . import table

every_row = pytest.mark.parametrize("row", table.ROWS, ids=str)


def output(row, component, inputs=None, training=False):
    with randomness.scope(tf.constant([1, 2])):
        return row.run(component, inputs or row.inputs(), training)[0]


@pytest.mark.parametrize("kind", table.COMPONENT_KINDS)
def test_every_registered_component_has_a_row(kind):
    assert {row.name for row in table.ROWS if row.kind == kind} == table.registered(kind)


class Reads:
    """Hyperparameters of which it is noted which are read."""

    def __init__(self, hparams):
        self._hparams, self.names = hparams, set()

    def __getattr__(self, name):
        self.names.add(name)
        return getattr(self._hparams, name)


def declared(part, hparams):
    """The names that a part declares, and those that the parts do that it has made by name."""
    names = set()
    for one in declarations.of(part):
        names.add(one.name)
        if one.names:
            names |= declared(declarations.Part(one.names, getattr(hparams, one.name)), hparams)
    return names


@every_row
def test_a_component_reads_the_hyperparameters_that_it_declares_and_no_others(row):
    reads = Reads(row.hparams)
    size = {} if row.size is None else {"size": row.size}
    component = table.built(registry.get(row.kind, row.name).from_hparams(reads, name="row", **size))
    for training in (False, True):
        output(row, component, training=training)
    assert reads.names == declared(declarations.Part(row.kind, row.name), row.hparams)


@every_row
def test_paths_are_unique_and_the_same_each_time(row):
    paths, again = ([v.path for v in row.make().variables] for _ in range(2))
    assert paths == again
    assert len(set(paths)) == len(paths)
    assert all(path.startswith("row/") for path in paths)


@every_row
def test_inference_is_finite_and_repeats_itself(row):
    component = row.make()
    y = output(row, component).numpy()
    assert y.dtype == np.float32 and np.isfinite(y).all()
    assert row.name == "none" or np.abs(y).max() > 0.1
    tiny.close(output(row, component), y, 1e-6)


@every_row
def test_one_step_moves_every_variable(row):
    component = row.make()
    variables = component.trainable_variables
    with tf.GradientTape() as tape, randomness.scope(tf.constant([1, 2])):
        y, loss = row.run(component, row.inputs(), True)
        value = tf.reduce_sum(y * tiny.noise(*y.shape)) + loss
    gradients = tape.gradient(value, [v.value for v in variables])
    for variable, gradient in zip(variables, gradients, strict=True):
        steepest = 0.0 if gradient is None else np.abs(tf.convert_to_tensor(gradient)).max()
        assert steepest > 1e-4, variable.path
    assert len(variables) == len(component.variables)


@every_row
def test_variables_saved_by_path_give_the_same_output(row, tmp_path):
    saved, other = row.make(seed=0), row.make(seed=1)
    np.savez(tmp_path / "saved.npz", **{v.path: v.numpy() for v in saved.variables})
    expected = output(row, saved)
    assert not saved.variables or not tiny.same(output(row, other), expected)
    with np.load(tmp_path / "saved.npz") as values:
        for variable in other.variables:
            variable.assign(values[variable.path])
    tiny.close(output(row, other), expected, 1e-6)


@every_row
def test_a_config_makes_the_same_component(row):
    component = row.make()
    config = component.get_config()
    again = table.built(type(component).from_config(config), seed=1)
    assert again.get_config() == config
    assert [v.path for v in again.variables] == [v.path for v in component.variables]
    for variable, value in zip(again.variables, component.variables, strict=True):
        variable.assign(value)
    tiny.close(output(row, again, training=True), output(row, component, training=True), 1e-6)


@pytest.mark.parametrize("row", [r for r in table.ROWS if r.padded and r.name != "none"], ids=str)
def test_padding_is_neither_seen_nor_changed(row):
    component, inputs = row.make(), row.inputs()
    valid = Ellipsis if row.valid is None else row.valid
    for name, padded in row.padded.items():
        x = inputs[name]
        where = padded.reshape(padded.shape + (1,) * (len(x.shape) - padded.ndim))
        other = {**inputs, name: tf.where(where, tiny.noise(*x.shape, seed=9), x)}
        for training in (False, True):
            y = output(row, component, inputs, training)
            tiny.close(output(row, component, other, training)[valid], y[valid], 1e-5)
        with tf.GradientTape() as tape:
            tape.watch(other)
            y, loss = row.run(component, other, False)
            value = tf.reduce_sum(y[valid] * tiny.noise(*y[valid].shape)) + loss
        gradient = np.array(tape.gradient(value, other[name]))
        assert not gradient[padded].any()
        assert gradient[~padded].any()


@every_row
def test_a_function_gives_the_same(row):
    component = row.make()
    names = list(row.inputs())

    @tf.function(autograph=False)
    def function(*tensors):
        return output(row, component, dict(zip(names, tensors, strict=True)), training=True)

    tiny.close(function(*row.inputs().values()), output(row, component, training=True))


@every_row
def test_mixed_precision_is_finite_and_near(row):
    expected = output(row, row.make()).numpy().ravel()
    mixed_component = row.make(dtype="mixed_bfloat16")
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        everywhere = row.make()
    finally:
        keras.config.set_dtype_policy("float32")
    for mixed in (mixed_component, everywhere):
        assert mixed.compute_dtype == "bfloat16"
        assert {v.dtype for v in mixed.variables} <= {"float32"}
        y = tf.cast(output(row, mixed), tf.float32).numpy().ravel()
        assert np.isfinite(y).all()
        assert row.name == "none" or np.corrcoef(y, expected)[0, 1] > 0.98
