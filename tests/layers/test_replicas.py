"""Sums over the replicas, and randomness that is the same on any number of them."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.layers import randomness, replicas

SEED = tf.constant([1, 2])

# Two logical CPUs have to be made before TensorFlow does anything else: a process of its own.
SCRIPT = """
import tensorflow as tf
from t2tlite.layers import replicas
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
parts = strategy.experimental_distribute_values_from_function(
    lambda context: tf.constant([3.0, 4.0])[context.replica_id_in_sync_group]
)

def on_replica(x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = replicas.total(x) ** 2 / replicas.number()
    with replicas.apart():
        alone = replicas.total(x)
    return replicas.total(x), tape.gradient(value, x), alone, replicas.number()

for value in strategy.run(tf.function(on_replica), args=(parts,)):
    print(*[float(each) for each in strategy.experimental_local_results(value)])
"""


def test_a_total_and_its_gradient():
    done = subprocess.run([sys.executable, "-P", "-c", SCRIPT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    total, gradient, alone, number = done.stdout.split("\n")[-5:-1]
    assert total == "7.0 7.0"
    assert gradient == "14.0 14.0"  # of the sum over the replicas of what each of them calls the value
    assert alone == "3.0 4.0"
    assert number.split() == ["2.0"] or number == "2.0 2.0"


def test_one_replica_is_the_whole():
    assert replicas.number() == 1 and float(replicas.total(tf.constant(5.0))) == 5.0


@pytest.mark.parametrize("number", [2, 3, 4])
@pytest.mark.parametrize("draw", ["normal", "dropout"])
def test_rows_of_a_replica_are_drawn_as_in_the_whole_batch(number, draw):
    def drawn(row, stride):
        shape = [len(range(row, 7, stride)), 3, 5]
        with randomness.scope(SEED, row, stride):
            randomness.next_seed()  # not only for the first draw
            if draw == "normal":
                return randomness.normal(shape).numpy()
            return randomness.dropout(tf.ones(shape), 0.3, True).numpy()

    whole = drawn(0, 1)
    assert len(np.unique(whole)) > 1
    for row in range(number):
        np.testing.assert_array_equal(drawn(row, number), whole[row::number])


def test_a_replica_takes_every_nth_row():
    from t2tlite.training.strategy import Replicas

    assert Replicas().rows == (0, 1) and Replicas().is_chief and not Replicas().any(False)
