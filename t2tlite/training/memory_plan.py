"""How much memory training takes on each replica, by part, before anything of it is there."""

import dataclasses
import math
import random
from collections.abc import Iterator, Mapping
from typing import Any

import keras
from keras.src.backend.common import global_state

from t2tlite.errors import UserError
from t2tlite.hparam import HParams
from t2tlite.layers import expert_exchange
from t2tlite.plural import counted
from t2tlite.run import Run
from t2tlite.shards import Group, Shard
from t2tlite.tables import aligned
from t2tlite.training import memory
from t2tlite.training.parts import is_cut, shard_of
from t2tlite.training.strategy import Replicas

GB = 1e9
_FLOAT = 4  # bytes
_MOST_REPLICAS = 1024


@dataclasses.dataclass
class Need:
    """What a replica holds of some weights, in bytes.

    Attributes:
      parameters: of all replicas together, a number.
      weights: with a copy of what this replica updates, where moments are shared.
      gradients: those of this replica, and their sums over the replicas.
      moments: with moving averages.
    """

    parameters: int = 0
    weights: int = 0
    gradients: int = 0
    moments: int = 0

    @property
    def bytes(self) -> int:
        return self.weights + self.gradients + self.moments


def shapes(run: Run) -> list[Any]:
    """The trainable variables of a run's model, without values."""
    state = random.getstate()  # of which Keras draws the seeds of initial values
    try:
        with keras.StatelessScope(initialize_variables=False):
            variables = run.make_model().trainable_variables
    finally:
        random.setstate(state)
        # Keras would give them values at the end of its next scope of this kind.
        global_state.set_global_attribute("uninitialized_variables", [])
    return variables


def needs(variables: list[Any], hparams: HParams, shard: str, replicas: int) -> dict[str, Need]:
    """What each replica holds: `{"experts": ..., "the rest": ...}`. Activations come on top of it.

    Args:
      variables: of `shapes`.
      shard: one of `shards.KINDS`.
      replicas: how many there are.
    """
    parts = {"experts": Need(), "the rest": Need()}
    group = Group(replicas)
    for variable in variables:
        shape = tuple(variable.shape)
        size = math.prod(shape)
        is_expert = expert_exchange.holds_experts(variable)
        own, updated = size, size
        if is_expert and shard == "experts":
            own = updated = math.prod(Shard(shape, 0, group).part_shape)
        elif shard == "optimizer" and replicas > 1 and is_cut(shape):
            updated = math.prod(shard_of(shape, group).part_shape)
        summed = replicas > 1 and own == size
        need = parts["experts" if is_expert else "the rest"]
        need.parameters += size
        need.weights += _FLOAT * (own + (updated if updated < own else 0))
        need.gradients += _FLOAT * own * (1 + summed + (hparams.accumulate > 1))
        need.moments += _FLOAT * _moments(shape, hparams) * updated // size
    return parts


def _moments(shape: tuple[int, ...], hparams: HParams) -> int:
    """Numbers that the optimizer keeps for a whole variable."""
    size = math.prod(shape)
    average = size if hparams.ema_decay else 0
    if hparams.optimizer != "adafactor":
        return 2 * size + average
    return (size // shape[-1] + size // shape[-2] if len(shape) > 1 else size) + average


def table(parts: Mapping[str, Need], shard: str, replicas: int) -> str:
    """Lines for a person."""
    whole = Need(*(sum(getattr(n, f.name) for n in parts.values()) for f in dataclasses.fields(Need)))
    rows: list[tuple[str, ...]] = [("part", "parameters", "weights", "gradients", "moments", "all")]
    for name, need in {**parts, "all": whole}.items():
        sizes = need.weights, need.gradients, need.moments, need.bytes
        rows.append((name, f"{need.parameters:,}", *(f"{size / GB:.2f}" for size in sizes)))
    title = (
        f"memory on each of {counted(replicas, 'replica')} (--shard={shard}), GB, activations not counted:"
    )
    return "\n".join([title, *aligned(rows)])


def total(parts: Mapping[str, Need]) -> int:
    """Bytes on each replica."""
    return sum(need.bytes for need in parts.values())


def check(run: Run, replicas: Replicas) -> str:
    """A table of what training takes; to be called before the model is made.

    Raises:
      UserError: it is more than is free.
    """
    free = memory.free_on_device() / (1 if memory.on_gpu() else replicas.on_this_machine)
    return table(_fitting(run, replicas.shard, replicas.number, free), replicas.shard, replicas.number)


def on_paper(run: Run, shard: str, devices: int, free: float) -> str:
    """The same for devices with so many free bytes each, which need not be there."""
    parts = _fitting(run, shard, devices, free)
    left = f"of {free / GB:.2f} GB on each {(free - total(parts)) / GB:.2f} GB are left for activations"
    return "\n".join([table(parts, shard, devices), left])


def _fitting(run: Run, shard: str, replicas: int, free: float) -> dict[str, Need]:
    """What each replica holds; raises what `check` raises, for so many free bytes of each."""
    variables = shapes(run)
    parts = needs(variables, run.hparams, shard, replicas)
    if total(parts) <= free:
        return parts
    ways = ", or ".join(_ways(variables, run.hparams, replicas, free)) or "a smaller --hparams_set"
    raise UserError(
        f"weights, gradients and moments need {total(parts) / GB:.2f} GB on each of "
        f"{counted(replicas, 'replica')}, and {free / GB:.2f} GB are free, activations not counted; "
        f"use {ways}"
    )


def _ways(variables: list[Any], hparams: HParams, replicas: int, free: float) -> Iterator[str]:
    """What would make it fit."""
    for shard in ("experts", "optimizer"):
        number = max(replicas, 2)
        while number <= _MOST_REPLICAS:
            if total(needs(variables, hparams, shard, number)) <= free:
                yield f"--shard={shard} on {number} replicas"
                break
            number *= 2
    slim = hparams.replace(optimizer="adafactor")
    if hparams.optimizer != "adafactor" and total(needs(variables, slim, "none", replicas)) <= free:
        yield "--hparams=optimizer=adafactor"
