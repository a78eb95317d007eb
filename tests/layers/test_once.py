"""What stands in a graph once gives what it gives eagerly, and is there once."""

import numpy as np
import tensorflow as tf

from t2tlite.layers.once import once


@once
def curve(x, weights, power):
    return tf.tanh(x @ weights) ** power


def test_values_and_gradients_are_those_of_the_function():
    x, weights = (tf.random.stateless_normal([3, 3], [0, seed]) for seed in range(2))

    def both(x, weights):
        with tf.GradientTape() as tape:
            tape.watch([x, weights])
            y = curve(curve(x, weights, 2), weights, 3)
        return y, *tape.gradient(y, [x, weights])

    for one, two in zip(both(x, weights), tf.function(both)(x, weights), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5)


def test_a_graph_holds_its_operations_once():
    def times(count):
        def repeated(x, weights):
            with tf.GradientTape() as tape:
                tape.watch(weights)
                for _ in range(count):
                    x = curve(x, weights, 2)
            return tape.gradient(x, weights)

        spec = tf.TensorSpec([None, 3])
        graph = (
            tf.function(repeated, autograph=False).get_concrete_function(spec, tf.TensorSpec([3, 3])).graph
        )
        types = [operation.type for operation in graph.get_operations()]
        assert "Tanh" not in types
        return len(types)

    assert times(3) - times(2) < 8


def test_nothing_is_traced_outside_a_graph():
    traced = []

    @once
    def noted(x):
        traced.append(x)
        return x

    for length in (1, 2):
        noted(tf.zeros([length]))
    assert [type(x).__name__ for x in traced] == ["EagerTensor"] * 2
