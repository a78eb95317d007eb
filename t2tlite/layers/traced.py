"""A function of tensors, traced once, of which only what is run stays in memory."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

_one_at_a_time = threading.RLock()  # threads that trace gain nothing from each other


class Traced:
    """A `tf.function` of one signature, traced once.

    A `tf.function` also keeps the graph it was traced into, so that it can be differentiated, exported and
    inspected. That takes about as much memory as what is run: 20 MB for an update of a small model. Here it
    is forgotten, so a call has no gradient. Within the graph of another function it is an ordinary
    `tf.function`.

    Args:
      function: of tensors and nests of them.
      signature: a `tf.TensorSpec`, or a nest of them, for each of its arguments.
    """

    def __init__(self, function: Callable[..., Any], signature: Sequence[Any]) -> None:
        self._function = function
        self._signature = list(signature)
        self._call: Callable[..., Any] | None = None
        self._within: Callable[..., Any] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if tf.config.functions_run_eagerly():
            return self._function(*args, **kwargs)
        traced = self._call if tf.executing_eagerly() else self._within
        return (traced or self._trace())(*args, **kwargs)

    def _trace(self) -> Callable[..., Any]:
        with _one_at_a_time:
            if not tf.executing_eagerly():
                self._within = self._within or self._compiled()
                return self._within
            self._call = self._call or _without_graph(self._compiled().get_concrete_function())
            return self._call

    def _compiled(self) -> tf.types.experimental.PolymorphicFunction:
        return tf.function(self._function, input_signature=self._signature, autograph=False)


def _without_graph(concrete: tf.types.experimental.ConcreteFunction) -> Callable[..., Any]:
    """A function that calls what a concrete function has registered with the runtime.

    TensorFlow offers no way to forget a graph. So this one knows two private attributes of its
    `AtomicFunction`, which makes both anew where it needs them.
    """
    called = concrete.inference_fn
    captured = concrete.captured_inputs
    _forget_graph(called, type(concrete.graph))
    # Each call compares the number of arguments with the definition's, for which its signature is enough.
    definition = called.definition
    short = type(definition)(signature=definition.signature, attr=definition.attr)
    called._cached_definition = short

    def call(*args: Any, **kwargs: Any) -> Any:
        return called.call_with_captures(args, kwargs, captured)

    return call


def _forget_graph(called: tf.types.experimental.AtomicFunction, kind: type[tf.Graph]) -> None:
    """Forgets a function's graph, and those of its branches and loops, which hold on to it.

    These are of a class of their own, while one of the same class as the function's is that of a function
    that is called, which may be called elsewhere, too.
    """
    called._cached_graph = None
    for child in called.children:
        graph = child._cached_graph
        if graph is not None and type(graph) is not kind:
            _forget_graph(child, kind)
