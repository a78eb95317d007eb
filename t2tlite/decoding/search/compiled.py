"""Compiled functions: those of a model's problems, each traced once for all shapes, by any thread."""

import functools
import threading
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from t2tlite.decoding.search.constraints import Constraint
from t2tlite.decoding.search.decode import SETTINGS, DecodeConfig, decode
from t2tlite.ids import PAD
from t2tlite.layers.traced import Traced
from t2tlite.types import Batch

_ROWS = tf.TensorSpec([None], tf.int32)
_MAX_FUNCTIONS = 32  # functions that are kept; one takes some 20 MB even of a small model


class CompiledFunctions:
    """Makes functions when they are first asked for; they may be called by several threads at a time.

    Of many, those that were asked for last are kept.

    Args:
      model: a built model, `Decodable` where it writes text.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._functions: dict[tuple, Traced] = {}
        self._lock = threading.RLock()

    def traces(self) -> int:
        """How many functions there are, each of them traced once."""
        return len(self._functions)

    def decoder(
        self,
        problem: str,
        config: DecodeConfig,
        constraint: Constraint | None,
        spec: Mapping[str, Any],
        conditions: Mapping[str, Any],
    ) -> Traced:
        """A function of features, rows, conditions and settings, see `decode`.

        Args:
          constraint: the problem's.
          spec, conditions: of the features and of the conditions.
        """
        body = functools.partial(decode, self._model, problem, config, constraint)
        return self._get((problem, config), body, [spec, _ROWS, conditions, SETTINGS])

    def probabilities(self, problem: str, spec: Mapping[str, Any]) -> Traced:
        """A function of features: the probability of each class, float32 `[batch, classes]`."""
        body = functools.partial(_probabilities, self._model, problem)
        return self._get((problem, "probabilities"), body, [spec])

    def class_log_probabilities(self, problem: str, spec: Mapping[str, Any]) -> Traced:
        """A function of features: the log-probability of each class, float32 `[batch, classes]`."""
        body = functools.partial(_class_log_probabilities, self._model, problem)
        return self._get((problem, "class_log_probabilities"), body, [spec])

    def log_probabilities(self, problem: str, spec: Mapping[str, Any]) -> Traced:
        """A function of features with ids as targets, each given those before it: `[batch, length]`."""
        body = functools.partial(_log_probabilities, self._model, problem)
        spec = {**spec, "targets": tf.TensorSpec([None, None], tf.int32)}
        return self._get((problem, "log_probabilities"), body, [spec])

    def _get(self, key: tuple, body: Callable[..., Any], signature: list) -> Traced:
        with self._lock:
            function = self._functions.pop(key, None)
            if function is None:
                function = Traced(body, signature)
            self._functions[key] = function  # the last one again
            while len(self._functions) > _MAX_FUNCTIONS:
                del self._functions[next(iter(self._functions))]
            return function


def _probabilities(model: Any, problem: str, features: Batch) -> tf.Tensor:
    return tf.exp(_class_log_probabilities(model, problem, features))


def _class_log_probabilities(model: Any, problem: str, features: Batch) -> tf.Tensor:
    return tf.nn.log_softmax(model(features, problem=problem).logits)


def _log_probabilities(model: Any, problem: str, features: Batch) -> tf.Tensor:
    logits = tf.nn.log_softmax(model(features, problem=problem).logits)
    of_targets = tf.gather(logits, features["targets"], batch_dims=2)
    return tf.where(features["targets"] == PAD, 0.0, of_targets)
