"""Operations that stand in a graph once, however often they are computed."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import tensorflow as tf

from t2tlite.layers import xla

P = ParamSpec("P")
R = TypeVar("R")


def once(function: Callable[P, R]) -> Callable[P, R]:
    """Within a graph, makes a function of tensors a function of the graph, and so its gradient.

    TensorFlow holds some 10 KB in memory for each operation of a traced graph, and most of a body's are those
    of its many convolutions and normalizations. Calls that have the same ranks, types and other arguments
    share theirs; when the graph is run, the calls are replaced by what they stand for.

    What XLA compiles has no such functions. A gradient gets shapes from the forward pass, and XLA must know
    shapes when it compiles: of a function that hands one on it makes all inputs constants, the weights among
    them, and compiles anew after each update.

    Args:
      function: of tensors, and of hashable values that are the same at each call from one place. It must use
        no variable and draw nothing, and give a nest of tensors.
    """
    compiled = tf.function(function, autograph=False)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        inline = tf.executing_eagerly() or xla.is_traced_for()
        return (function if inline else compiled)(*args, **kwargs)

    return call
