"""Sums over the replicas, and randomness that is the same on any number of them."""

import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.layers import randomness, replicas

SEED = tf.constant([1, 2])

# Two logical CPUs have to be made before TensorFlow does anything else: a process of its own.
SCRIPT = """
import json
import tensorflow as tf
from t2tlite.layers import replicas
from t2tlite.layers.experts import Balance
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
parts = strategy.experimental_distribute_values_from_function(
    lambda context: tf.constant([3.0, 4.0])[context.replica_id_in_sync_group]
)

def on_replica(x):
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        balance = Balance(tf.stack([x, 2 * x]), tf.fill([1, 1], 3 * x), tf.constant([0.5, 0.25]), tf.ones([]))
        values = {"scalar": x, "balance": balance}
        whole = replicas.total(values)
        value = whole["scalar"] ** 2 / replicas.number()
        rows = tf.reshape(x + tf.range(0.0, 2 * x - 5), [-1, 1])  # one here, and three there
        [one, other], places = replicas.gathered([rows, tf.tile(-rows, [1, 2])], 4)
        compared = tf.reduce_sum(tf.linspace(1.0, 4.0, 4)[:, None] * one) * (1 + x)
    balance = whole["balance"]
    tensors = [tf.fill(shape, i + x) for i, shape in enumerate([[2], [], [1, 3], [9], [2, 2], [1]])]
    return {
        "number": tf.constant(replicas.number()),
        "total": whole["scalar"],
        "gradient": tape.gradient(value, x),
        "balance": [balance.load, balance.importance],
        "weights": balance.weights / balance.parts,
        "buckets": replicas.total_in_buckets(tensors, 16),
        "rows": [one, other, places],
        "of_rows": tape.gradient(compared, rows),
    }

found = strategy.run(tf.function(on_replica), args=(parts,))
for place in range(2):
    here = lambda value: strategy.experimental_local_results(value)[place].numpy().tolist()
    print(json.dumps(tf.nest.map_structure(here, found)))
"""


def test_sums_of_two_replicas():
    """A nest of tensors as one, its gradient, and a list of tensors in buckets of four numbers."""
    completed = subprocess.run([sys.executable, "-P", "-c", SCRIPT], capture_output=True, text=True)
    assert completed.returncode == 0, completed.stderr
    for line in completed.stdout.split("\n")[-3:-1]:
        output = json.loads(line)
        assert output["number"] == 2 and output["total"] == 7
        assert output["gradient"] == 14  # of the sum over the replicas of what each of them calls the value
        assert output["balance"] == [[7, 14], [[21]]] and output["weights"] == [0.5, 0.25]
        assert output["rows"][:2] == [[[3], [4], [5], [6]], [[-3] * 2, [-4] * 2, [-5] * 2, [-6] * 2]]
        first = output["rows"][2][0]
        assert output["rows"][2] == ([0] if first == 0 else [1, 2, 3])
        # Of what both replicas call the value, 4 times the weighted sum here and 5 times there.
        assert output["of_rows"] == [[9]] if first == 0 else [[18], [27], [36]]
        assert output["buckets"] == [[7] * 2, 9, [[11] * 3], [13] * 9, [[15] * 2] * 2, [17]]


def test_one_replica_is_the_whole():
    tensors = [tf.constant(5.0)]
    assert replicas.number() == 1
    assert replicas.total(tensors) is replicas.total_in_buckets(tensors) is tensors
    rows, places = replicas.gathered((tf.ones([2, 3]),), 2)
    assert rows[0].shape == (2, 3) and places.numpy().tolist() == [0, 1]


@pytest.mark.parametrize("most", [1, 10, 64, 10**9])
def test_buckets_are_bounded_and_no_two_neighbours_would_go_together(most):
    sizes = np.random.default_rng(0).integers(0, 40, 200).tolist()
    counts = list(replicas.buckets(sizes, most))
    assert sum(counts) == len(sizes) and all(counts)
    ends = np.cumsum([0, *counts])
    groups = [sizes[a:b] for a, b in zip(ends, ends[1:], strict=False)]
    assert all(sum(bucket) <= most or len(bucket) == 1 for bucket in groups)
    assert all(sum(one) + other[0] > most for one, other in zip(groups, groups[1:], strict=False))
    assert list(replicas.buckets([], most)) == []


@pytest.mark.parametrize(("number", "jit"), [(2, False), (3, False), (4, False), (3, True)])
@pytest.mark.parametrize("draw", ["normal", "dropout"])
def test_rows_of_a_replica_are_drawn_as_in_the_whole_batch(number, draw, jit):
    @tf.function(jit_compile=jit, autograph=False)
    def drawn(x, row, stride, whole):
        with randomness.scope(SEED, row, stride, whole):
            randomness.next_seed()  # not only for the first draw
            if draw == "normal":
                return randomness.normal(tf.shape(x))
            return randomness.dropout(x, 0.3, True)

    rows = tf.ones([7, 3, 5])
    whole = drawn(rows, 0, 1, None).numpy()
    assert len(np.unique(whole)) > 1
    for row in range(number):  # 7 rows are not as many for each of 2, 3 or 4
        part = drawn(rows[row::number], tf.constant(row), number, rows[:, 0, :0])
        np.testing.assert_array_equal(part, whole[row::number])


@pytest.mark.parametrize(("draw", "of"), [("normal", "stateless_normal"), ("dropout", "stateless_uniform")])
def test_every_replica_draws_the_same_shape(monkeypatch, draw, of):
    """Compiled code may give other numbers for another shape: that of the whole batch, whoever draws."""
    shapes, function = [], getattr(tf.random, of)

    def noting(shape, **more):
        shapes.append(np.array(shape).tolist())
        return function(shape, **more)

    monkeypatch.setattr(tf.random, of, noting)
    rows = tf.ones([7, 3, 5])
    for stride in (1, 2, 3):
        for row in range(stride):
            part = rows[row::stride]
            with randomness.scope(SEED, row, stride, rows[:, 0, :0]):
                if draw == "normal":
                    randomness.normal(tf.shape(part))
                else:
                    randomness.dropout(part, 0.3, True)
    assert shapes == [[7, 3, 5]] * 6


def test_a_replica_takes_every_nth_row():
    from t2tlite.training.strategy import Replicas

    assert Replicas().rows == (0, 1) and Replicas().is_chief and not Replicas().any(False)
