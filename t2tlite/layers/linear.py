"""A product with a matrix at every position."""

import tensorflow as tf


def project(x: tf.Tensor, kernel: tf.Tensor, transpose: bool = False) -> tf.Tensor:
    """`[..., d] . [d, n] -> [..., n]`, one product for all positions; `transpose`: the kernel is `[n, d]`.

    `tf.matmul` of three dimensions by two has as the kernel's gradient one product for each row of the
    batch, which are kept and then added up: for 256 rows and a softmax of 8192 subwords 2 GB.
    """
    size = kernel.shape[0 if transpose else 1]
    y = tf.matmul(tf.reshape(x, [-1, x.shape[-1]]), kernel, transpose_b=transpose)
    y = tf.reshape(y, tf.concat([tf.shape(x)[:-1], [size]], axis=0))
    return tf.ensure_shape(y, [*x.shape[:-1], size])
