"""From options to outputs, in the graph: a search, greedily, or samples."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import numpy as np
import tensorflow as tf

from t2tlite.decoding.options import DecodeOptions
from t2tlite.decoding.search.beam_search import beam_search
from t2tlite.decoding.search.constraints import Constraint, Rules
from t2tlite.decoding.search.incremental import Incremental
from t2tlite.decoding.search.outputs import Outputs
from t2tlite.decoding.search.sampling import Noise, Truncation, greedy, sample
from t2tlite.types import Batch

SETTINGS = {
    "alpha": tf.TensorSpec([], tf.float32),
    "min_length": tf.TensorSpec([], tf.int32),
    "temperature": tf.TensorSpec([], tf.float32),
    "top_k": tf.TensorSpec([], tf.int32),
    "top_p": tf.TensorSpec([], tf.float32),
    "seed": tf.TensorSpec([2], tf.int32),
}


class DecodeConfig(NamedTuple):
    """What a compiled function depends on; everything else can change from call to call.

    Attributes:
      length: most positions of an output.
      outputs: the beam, or the samples of each input.
      every: all outputs of a search, or only the best.
      samples, truncated: whether it draws, and from truncated distributions.
      constrain: whether it keeps to the problem's constraint.
    """

    length: int
    outputs: int
    every: bool
    samples: bool
    truncated: bool
    constrain: bool

    @classmethod
    def from_options(cls, options: DecodeOptions, length: int) -> Self:
        samples = options.temperature > 0
        every = samples or (options.return_beams and options.beam_size > 1)
        truncated = options.top_k > 0 or options.top_p < 1
        return cls(length, options.outputs, every, samples, truncated, options.constrain)


def settings(options: DecodeOptions) -> dict[str, np.ndarray]:
    """What a compiled function is given of the options, as `SETTINGS` says."""
    parts = options.seed & 0xFFFFFFFF, (options.seed >> 32) & 0xFFFFFFFF
    values = {name: getattr(options, name) for name in SETTINGS if name != "seed"}
    arrays = {name: np.array(value, SETTINGS[name].dtype.as_numpy_dtype) for name, value in values.items()}
    return {**arrays, "seed": np.array(parts, np.uint32).view(np.int32)}


def decode(
    model: Any,
    problem: str,
    config: DecodeConfig,
    constraint: Constraint | None,
    features: Batch,
    rows: tf.Tensor,
    conditions: Mapping[str, Any],
    settings: Mapping[str, tf.Tensor],
) -> Outputs:
    """Decodes a batch; to be called inside a `tf.function`.

    Args:
      model: a built `Decodable`.
      problem: name of the problem.
      constraint: of the problem, where the configuration keeps to it; else None.
      features: `{"inputs": ...}` as the problem's pipeline makes it.
      rows: int32 `[batch]`, the inputs' numbers, on which samples depend.
      conditions: of the constraint; empty where there are none.
      settings: tensors, as `settings(options)` gives them.
    """
    incremental = Incremental(model, problem, config.length)
    rules = Rules(config.length, settings["min_length"], constraint, conditions)
    if config.samples:
        truncation = Truncation(settings["top_k"], settings["top_p"]) if config.truncated else None
        noise = Noise(settings["seed"], rows)
        return sample(
            incremental, features, rules, noise, config.outputs, settings["temperature"], truncation
        )
    if config.outputs == 1:
        return greedy(incremental, features, rules)
    return beam_search(incremental, features, rules, config.outputs, settings["alpha"], config.every)
