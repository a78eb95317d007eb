"""Several batches at a time: all results in order, errors as they are."""

import threading

import pytest
import tensorflow as tf

from t2tlite.decoding import cores


def test_results_are_in_order(monkeypatch):
    for number in (1, 3, 50):
        monkeypatch.setattr(cores, "number", lambda number=number: number)
        assert cores.each(lambda n: n * n, range(20)) == [n * n for n in range(20)]
        assert cores.each(lambda n: n, []) == []


def test_batches_run_beside_each_other(monkeypatch):
    monkeypatch.setattr(cores, "number", lambda: 3)
    all_there = threading.Barrier(3, timeout=60)
    assert sorted(cores.each(lambda _: all_there.wait(), range(3))) == [0, 1, 2]


def test_the_first_error_is_raised_and_ends_the_work(monkeypatch):
    monkeypatch.setattr(cores, "number", lambda: 2)
    done = []

    def work(n):
        if n == 1:
            raise ValueError("one")
        done.append(n)

    with pytest.raises(ValueError, match="one"):
        cores.each(work, iter(range(1000)))
    assert len(done) < 1000


def test_an_accelerator_has_one_batch_at_a_time(monkeypatch):
    assert cores.number() >= 1
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["one"] * (kind == "GPU"))
    assert cores.number() == 1
    cores.keep_operations_on_one()


def test_too_late_is_no_error(monkeypatch):
    tf.constant(1) + 1  # TensorFlow has begun
    monkeypatch.setattr(cores, "number", lambda: 2)
    cores.keep_operations_on_one()
