"""Several batches at a time: all results in order, errors as they are."""

import os
import threading

import pytest
import tensorflow as tf

from t2tlite.decoding import cores


def test_results_are_in_order(monkeypatch):
    for number in (1, 3, 50):
        monkeypatch.setattr(cores, "parallel_batches", lambda number=number: number)
        assert cores.map_batches(lambda n: n * n, range(20)) == [n * n for n in range(20)]
        assert cores.map_batches(lambda n: n, []) == []


def test_batches_run_beside_each_other(monkeypatch):
    monkeypatch.setattr(cores, "parallel_batches", lambda: 3)
    all_there = threading.Barrier(3, timeout=60)
    assert sorted(cores.map_batches(lambda _: all_there.wait(), range(3))) == [0, 1, 2]


def test_the_first_error_is_raised_and_ends_the_work(monkeypatch):
    monkeypatch.setattr(cores, "parallel_batches", lambda: 2)
    finished = []

    def work(n):
        if n == 1:
            raise ValueError("one")
        finished.append(n)

    with pytest.raises(ValueError, match="one"):
        cores.map_batches(work, iter(range(1000)))
    assert len(finished) < 1000


@pytest.fixture
def thread_counts(monkeypatch):
    """Threads for an operation that TensorFlow is asked for."""
    counts = []
    monkeypatch.setattr(tf.config.threading, "set_intra_op_parallelism_threads", counts.append)
    return counts


@pytest.mark.parametrize("accelerator", ["GPU", "TPU"])
def test_an_accelerator_has_one_batch_at_a_time(monkeypatch, thread_counts, accelerator):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["one"] * (kind == accelerator))
    assert cores.parallel_batches() == 1
    cores.limit_operation_threads()
    assert not thread_counts


def test_a_core_each_without_an_accelerator(monkeypatch, thread_counts):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 5})
    assert cores.parallel_batches() == 3
    cores.limit_operation_threads()
    assert thread_counts == [1]


def test_too_late_is_no_error(monkeypatch):
    tf.constant(1) + 1  # TensorFlow has begun
    before = tf.config.threading.get_intra_op_parallelism_threads()
    with pytest.raises(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(before + 1)
    monkeypatch.setattr(cores, "parallel_batches", lambda: 2)
    cores.limit_operation_threads()
    assert tf.config.threading.get_intra_op_parallelism_threads() == before
