"""Operations that stand in a graph once, however often they are computed."""

import functools

import tensorflow as tf


def once(function):
    """Within a graph, makes a function of tensors a function of the graph, and so its gradient.

    TensorFlow holds about 8 KB in memory for each operation of a graph, and half of a body's are those of its
    many convolutions and normalisations. Calls that have the same ranks, types and other arguments share
    theirs; when the graph is run, the calls are replaced by what they stand for.

    Args:
      function: of tensors, and of hashable values that are the same at each call from one place. It must use
        no variable and draw nothing, and give a nest of tensors.
    """
    compiled = tf.function(function, autograph=False)

    @functools.wraps(function)
    def call(*args):
        return function(*args) if tf.executing_eagerly() else compiled(*args)

    return call
