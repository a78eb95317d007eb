"""A product with a matrix at every position."""

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.layers.linear import project

from ..models import tiny


@pytest.mark.parametrize("transpose", [False, True])
def test_the_product_and_its_gradients(transpose):
    x, kernel, dy = tiny.noise(2, 5, 3), tiny.noise(3, 4, seed=1), tiny.noise(2, 5, 4, seed=2)
    weights = tf.transpose(kernel) if transpose else kernel
    with tf.GradientTape() as tape:
        tape.watch([x, weights])
        y = project(x, weights, transpose)
    dx, dkernel = tape.gradient(y, [x, weights], dy)
    x, kernel, dy = (array.numpy().astype("float64") for array in (x, kernel, dy))
    tiny.close(y, x @ kernel, 1e-6)
    tiny.close(dx, dy @ kernel.T, 1e-6)
    expected = np.einsum("bld,bln->dn", x, dy)
    tiny.close(dkernel, expected.T if transpose else expected, 1e-6)


def test_no_gradient_is_kept_for_each_row():
    @tf.function(input_signature=[tf.TensorSpec([None, None, 3]), tf.TensorSpec([3, 4])])
    def gradient(x, kernel):
        with tf.GradientTape() as tape:
            tape.watch(kernel)
            y = project(x, kernel)
        assert y.shape.as_list() == [None, None, 4]
        return tape.gradient(y, kernel)

    products = [op for op in gradient.get_concrete_function().graph.get_operations() if "MatMul" in op.type]
    assert [op.type for op in products] == ["MatMul", "MatMul"]
    assert products[1].outputs[0].shape == (3, 4)
