"""Averages of checkpoints against NumPy, and the moving averages that a checkpoint holds."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2tlite.checkpoints import averaging, checkpoint
from t2tlite.errors import UserError
from t2tlite.training import optimizers

from ..models import tiny

NOTHING = types.SimpleNamespace(variables=[])


def parts(seed=0, width=3, name="dot.ted"):
    """Something with a float, a counter, and a name that TensorFlow's checkpoints escape."""
    generator = np.random.default_rng(seed)
    with keras.name_scope("model"):
        return types.SimpleNamespace(
            variables=[
                keras.Variable(generator.normal(size=(2, width)), name=name, dtype="float32"),
                keras.Variable(seed, name="count", dtype="int64", trainable=False),
            ]
        )


def saved(folder, step, model, **meta):
    checkpoint.save(folder, step, model, NOTHING, {}, meta, keep=99)
    return folder / f"step-{step:08d}"


def loaded(path):
    model = parts(seed=99)
    checkpoint.restore_weights(model, path)
    return [variable.numpy() for variable in model.variables]


def test_the_mean_in_float64_and_counters_of_the_newest(tmp_path):
    models = [parts(seed) for seed in range(1, 4)]
    models[1].variables[0].assign([[3e7 + 2, 1e8, 1.0], [0.1, 0.2, 0.3]])  # would be rounded in float32
    paths = [saved(tmp_path, step, model) for step, model in zip((1, 30, 4), models, strict=True)]
    meta = averaging.average(paths, tmp_path / "avg")
    assert meta == {"step": 30, "averaged": [str(paths[0]), str(paths[2]), str(paths[1])]}
    mean, count = loaded(tmp_path / "avg")
    expected = np.mean([m.variables[0].numpy().astype(np.float64) for m in models], axis=0)
    np.testing.assert_array_equal(mean, expected.astype(np.float32))
    assert count == 2


def test_an_average_is_no_checkpoint_to_go_on_from(tmp_path):
    paths = [saved(tmp_path, step, parts(step)) for step in (1, 2)]
    name = averaging.default_name(paths)
    averaging.average(paths, tmp_path / name)
    assert name == "avg-00000002-2"
    assert checkpoint.newest(tmp_path).name == "step-00000002"
    checkpoint.save(tmp_path, 3, parts(), NOTHING, {}, {}, keep=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == [name, "step-00000003"]


def test_only_an_average_is_replaced(tmp_path):
    paths = [saved(tmp_path, step, parts(step)) for step in (1, 2, 3)]
    for pair in (paths[:2], paths[1:]):
        averaging.average(pair, tmp_path / "avg")
    mean, _ = loaded(tmp_path / "avg")
    expected = (parts(2).variables[0].numpy().astype(np.float64) + parts(3).variables[0].numpy()) / 2
    np.testing.assert_array_equal(mean, expected.astype(np.float32))
    with pytest.raises(UserError, match="step-00000003 is no average, and would be replaced"):
        averaging.average(paths[:2], paths[2])
    (tmp_path / "mine").mkdir()
    with pytest.raises(UserError, match="mine is no checkpoint"):
        averaging.average(paths[:2], tmp_path / "mine")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 4}, r"of different models: `model/dot.ted` is \[2, 4\] and \[2, 3\]"),
        ({"name": "other"}, r"only one of them has `model/dot.ted` \(2 variables differ\)"),
    ],
)
def test_another_model_is_refused(tmp_path, changes, message):
    paths = [saved(tmp_path, 1, parts()), saved(tmp_path, 2, parts(**changes))]
    with pytest.raises(UserError, match=message):
        averaging.average(paths, tmp_path / "avg")
    assert not (tmp_path / "avg").exists()


@pytest.mark.parametrize("file", ["state.index", "state.data-00000-of-00001", "meta.json"])
def test_a_broken_checkpoint_is_said_to_be_broken(tmp_path, file):
    paths = [saved(tmp_path, step, parts(step)) for step in (1, 2)]
    damaged = paths[0] / file
    damaged.write_bytes(damaged.read_bytes()[:9])
    with pytest.raises(UserError, match="step-00000001 is broken: .") as caught:
        averaging.average(paths, tmp_path / "avg")
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000001", "step-00000002"]


def test_an_average_that_fails_is_not_there(tmp_path, monkeypatch):
    paths = [saved(tmp_path, step, parts(step)) for step in (1, 2)]

    def full(*args, **kwargs):
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(tf.train.Checkpoint, "write", full)
    with pytest.raises(UserError, match="can't write the checkpoint .*avg: No space left"):
        averaging.average(paths, tmp_path / "avg")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000001", "step-00000002"]


def test_the_best_have_the_lowest_scores(tmp_path):
    paths = [saved(tmp_path, step, parts(), score=score) for step, score in ((1, 0.5), (2, 9.0), (3, 0.0))]
    assert averaging.best(paths, 2) == [paths[2], paths[0]]
    paths.append(saved(tmp_path, 4, parts()))
    with pytest.raises(UserError, match="3 of 4 checkpoints hold a score, and --best=4 needs 4"):
        averaging.best(paths, 4)


def trained(ema_decay, steps=3, name="adam"):
    hparams = tiny.HPARAMS.replace(
        ema_decay=ema_decay, optimizer=name, learning_rate=0.5, learning_rate_warmup_steps=1
    )
    model = parts()
    optimizer = optimizers.make_optimizer(hparams, model.variables[:1])
    for step in range(steps):
        optimizer.apply([tf.constant([[1.0, -2.0, 3.0], [4.0, step, 0.5]])], model.variables[:1])
    return model, optimizer


def test_moving_averages_are_loaded_where_there_are_any(tmp_path):
    for ema_decay in (0.0, 0.9):
        model, optimizer = trained(ema_decay)
        checkpoint.save(tmp_path, 1, model, optimizer, {}, {}, keep=1)
        other = parts(seed=1)
        assert averaging.load_averages(other, tmp_path / "step-00000001") == bool(ema_decay)
        weights = parts(seed=1).variables[0].numpy() if not ema_decay else None
        expected = weights if not ema_decay else optimizer.averages()[0][1].numpy()
        np.testing.assert_array_equal(other.variables[0].numpy(), expected)
        assert other.variables[1].numpy() == 1  # what is not trained has no average


def test_weights_are_averaged_for_a_while():
    model, optimizer = trained(0.9)
    before, average = model.variables[0].numpy(), optimizer.averages()[0][1].numpy()
    assert not np.allclose(before, average)
    with pytest.raises(KeyError), averaging.averaged(optimizer):
        np.testing.assert_array_equal(model.variables[0].numpy(), average)
        raise KeyError
    np.testing.assert_array_equal(model.variables[0].numpy(), before)
    model, optimizer = trained(0.0)
    before = model.variables[0].numpy()
    with averaging.averaged(keras.optimizers.LossScaleOptimizer(optimizer)):
        np.testing.assert_array_equal(model.variables[0].numpy(), before)
