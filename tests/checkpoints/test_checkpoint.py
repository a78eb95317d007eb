"""Checkpoints: whole or absent, of everything, and what is said of broken ones."""

import os
import pathlib
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2tlite.checkpoints import checkpoint
from t2tlite.errors import UserError


class Parts(keras.Model):
    """Keras's own checkpoints lose layers that stand in dictionaries of lists; a seed has a state, too."""

    def __init__(self, width=3):
        super().__init__(name="parts")
        first, second = keras.layers.Dense(width, name="first"), keras.layers.Dense(2, name="second")
        self.nets = {"a": [first], "b": second}
        self.seed = keras.random.SeedGenerator(1, name="seed")

    def call(self, x):
        noise = keras.random.uniform([1, 4], seed=self.seed)
        return self.nets["b"](self.nets["a"][0](x + noise))


def make(width=3):
    """A model, its optimizer, and iterators over data."""
    model = Parts(width)
    model(tf.ones([1, 4]))
    optimizer = keras.optimizers.Adam(0.1, name="adam")
    optimizer.build(model.trainable_variables)
    return model, optimizer, {"numbers": iter(tf.data.Dataset.range(100).shuffle(10, seed=3))}


def train(model, optimizer, iterators):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(tf.ones([1, 4])) ** 2) + float(next(iterators["numbers"]))
    variables = model.trainable_variables
    optimizer.apply(tape.gradient(loss, [v.value for v in variables]), variables)
    return float(loss)


@pytest.fixture
def training_state():
    keras.utils.set_random_seed(0)
    return make()


def save(folder, step, training_state, keep=3, **meta):
    checkpoint.save(folder, step, *training_state, meta, keep)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_everything_is_restored(tmp_path, training_state):
    for _ in range(3):
        train(*training_state)
    save(tmp_path, 3, training_state, pending={"a": [1.5]})
    later = [train(*training_state) for _ in range(5)]
    keras.utils.set_random_seed(99)
    other = make()
    train(*other)
    meta = checkpoint.restore(checkpoint.newest(tmp_path), *other)
    assert meta == {"step": 3, "pending": {"a": [1.5]}}
    assert [train(*other) for _ in range(5)] == later


def test_every_variable_is_there_by_its_path(tmp_path, training_state):
    model, optimizer, _ = training_state
    paths = set(checkpoint.by_path(model.variables))
    assert {"parts/first/kernel", "parts/first/bias", "parts/second/kernel", "parts/second/bias"} < paths
    assert any("seed" in path for path in paths)
    save(tmp_path, 1, training_state)
    stored = {name for name, _ in tf.train.list_variables(str(tmp_path / "step-00000001" / "state"))}
    for variable in [*model.variables, *optimizer.variables]:
        assert any(variable.path.replace("/", ".S") in name for name in stored), variable.path


def test_two_variables_of_one_path_are_refused():
    one, other = (keras.Variable(1.0, name="same") for _ in range(2))
    with pytest.raises(ValueError, match="the same path"):
        checkpoint.by_path([one, other])


def test_the_newest_are_kept(tmp_path, training_state):
    assert checkpoint.newest(tmp_path / "none") is None and checkpoint.newest(tmp_path) is None
    for step in (9, 10, 100_000_000, 11):
        save(tmp_path, step, training_state, keep=2)
    assert names(tmp_path) == ["step-00000011", "step-100000000"]
    assert checkpoint.newest(tmp_path).name == "step-100000000"
    save(tmp_path, 11, training_state, keep=2, again=True)
    assert checkpoint.restore(tmp_path / "step-00000011", *training_state)["again"]


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), tf.errors.ResourceExhaustedError(None, None, "full")]
)
@pytest.mark.parametrize("place", ["state", "meta"])
def test_a_checkpoint_that_fails_is_not_there(tmp_path, training_state, monkeypatch, error, place):
    save(tmp_path, 1, training_state)

    def full(*args, **kwargs):
        if place == "state":  # some of it was written
            (tmp_path / "tmp-00000002" / "state.index").write_bytes(b"part")
        raise error

    patched = (tf.train.Checkpoint, "write") if place == "state" else (pathlib.Path, "write_text")
    monkeypatch.setattr(*patched, full)
    with pytest.raises(UserError, match="can't write the checkpoint .*-00000002: .*; older ones are kept"):
        save(tmp_path, 2, training_state)
    assert names(tmp_path) == ["step-00000001"]


def test_the_content_reaches_the_disk_before_the_name(tmp_path, training_state, monkeypatch):
    """After a loss of power a folder of this name holds what was written, and not empty files."""
    events, fsync, rename = [], os.fsync, pathlib.Path.rename

    def synced(descriptor):
        events.append(pathlib.Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        fsync(descriptor)

    def renamed(path, target):
        events.append(f"{path.name} -> {target.name}")
        rename(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(pathlib.Path, "rename", renamed)
    save(tmp_path, 1, training_state)
    files = names(tmp_path / "step-00000001")
    assert len(files) == 3
    before, after = events[: len(files) + 1], events[len(files) + 1 :]
    assert sorted(before) == [*files, "tmp-00000001"]
    assert after == ["tmp-00000001 -> step-00000001", tmp_path.name]


def test_what_a_killed_process_left_is_no_checkpoint(tmp_path, training_state, monkeypatch):
    def killed(*args, **kwargs):
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(pathlib.Path, "write_text", killed)
        with pytest.raises(SystemExit):
            save(tmp_path, 1, training_state)
    assert names(tmp_path) == ["tmp-00000001"] and checkpoint.newest(tmp_path) is None
    save(tmp_path, 2, training_state)
    assert names(tmp_path) == ["step-00000002"]


@pytest.mark.parametrize("file", ["state.index", "state.data-00000-of-00001", "meta.json"])
@pytest.mark.parametrize("damage", ["cut", "empty", "missing"])
def test_a_broken_checkpoint_is_said_to_be_broken(tmp_path, training_state, file, damage):
    save(tmp_path, 1, training_state)
    path = tmp_path / "step-00000001" / file
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-20] if damage == "cut" else b"")
    with pytest.raises(UserError, match="step-00000001 is broken: ") as caught:
        checkpoint.restore(tmp_path / "step-00000001", *training_state)
    assert "\n" not in str(caught.value)


def test_another_model_is_refused(tmp_path, training_state):
    """And not taken for damage: its checkpoint stays where it is."""
    save(tmp_path, 1, training_state)
    save(tmp_path, 2, training_state)
    for other in (make(width=4), (*make()[:2], {})):
        with pytest.raises(UserError, match="step-00000002 is of another model"):
            checkpoint.resume(tmp_path, *other, pytest.fail)
    more = types.SimpleNamespace(variables=[*training_state[0].variables, keras.Variable(1.0, name="more")])
    with pytest.raises(UserError, match="is of another model"):
        checkpoint.restore_weights(more, tmp_path / "step-00000001")
    assert names(tmp_path) == ["step-00000001", "step-00000002"]


def test_another_pipeline_is_no_damage(tmp_path, training_state):
    save(tmp_path, 1, training_state)
    other = {"numbers": iter(tf.data.Dataset.from_tensor_slices(["a", "b"]).batch(2).prefetch(1))}
    with pytest.raises(UserError, match="step-00000001 is of another model") as caught:
        checkpoint.restore(tmp_path / "step-00000001", *training_state[:2], other)
    assert not isinstance(caught.value, checkpoint.Damaged)


def damage(path, how):
    if how == "missing":
        path.unlink()
    elif how == "changed":
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 255
        path.write_bytes(content)
    else:
        path.write_bytes(path.read_bytes()[:-20] if how == "cut" else b"")


@pytest.mark.parametrize(
    ("file", "how"),
    [
        ("state.data-00000-of-00001", "cut"),
        ("state.data-00000-of-00001", "changed"),
        ("state.index", "empty"),
        ("meta.json", "missing"),
    ],
)
def test_training_goes_on_from_the_one_before_a_damaged_one(tmp_path, training_state, file, how):
    save(tmp_path, 1, training_state)
    expected = [train(*training_state) for _ in range(4)]
    for step in (2, 3):
        save(tmp_path, step, training_state)
        damage(tmp_path / f"step-0000000{step}" / file, how)
    keras.utils.set_random_seed(99)
    other, messages = make(), []
    path, meta = checkpoint.resume(tmp_path, *other, messages.append)
    assert (path.name, meta["step"]) == ("step-00000001", 1)
    assert [train(*other) for _ in range(4)] == expected
    assert len(messages) == 2 and "step-00000003 is broken: " in messages[0]
    assert messages[0].endswith("it is kept as damaged-step-00000003-1, and step-00000002 is tried")
    assert names(tmp_path) == ["damaged-step-00000002-1", "damaged-step-00000003-1", "step-00000001"]


def test_the_last_one_is_not_given_up(tmp_path, training_state):
    save(tmp_path, 1, training_state)
    (tmp_path / "step-00000001" / "state.index").write_bytes(b"")
    for _ in range(2):
        with pytest.raises(checkpoint.Damaged, match="step-00000001 is broken"):
            checkpoint.resume(tmp_path, *training_state, pytest.fail)


def test_nothing_to_go_on_from(tmp_path, training_state):
    assert checkpoint.resume(tmp_path / "none", *training_state, pytest.fail) is None


def test_weights_alone(tmp_path, training_state):
    save(tmp_path, 1, training_state)
    keras.utils.set_random_seed(99)
    model = make()[0]
    checkpoint.restore_weights(model, tmp_path / "step-00000001")
    for one, other in zip(model.variables, training_state[0].variables, strict=True):
        np.testing.assert_array_equal(one, other)
    for nothing in (tmp_path, tmp_path / "none"):
        with pytest.raises(UserError, match="is no checkpoint; expected a folder such as"):
            checkpoint.restore_weights(model, nothing)
