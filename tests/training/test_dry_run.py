"""The dry run: what it finds before the first update, and that it changes nothing."""

import types

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.errors import UserError
from t2tlite.training import dry_run, memory

from ..models import tiny

HPARAMS = tiny.HPARAMS.replace(
    length_bounds=(8, 12), batch_tokens=96, batch_images=8, seconds_bounds=(0.1, 0.25), batch_seconds=1.0
)


def a_run(*names, hparams=HPARAMS):
    problems = {name: tiny.PROBLEMS[name] for name in names}
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
    seen = []
    example_batch = dry_run.example_batch

    def noted(run, problem, size):
        seen.append((problem.name, size))
        return example_batch(run, problem, size)

    monkeypatch.setattr(dry_run, "example_batch", noted)
    return seen


def test_every_kind_of_problem_is_tried_and_nothing_changes(model, sizes):
    before = [np.copy(variable.numpy()) for variable in model.variables]
    dry_run.check(a_run(*tiny.PROBLEMS), model)
    assert {name for name, _ in sizes} == set(tiny.PROBLEMS)
    largest = {name: max(size for other, size in sizes if other == name) for name in tiny.PROBLEMS}
    assert largest == {
        "translation": 8,
        "captions": 8,
        "spoken": 4,
        "pictures": 8,
        "topics": 8,
        "sounds": 4,
    }
    assert all(np.array_equal(a, b) for a, b in zip(before, model.variables, strict=True))


def test_a_batch_is_as_long_as_the_last_bound():
    batch = dry_run.example_batch(a_run("spoken"), tiny.PROBLEMS["spoken"], 2)
    assert batch["inputs"].shape == (2, 4000) and batch["inputs_length"].numpy().tolist() == [4000, 4000]
    targets = batch["targets"].numpy()
    assert targets.shape == (2, 12) and (targets[:, -1] == 1).all() and targets[:, :-1].min() >= 2
    assert targets.max() < tiny.VOCABULARY.size


def test_replicas_share_the_batch(model, sizes):
    dry_run.check(a_run("pictures"), model, replicas=3)
    assert max(size for _, size in sizes) == 3


def test_problems_that_go_the_same_way_are_tried_once(sizes):
    problems = {"one": tiny.a_problem("one", *[tiny.problem.Text()] * 2, "to_a")}
    problems["two"] = tiny.a_problem("two", *[tiny.problem.Text()] * 2, "to_b")
    run = a_run("translation")
    run.problems = problems
    wiring = tiny.multimodel.wire(problems.values(), HPARAMS, tiny.VOCABULARY, {})
    model = tiny.registry.get("model", HPARAMS.model)(HPARAMS, wiring)
    model.build(None)
    dry_run.check(run, model)
    assert {name for name, _ in sizes} == {"one"}


def test_a_figure_that_is_not_finite(sizes):
    model = tiny.model(["topics"], HPARAMS)
    model.encoder.experts.out_kernel.assign(tf.fill(model.encoder.experts.out_kernel.shape, np.inf))
    with pytest.raises(UserError, match="the largest batch of `topics` .*12 tokens.* has the loss nan"):
        dry_run.check(a_run("topics"), model)


def test_shapes_that_do_not_fit(model, monkeypatch):
    def broken(logits, targets):
        return tf.reduce_sum(logits @ logits), tf.ones([])

    monkeypatch.setattr(model.target_net("pictures"), "loss", broken)
    with pytest.raises(UserError, match="`pictures` .1 examples of 33 pixels. can't be computed"):
        dry_run.check(a_run("pictures"), model)


def test_a_batch_that_memory_does_not_suffice_for(model, monkeypatch, sizes):
    """Need grows by 10 for each example, from 100: of 8 at most 5 fit."""
    monkeypatch.setattr(memory, "on_gpu", lambda: False)
    monkeypatch.setattr(memory, "free", lambda: 155.0)

    def peak(work):
        work()
        return 100.0 + 10.0 * sizes[-1][1]

    monkeypatch.setattr(memory, "peak", peak)
    with pytest.raises(UserError, match="`translation` .*; 5 fit: use --hparams=batch_tokens=60"):
        dry_run.check(a_run("translation"), model)
    assert max(size for _, size in sizes) == 2
    monkeypatch.setattr(memory, "free", lambda: 181.0)
    dry_run.check(a_run("translation"), model)
    assert sizes[-1] == ("translation", 8)


def test_memory_that_runs_out_on_a_gpu(model, monkeypatch):
    gradients = dry_run._gradients

    def limited(model, name, features, seed):
        if len(features["targets"]) > 3:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM")
        return gradients(model, name, features, seed)

    monkeypatch.setattr(dry_run, "_gradients", limited)
    monkeypatch.setattr(memory, "on_gpu", lambda: True)
    with pytest.raises(UserError, match="`pictures` .*; 2 fit: use --hparams=batch_images=2"):
        dry_run.check(a_run("pictures"), model)
    with pytest.raises(UserError, match="`sounds` .4 examples of 0.25 seconds.*; 2 fit.*batch_seconds=0.5"):
        dry_run.check(a_run("sounds"), model)


def test_what_something_takes_is_measured():
    taken = memory.peak(lambda: tf.zeros([1000, 1000]) + 1.0)
    assert taken in (0.0, pytest.approx(8e6, rel=0.5))
    assert memory.free() > 1e6
