"""Updates that are not finite: kept, left out, or gone back for."""

import subprocess
import sys
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2tlite.errors import UserError
from t2tlite.training import guard
from t2tlite.training.guard import GoBack, Guard, apply_if

from ..models import tiny

GOOD, BAD = {"loss": 1.0, "gradient_norm": 2.0}, {"loss": float("nan"), "gradient_norm": float("inf")}
TEXTS = {2: "zwei", 3: "drei"}


@pytest.fixture
def run(tmp_path):
    vocabulary = types.SimpleNamespace(decode=lambda ids: " ".join(TEXTS[i] for i in ids if i in TEXTS))
    return types.SimpleNamespace(
        output_dir=tmp_path, problems=tiny.PROBLEMS, vocabulary=vocabulary, labels={"pictures": ("x", "y")}
    )


def batches(name="translation", value=2):
    return [(name, {side: tf.constant([[value, 3, 1, 0]]) for side in ("inputs", "targets")})]


def a_checkpoint(run, step):
    (run.output_dir / "checkpoints" / f"step-{step:08d}").mkdir(parents=True)


def test_stop_names_problem_and_step_and_keeps_the_batch(run):
    watching = Guard(run)
    assert watching.accepts(6, batches(), [GOOD])
    with pytest.raises(UserError, match="the loss of `translation` at step 7 is nan .*--on_nonfinite=skip"):
        watching.accepts(7, batches(), [BAD])
    batch_path = run.output_dir / "bad_batches" / "step-00000007-translation.npz"
    assert np.load(batch_path)["inputs"].tolist() == [[2, 3, 1, 0]]
    text = batch_path.with_suffix(".txt").read_text()
    assert "inputs: 'zwei drei' (3 tokens)" in text and "loss: nan" in text


def test_the_text_of_a_batch_tells_values_that_are_not_finite(run):
    image = np.zeros((2, 3, 3, 3), np.float32)
    image[1, 0, 0, 0] = np.inf
    with pytest.raises(UserError):
        Guard(run).accepts(0, [("pictures", {"inputs": image, "targets": np.array([0, 1])})], [BAD])
    text = (run.output_dir / "bad_batches" / "step-00000000-pictures.txt").read_text()
    assert "inputs: float32 [2, 3, 3, 3], 0 to 0, 1 not finite" in text
    assert "example 1\n  inputs: 1 of 27 values are not finite\n  targets: 'y'" in text


def test_skip_counts_and_gives_up_after_many_in_a_row_of_a_problem(run):
    messages = []
    watching = Guard(run, "skip", say=messages.append, most=2)
    for step in range(6):  # the other problem between them is well
        assert watching.accepts(2 * step, batches("spoken"), [GOOD])
        if step == 2:
            assert watching.accepts(5, batches(), [GOOD])
        else:
            if step == 5:
                break
            assert not watching.accepts(2 * step + 1, batches(), [BAD])
    assert len(messages) == 4 and "`translation` at step 1" in messages[0]
    other = Guard(run, "skip", most=2)
    other.start(11, watching.state())  # as if killed and gone on
    with pytest.raises(UserError, match="so were the 2 before of this problem"):
        other.accepts(11, batches(), [BAD])
    assert other.take_skipped("translation") == {"skipped": 5}
    assert other.take_skipped("translation") == other.take_skipped("spoken") == {}


def test_skip_never_goes_back(run):
    a_checkpoint(run, 4)
    assert not Guard(run, "skip").accepts(7, batches(), [BAD])


def test_restore_leaves_the_step_out_when_it_comes_again(run):
    a_checkpoint(run, 4)
    watching = Guard(run, "restore")
    with pytest.raises(GoBack, match="step 7 .* going back to .*step-00000004"):
        watching.accepts(7, batches(), [BAD])
    for mode in guard.MODES:  # a process that goes on from the checkpoint knows of it
        other = Guard(run, mode)
        other.start(4, None)
        assert other.leaves_out(7, batches()) and not other.leaves_out(6, batches())
        assert other.take_skipped("translation") == {"skipped": 1}
    anew = Guard(run, "restore")
    anew.start(0, None)
    assert not anew.leaves_out(7, batches())


def test_restore_ends(run):
    a_checkpoint(run, 4)
    watching = Guard(run, "restore", most=2)
    for step in (7, 8):
        with pytest.raises(GoBack):
            watching.accepts(step, batches(), [BAD])
    with pytest.raises(UserError, match="after going back to .* 2 times"):
        watching.accepts(9, batches(), [BAD])
    a_checkpoint(run, 9)
    with pytest.raises(GoBack):  # it has got further since
        watching.accepts(10, batches(), [BAD])


def test_restore_at_the_checkpoints_own_step(run):
    """The first update after it is as likely to be the one that is not finite as any other."""
    a_checkpoint(run, 4)
    watching = Guard(run, "restore", most=2)
    for step in (4, 5):
        with pytest.raises(GoBack, match=f"step {step} .* going back to .*step-00000004"):
            watching.accepts(step, batches(), [BAD])
    again = Guard(run, "restore", most=2)
    again.start(4, None)
    assert [again.leaves_out(step, batches()) for step in (3, 4, 5, 6)] == [False, True, True, False]
    with pytest.raises(UserError, match="after going back to .* 2 times"):
        again.accepts(6, batches(), [BAD])


def test_restore_without_a_checkpoint_skips(run):
    assert not Guard(run, "restore").accepts(1, batches(), [BAD])


def test_of_micro_steps_the_one_without_a_loss_is_named(run):
    good = {**GOOD, "gradient_norm": float("nan")}
    with pytest.raises(UserError, match="`spoken`"):
        Guard(run).accepts(1, batches() + batches("spoken"), [good, BAD])


def test_a_scaled_loss_may_have_gradients_that_are_not_finite(run):
    watching = Guard(run, loss_scaled=True)
    assert not watching.accepts(1, batches(), [{"loss": 1.0, "gradient_norm": float("inf")}])
    assert watching.take_skipped("translation") == {"skipped": 1}
    assert not (run.output_dir / "bad_batches").exists()
    with pytest.raises(UserError, match="is nan"):
        watching.accepts(2, batches(), [BAD])


def test_a_scale_that_can_fall_no_lower(run):
    """After 40 halvings it is not the scale that is wrong; a good update in between counts anew."""
    watching = Guard(run, loss_scaled=True)
    infinite = {"loss": 1.0, "gradient_norm": float("inf")}
    assert not watching.accepts(0, batches(), [infinite])
    assert watching.accepts(1, batches(), [GOOD])
    for step in range(2, 42):
        assert not watching.accepts(step, batches(), [infinite])
    with pytest.raises(UserError, match="the loss of `translation` at step 42 is 1.0 .gradient norm inf"):
        watching.accepts(42, batches(), [infinite])


def test_a_gradient_that_is_not_finite_under_a_finite_loss(run):
    watching = Guard(run, "skip")
    for norm in (float("nan"), float("inf")):
        assert not watching.accepts(1, batches(), [{"loss": 1.0, "gradient_norm": norm}])
    assert watching.take_skipped("translation") == {"skipped": 2}


def test_only_one_process_writes(run):
    a_checkpoint(run, 4)
    with pytest.raises(GoBack):
        Guard(run, "restore", writes=False).accepts(7, batches(), [BAD])
    assert not (run.output_dir / "bad_batches").exists()
    with pytest.raises(GoBack):
        Guard(run, "restore").accepts(7, batches(), [BAD])
    Guard(run, "restore", writes=False).start(0, None)
    assert (run.output_dir / "bad_batches" / "left_out.json").exists()
    Guard(run, "restore").start(0, None)
    assert not (run.output_dir / "bad_batches" / "left_out.json").exists()


def test_a_disk_keeps_only_some(run, monkeypatch):
    monkeypatch.setattr(guard, "_MOST_KEPT", 2)
    watching = Guard(run, "skip")
    for step in range(4):
        watching.accepts(step, batches(), [BAD])
    assert len(list((run.output_dir / "bad_batches").glob("*.npz"))) == 2


def test_a_broken_list_and_a_mistyped_mode(run):
    (run.output_dir / "bad_batches").mkdir()
    (run.output_dir / "bad_batches" / "left_out.json").write_text("{")
    with pytest.raises(UserError, match="left_out.json, the list of steps to leave out, is broken"):
        Guard(run).start(4, None)
    with pytest.raises(UserError, match="--on_nonfinite=ignore must be one of stop, skip, restore"):
        Guard(run, "ignore")


@pytest.mark.parametrize("holds", [True, False])
def test_an_update_is_applied_or_leaves_everything_as_it_was(holds):
    variable = keras.Variable(np.ones(2, np.float32))
    optimizer = keras.optimizers.Adam(0.1)
    optimizer.build([variable])

    @tf.function(autograph=False)
    def update(holds):
        apply_if(holds, optimizer, [tf.constant([np.nan, 1.0])], [[variable]], tf.constant(0))

    before = [np.copy(v.numpy()) for v in (variable, *optimizer.variables)]
    update(tf.constant(holds))
    after = [v.numpy() for v in (variable, *optimizer.variables)]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True)) != holds
    assert int(optimizer.iterations) == holds


@pytest.mark.parametrize("scales", [False, True])
def test_an_update_is_of_the_variables_that_were_chosen(scales):
    shared, *alternatives = [keras.Variable([1.0, 1.0]) for _ in range(3)]
    optimizer = keras.optimizers.SGD(0.5)
    if scales:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=1.0)
    optimizer.build([shared, *alternatives])

    @tf.function(autograph=False)
    def update(which):
        gradients = [tf.constant([1.0, 0.0]), tf.constant([0.0, 1.0])]
        apply_if(tf.constant(True), optimizer, gradients, [[shared, each] for each in alternatives], which)

    update(tf.constant(1))
    assert [v.numpy().tolist() for v in (shared, *alternatives)] == [[0.5, 1.0], [1.0, 1.0], [1.0, 0.5]]
    update(tf.constant(0))
    assert [v.numpy().tolist() for v in (shared, *alternatives)] == [[0.0, 1.0], [1.0, 0.5], [1.0, 0.5]]
    assert int(optimizer.iterations) == 2


@pytest.mark.parametrize("scales", [False, True])
def test_on_several_replicas_too(scales):
    """In a process of its own, since logical devices have to be made before any other use."""
    code = """
import tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
import keras
from t2tlite.training.guard import apply_if
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    variables = [keras.Variable([1.0, 1.0]) for _ in range(2)]
    optimizer = keras.optimizers.SGD(0.5)
    if SCALES:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=1.0)
    optimizer.build(variables)

@tf.function(autograph=False)
def update(holds, which):
    def on_replica():
        apply_if(holds, optimizer, [tf.constant([1.0, 2.0])], [[v] for v in variables], which)

    strategy.run(on_replica)

for holds in (False, True):
    update(tf.constant(holds), tf.constant(1))
    for v in variables:
        print([part.numpy().tolist() for part in strategy.experimental_local_results(v.value)])
"""
    code = code.replace("SCALES", str(scales))
    completed = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)
    # The gradients of the replicas are summed. The update that was left out has halved the scale of the loss.
    moved = "[[-1.0, -3.0], [-1.0, -3.0]]\n" if scales else "[[0.0, -1.0], [0.0, -1.0]]\n"
    assert completed.stdout == "[[1.0, 1.0], [1.0, 1.0]]\n" * 3 + moved, completed.stderr
