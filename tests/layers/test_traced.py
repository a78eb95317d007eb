"""A traced function gives what its function gives, and its graph is forgotten."""

import gc
import threading

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.layers.dispatch import dispatch, plan_dispatch, undispatch
from t2tlite.layers.once import once
from t2tlite.layers.traced import Traced

SIGNATURE = [{"x": tf.TensorSpec([None])}, tf.TensorSpec([], tf.int32)]


@once
def squared(x):
    return x * x


class Example:
    """A function with a variable, branches, a loop and a function that stands in a graph once."""

    def __init__(self):
        self.variable = tf.Variable([1.0, 2.0])
        self.calls = 0

    def __call__(self, features, which):
        self.calls += 1
        x = squared(features["x"])
        y = tf.switch_case(which, [lambda: x * self.variable, lambda: x + self.variable.assign_add([1, 1])])
        _, y = tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * 2), (tf.constant(0), y))
        return {"y": y, "sums": [tf.reduce_sum(y)]}


def graphs(name):
    """Those in memory of functions with this name."""
    gc.collect()
    return [one for one in gc.get_objects() if isinstance(one, tf.Graph) and getattr(one, "name", "") == name]


def test_it_gives_what_the_function_gives():
    example, expected = Example(), Example()
    traced = Traced(example, SIGNATURE)
    for length in (2, 2, 1):
        for which in (0, 1):
            features = {"x": tf.range(1.0, length + 1)}
            one = traced(features, which=tf.constant(which))
            other = expected(features, tf.constant(which))
            tf.nest.map_structure(np.testing.assert_array_equal, one, other)
            np.testing.assert_array_equal(example.variable, expected.variable)
    assert example.calls == 1


def test_its_graph_is_forgotten_and_those_of_its_branches_and_loops():
    def a_function_to_forget(features, which):
        return Example.__call__(example, features, which)

    example = Example()
    traced = Traced(a_function_to_forget, SIGNATURE)
    traced({"x": tf.ones([2])}, tf.constant(0))
    assert not graphs("a_function_to_forget")
    function = tf.function(a_function_to_forget)
    function({"x": tf.ones([2])}, tf.constant(0))
    assert graphs("a_function_to_forget")


def test_moving_to_experts_and_back_pins_no_graph():
    """TensorFlow never forgets a custom gradient, nor the graph that it is made in."""

    def through_experts(x):
        plan = plan_dispatch(tf.constant([[0, 1], [1, 2]]), tf.ones([2]), 3, 2, drops=True)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = undispatch(dispatch(x, plan), plan)
        return tape.gradient(y, x)

    traced = Traced(through_experts, [tf.TensorSpec([2, 4])])
    np.testing.assert_array_equal(traced(tf.ones([2, 4])), np.full([2, 4], 2.0))
    assert not graphs("through_experts")


def test_within_a_graph_it_is_a_function_of_the_graph():
    traced = Traced(lambda x: 3 * x, [tf.TensorSpec([None])])

    @tf.function
    def outer(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = traced(x) + traced(x)
        return tape.gradient(y, x)

    np.testing.assert_array_equal(outer(tf.ones([2])), [6, 6])
    types = [operation.type for operation in outer.get_concrete_function(tf.ones([2])).graph.get_operations()]
    assert "Mul" not in types


@pytest.mark.usefixtures("eagerly")
def test_eagerly_nothing_is_traced():
    example = Example()
    traced = Traced(example, SIGNATURE)
    for _ in range(2):
        traced({"x": tf.ones([2])}, tf.constant(0))
    assert example.calls == 2


def test_errors_of_what_is_run_and_of_arguments():
    traced = Traced(Example(), SIGNATURE)
    with pytest.raises(tf.errors.InvalidArgumentError, match="ncompatible shapes|must be broadcastable"):
        traced({"x": tf.ones([3])}, tf.constant(0))
    with pytest.raises(TypeError, match="cast"):
        traced({"x": tf.constant([1, 2])}, tf.constant(0))


def test_several_threads_trace_it_once():
    example = Example()
    traced = Traced(example, SIGNATURE)
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(traced({"x": tf.ones([2])}, tf.constant(0))))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 3 and example.calls == 1
