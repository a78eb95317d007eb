"""Shards: variables of which every replica holds a part of its own. Needs no TensorFlow."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

KINDS = ("none", "optimizer", "experts")
"""What replicas share: nothing, the optimizer's moments, or the experts with theirs."""


@dataclasses.dataclass(frozen=True)
class Group:
    """The replicas that share variables.

    Attributes:
      replicas: how many there are.
      workers, worker: the processes that they are in, as many in each, and which of them this is.
    """

    replicas: int
    workers: int = 1
    worker: int = 0

    @property
    def local(self) -> int:
        """Replicas of a process."""
        return self.replicas // self.workers

    def first_row(self, replica: int) -> int:
        """Which row of a batch is a replica's first; every n-th from there on is its, too.

        A worker has each of so many rows as there are workers, and shares these out among its replicas.
        """
        return replica // self.local + self.workers * (replica % self.local)

    @property
    def here(self) -> range:
        """The numbers of this process's replicas, as tf.distribute counts them."""
        return range(self.worker * self.local, (self.worker + 1) * self.local)


@dataclasses.dataclass(frozen=True)
class Shard:
    """How a variable is cut: along an axis into neighbouring parts of equal length, one for each replica.

    Where the length is no multiple of the number of replicas the last parts are filled up with zeros.

    Attributes:
      shape: of the whole variable.
      axis: along which it is cut.
      group: the replicas.
    """

    shape: tuple[int, ...]
    axis: int
    group: Group

    @property
    def length(self) -> int:
        """Of a part."""
        return -(-self.shape[self.axis] // self.group.replicas)

    @property
    def part_shape(self) -> tuple[int, ...]:
        return (*self.shape[: self.axis], self.length, *self.shape[self.axis + 1 :])

    def span(self, replica: int) -> slice:
        """What of the axis a replica holds; empty where all is with the others."""
        most = self.shape[self.axis]
        return slice(min(replica * self.length, most), min((replica + 1) * self.length, most))

    @property
    def span_here(self) -> slice:
        """What of the axis this process holds."""
        return slice(self.span(self.group.here[0]).start, self.span(self.group.here[-1]).stop)

    def padding(self, missing: int) -> list[tuple[int, int]]:
        """How a tensor is padded by so many zeros at the end of the axis, for each of its axes."""
        return [(0, missing if axis == self.axis else 0) for axis in range(len(self.shape))]

    def cut(self, tensor: Any, span: slice) -> Any:
        return tensor[(slice(None),) * self.axis + (span,)]


def of(variable: Any) -> Shard | None:
    """How a Keras variable is cut; None for one that every replica holds whole."""
    return getattr(variable, "shard", None)


def whole_shape(variable: Any) -> tuple[int, ...]:
    """The shape of all parts of a variable together."""
    shard = of(variable)
    return shard.shape if shard else tuple(variable.shape)


def size(variables: Sequence[Any]) -> int:
    """How many numbers variables have, all parts together."""
    return sum(math.prod(whole_shape(variable)) for variable in variables)
