"""Shards in checkpoints: every worker writes the slices that it holds, and together they are whole variables.

TensorFlow's checkpoints know of slices. Who reads one need not know how it was cut, nor on how many replicas.
"""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import tensorflow as tf

from t2tlite import shard_values, shards

_VALUE = "VARIABLE_VALUE"


class Workers(Protocol):
    """The processes of a run: `training.strategy.Replicas`."""

    worker: int
    workers: int

    def any(self, flag: bool) -> bool:
        """Whether the flag of any worker is set; returns once every worker has asked."""


class Slice(tf.__internal__.tracking.Trackable):
    """What this process holds of a shard, as part of a `tf.train.Checkpoint`."""

    def __init__(self, variable: Any) -> None:
        self._variable = variable
        shard = variable.shard
        spans = ["-"] * len(shard.shape)
        here = shard.span_here
        self.is_empty = here.start == here.stop
        spans[shard.axis] = "0,1" if self.is_empty else f"{here.start},{here.stop - here.start}"
        self.spec = f"{' '.join(map(str, shard.shape))} {':'.join(spans)}"  # as TensorFlow writes a slice

    def value(self) -> tf.Tensor:
        return shard_values.here(self._variable)

    def _serialize_to_tensors(self) -> dict[str, dict[str, tf.Tensor]]:
        return {_VALUE: {self.spec: self.value()}}

    def _restore_from_tensors(self, restored: Mapping[str, tf.Tensor]) -> None:
        if not self.is_empty:
            shard_values.set_here(self._variable, restored[_VALUE])


def trackable(variable: Any) -> Any:
    """A Keras variable as a `tf.train.Checkpoint` is to have it."""
    return Slice(variable) if shards.of(variable) else variable.value


def write(prefix: pathlib.Path, state: Mapping[str, Mapping[str, Any]]) -> None:
    """Writes this worker's slices alone, if it has any.

    Args:
      prefix: of the files.
      state: `{part of the checkpoint: {path: trackable}}`.
    """
    slices = {
        f"{part}/{_escaped(path)}/.ATTRIBUTES/{_VALUE}": each
        for part, variables in state.items()
        for path, each in variables.items()
        if isinstance(each, Slice) and not each.is_empty
    }
    if slices:
        tf.raw_ops.SaveV2(
            prefix=str(prefix),
            tensor_names=list(slices),
            shape_and_slices=[each.spec for each in slices.values()],
            tensors=[each.value() for each in slices.values()],
        )


def merge(prefixes: Sequence[pathlib.Path], to: pathlib.Path) -> None:
    """Makes one checkpoint of those of several workers, whose files are renamed."""
    there = [str(prefix) for prefix in prefixes if prefix.with_name(f"{prefix.name}.index").exists()]
    tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=there, destination_prefix=str(to), delete_old_dirs=False
    )


def _escaped(name: str) -> str:
    """As TensorFlow writes a name within a key."""
    return name.replace(".", "..").replace("/", ".S")
