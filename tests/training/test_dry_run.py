"""The dry run: what it finds before the first update, and that it changes nothing."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2tlite import objective, problem, registry
from t2tlite.errors import UserError
from t2tlite.training import applying, dry_run, memory
from t2tlite.training.optimizers import OPTIMIZERS, make_optimizer, rehearsal
from t2tlite.training.step import make_train_steps

from ..models import tiny
from . import updates

pytestmark = pytest.mark.usefixtures("eagerly")

HPARAMS = tiny.HPARAMS.replace(
    length_bounds=(8, 12), batch_tokens=96, batch_images=8, seconds_bounds=(0.1, 0.25), batch_seconds=1.0
)


def a_run(*names, hparams=HPARAMS):
    problems = {name: tiny.get(name) for name in names}
    labels = {name: tiny.CLASSES for name in names}
    return types.SimpleNamespace(
        hparams=hparams, problems=problems, labels=labels, vocabulary=tiny.VOCABULARY, seed=3
    )


@pytest.fixture(scope="module")
def model():
    return tiny.model(hparams=HPARAMS)


@pytest.fixture
def sizes(monkeypatch):
    """The sizes of the batches that are tried."""
    tried = []
    example_batch = dry_run.example_batch

    def noted(run, problem, size):
        tried.append((problem.name, size))
        return example_batch(run, problem, size)

    monkeypatch.setattr(dry_run, "example_batch", noted)
    return tried


def check(run, model, workers=1, optimizer=None):
    """With the optimizer and the update of the run; each of the workers tries its rows."""
    optimizer = optimizer or make_optimizer(run.hparams, model.trainable_variables)
    specs = {
        name: updates.specs(dry_run.example_batch(run, problem, 1)) for name, problem in run.problems.items()
    }
    steps = make_train_steps(model, optimizer, objective.all_of(run.problems, run.hparams), run.seed, specs)

    def update(batches, step):
        [(name, features)] = batches
        return [steps[name](features, tf.constant(step))]

    replicas = types.SimpleNamespace(number=workers, workers=workers, any=bool)
    dry_run.check(run, model, optimizer, update, replicas)


@pytest.mark.parametrize("far", [True, False])
def test_every_kind_of_problem_is_tried(model, sizes, monkeypatch, far):
    """On a CPU with a few examples, if the whole batch is far from the limit."""
    monkeypatch.setattr(memory, "on_gpu", lambda: not far)
    monkeypatch.setattr(memory, "free", lambda: 1e12)
    check(a_run(*tiny.PROBLEMS), model)
    assert {name for name, _ in sizes} == set(tiny.PROBLEMS)
    if far:
        assert {size for _, size in sizes} == {1}
        return
    largest = {name: max(size for other, size in sizes if other == name) for name in tiny.PROBLEMS}
    assert largest == {
        "translation": 8,
        "captions": 8,
        "spoken": 4,
        "pictures": 8,
        "topics": 8,
        "sounds": 4,
    }


@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, "float16", "averages"])
def test_nothing_changes(optimizer):
    """Neither weights nor the optimizer's state, down to the bit; and the next update is the first."""
    changes = {
        "adamw": {"weight_decay": 0.1},
        "float16": {"precision": "mixed_float16"},
        "averages": {"ema_decay": 0.9},
    }.get(optimizer, {})
    name = optimizer if optimizer in OPTIMIZERS else "adam"
    hparams = HPARAMS.replace(optimizer=name, learning_rate_warmup_steps=1, **changes)
    model = tiny.model(["topics"], HPARAMS)
    optimizer = make_optimizer(hparams, model.trainable_variables)
    variables = [*model.variables, *optimizer.variables]
    before = [np.copy(variable.numpy()) for variable in variables]
    applied = []
    with pytest.MonkeyPatch.context() as patch:
        inner = getattr(optimizer, "inner_optimizer", optimizer)
        patch.setattr(type(inner), "update_step", noted(type(inner).update_step, applied))
        check(a_run("topics", hparams=hparams), model, optimizer=optimizer)
    assert applied
    for value, variable in zip(before, variables, strict=True):
        np.testing.assert_array_equal(value, variable.numpy(), err_msg=variable.path)
    assert float(optimizer.learning_rate) > 0


def noted(update_step, calls):
    def update(self, gradient, variable, learning_rate):
        calls.append(variable)
        return update_step(self, gradient, variable, learning_rate)

    return update


def test_what_the_optimizer_takes_counts(model, monkeypatch):
    """A batch that passes forward and backward, and whose update doesn't fit."""

    def full(*args):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM")

    monkeypatch.setattr(memory, "on_gpu", lambda: True)
    monkeypatch.setattr(applying, "_apply", full)
    with pytest.raises(UserError, match="`topics` .* more memory than there is, and so does a single exampl"):
        check(a_run("topics"), model)


def test_what_was_compiled_in_a_rehearsal_trains_after_it():
    variable = keras.Variable([1.0, 2.0], name="weights")
    optimizer = make_optimizer(HPARAMS.replace(learning_rate_warmup_steps=1), [variable])
    update = tf.function(lambda: optimizer.apply([tf.ones([2])], [variable]), autograph=False)
    with rehearsal(optimizer):
        update()
        assert variable.numpy().tolist() == [1.0, 2.0]
    update()
    assert (variable.numpy() < [1.0, 2.0]).all()


def test_only_before_the_first_update():
    model = tiny.model(["topics"], HPARAMS)
    optimizer = make_optimizer(HPARAMS, model.trainable_variables)
    optimizer.iterations.assign(1)
    with pytest.raises(ValueError, match="before its first update"), rehearsal(optimizer):
        pass


def test_a_batch_is_as_long_as_the_last_bound():
    batch = dry_run.example_batch(a_run("spoken"), tiny.PROBLEMS["spoken"], 2)
    assert batch["inputs"].shape == (2, 4000) and batch["inputs_length"].numpy().tolist() == [4000, 4000]
    targets = batch["targets"].numpy()
    assert targets.shape == (2, 12) and (targets[:, -1] == 1).all() and targets[:, :-1].min() >= 2
    assert targets.max() < tiny.VOCABULARY.size


def test_replicas_share_the_batch(model, sizes, monkeypatch):
    monkeypatch.setattr(memory, "on_gpu", lambda: True)
    check(a_run("pictures"), model, 3)
    assert max(size for _, size in sizes) == 3


def test_problems_that_go_the_same_way_are_tried_once(sizes):
    problems = {"one": tiny.a_problem("one", *[tiny.problem.Text()] * 2, "to_a")}
    problems["two"] = tiny.a_problem("two", *[tiny.problem.Text()] * 2, "to_b")
    run = a_run("translation")
    run.problems = problems
    cls = tiny.registry.get("model", HPARAMS.model)
    model = cls.from_problems(problems.values(), HPARAMS, tiny.VOCABULARY, {})
    model.build(None)
    check(run, model)
    assert [name for name, _ in sizes] == ["one", "two", "one"]  # the first two for the form of their batches


def test_a_figure_that_is_not_finite(sizes):
    model = tiny.model(["topics"], HPARAMS)
    model.encoder.experts.out_kernel.assign(tf.fill(model.encoder.experts.out_kernel.shape, np.inf))
    with pytest.raises(UserError, match="the largest batch of `topics` .*12 tokens.* has the loss nan"):
        check(a_run("topics"), model)


def test_shapes_that_do_not_fit(model, monkeypatch):
    def broken(self, output, features):
        return tf.reduce_sum(output.logits @ output.logits)

    monkeypatch.setattr(registry.get("objective", "classification"), "loss", broken)
    with pytest.raises(UserError, match="`pictures` .1 examples of 33 pixels. can't be computed"):
        check(a_run("pictures"), model)


def test_a_batch_that_memory_does_not_suffice_for(model, monkeypatch, sizes):
    """Need grows by 10 for each example, from 100: of 8 at most 5 fit."""
    monkeypatch.setattr(memory, "on_gpu", lambda: False)
    monkeypatch.setattr(memory, "free", lambda: 155.0)

    def peak(work):
        work()
        return 100.0 + 10.0 * sizes[-1][1]

    monkeypatch.setattr(memory, "peak", peak)
    with pytest.raises(UserError, match="`translation` .*; 5 fit: use --hparams=batch_tokens=60"):
        check(a_run("translation"), model)
    assert max(size for _, size in sizes) == 2
    monkeypatch.setattr(memory, "free", lambda: 181.0)
    check(a_run("translation"), model)
    assert sizes[-1] == ("translation", 8)


def test_memory_that_runs_out_on_a_gpu(model, monkeypatch):
    example_batch = dry_run.example_batch

    def limited(run, problem, size):
        if size > 3:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM")
        return example_batch(run, problem, size)

    monkeypatch.setattr(dry_run, "example_batch", limited)
    monkeypatch.setattr(memory, "on_gpu", lambda: True)
    with pytest.raises(UserError, match="`pictures` .*; 2 fit: use --hparams=batch_images=2"):
        check(a_run("pictures"), model)
    with pytest.raises(UserError, match="`sounds` .4 examples of 0.25 seconds.*; 2 fit.*batch_seconds=0.5"):
        check(a_run("sounds"), model)


def test_what_something_takes_is_measured():
    peak = memory.peak(lambda: tf.zeros([1000, 1000]) + 1.0)
    assert peak in (0.0, pytest.approx(8e6, rel=0.5))
    assert memory.free() > 1e6


def test_named_inputs_are_tried_all_of_them(sizes, monkeypatch):
    """The largest batch holds what is optional, and two inputs of a kind share its size."""
    both = problem.NamedInputs.of({"one": problem.Text(), "other": problem.Text()})
    monkeypatch.setitem(tiny.NAMED, "both", tiny.a_problem("both", both, problem.Text(), "to_both"))
    monkeypatch.setattr(memory, "on_gpu", lambda: True)
    names = ("asked", "told", "both")
    run = a_run(*names)
    check(run, tiny.model(names, HPARAMS))
    assert dict(sizes) == {"asked": 8, "told": 4, "both": 4}
    assert dry_run.example_batch(run, tiny.NAMED["told"], 2)["inputs.hint_given"].numpy().all()
    monkeypatch.setattr(dry_run._Trial, "_pass", no_memory)
    with pytest.raises(UserError, match="12 tokens.* 2 fit: use --hparams=batch_tokens=48"):
        check(a_run("both"), tiny.model(("both",), HPARAMS))


def no_memory(self, size):
    if size > 2:
        raise tf.errors.ResourceExhaustedError(None, None, "")
