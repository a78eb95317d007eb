"""Operations that stand in a graph once, however often they are computed."""

import functools

import tensorflow as tf


def once(function):
    """Within a graph, makes a function of tensors a function of the graph, and so its gradient.

    TensorFlow holds some 10 KB in memory for each operation of a traced graph, and most of a body's are those
    of its many convolutions and normalizations. Calls that have the same ranks, types and other arguments
    share theirs; when the graph is run, the calls are replaced by what they stand for.

    Args:
      function: of tensors, and of hashable values that are the same at each call from one place. It must use
        no variable and draw nothing, and give a nest of tensors.
    """
    compiled = tf.function(function, autograph=False)

    @functools.wraps(function)
    def call(*args, **kwargs):
        return (function if tf.executing_eagerly() else compiled)(*args, **kwargs)

    return call
