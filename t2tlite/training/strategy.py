"""Strategies of tf.distribute by name, and the replicas that share every update."""

import contextlib
import functools
import json
import os
from collections.abc import Callable, Iterator
from typing import TypeVar

import tensorflow as tf

from t2tlite.errors import UserError
from t2tlite.layers import expert_exchange
from t2tlite.shards import Group
from t2tlite.types import Batch

Nest = TypeVar("Nest")
_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.InternalError,
    tf.errors.DeadlineExceededError,
)


class Replicas:
    """The replicas of a run, each of which computes some rows of every batch.

    All workers plan the same batches, and the i-th of n replicas takes each n-th row from the i-th on. So a
    run is the same on any number of replicas, up to the rounding of sums. There is one exception: each
    replica has its share of an expert's slots, and drops by itself what finds them taken. Where experts are
    sharded there is none: an expert has all of its slots in one place.

    Args:
      strategy: of tf.distribute; default: the current one.
      shard: what each replica holds a part of, one of `shards.KINDS`: the optimizer's moments, experts with
        theirs, or nothing.

    Attributes:
      number: replicas in all.
      workers, worker: how many processes there are, and which this is; the chief is 0.
      shard: "none" where there is one replica.
      group: the replicas, as shards know them.
    """

    def __init__(self, strategy: tf.distribute.Strategy | None = None, shard: str = "none") -> None:
        self.strategy = strategy or tf.distribute.get_strategy()
        self.number = self.strategy.num_replicas_in_sync
        self.worker, self.workers = _place(self.strategy)
        self.shard = shard if self.number > 1 else "none"
        self.group = Group(self.number, self.workers, self.worker)

    @property
    def on_this_machine(self) -> int:
        """How many replicas share this machine's memory."""
        if self.workers == 1:
            return self.number
        workers = self.strategy.cluster_resolver.cluster_spec().as_dict()
        addresses = [*workers.get("chief", []), *workers.get("worker", [])]
        hosts = [address.rpartition(":")[0] for address in addresses]
        return self.group.local * hosts.count(hosts[self.worker])

    @property
    def is_chief(self) -> bool:
        """Whether this process writes what the workers have in common."""
        return self.worker == 0

    @property
    def sharing_moments(self) -> Group | None:
        """The replicas of which each has moments of a part of every weight; None where each has all."""
        return self.group if self.shard == "optimizer" else None

    @property
    def rows(self) -> tuple[int, int]:
        """What this worker reads of each batch, as `pipeline.dataset` takes it."""
        return self.worker, self.workers

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """Where the variables are made."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.strategy.scope())
            if self.shard == "experts":
                stack.enter_context(expert_exchange.scope(self.group))
            yield

    def run(
        self, function: Callable[..., dict[str, tf.Tensor]], features: Batch, *args: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Calls `function(features, row, *args)` on each replica; to be used inside a tf.function.

        Args:
          function: is given a replica's rows, and which row of the whole batch the first of them is; returns
            a dict of tensors that are the same on all replicas.
          features: this worker's rows.

        Returns:
          What the first replica here returned.
        """
        if self.number == 1:
            return function(features, 0, *args)

        def part(context: tf.distribute.experimental.ValueContext) -> tuple[Batch, tf.Tensor]:
            place = context.replica_id_in_sync_group % self.group.local
            mine = {name: value[place :: self.group.local] for name, value in features.items()}
            return mine, tf.constant(self.group.first_row(self.group.here[place]))

        parts = self.strategy.experimental_distribute_values_from_function(part)
        results = self.strategy.run(lambda part, *args: function(*part, *args), args=(parts, *args))
        return {name: self.strategy.experimental_local_results(value)[0] for name, value in results.items()}

    def alike(self, function: Callable[..., Nest], *args: Nest) -> Nest:
        """Calls `function(*args)`, with the same arguments on every worker; to be used inside a tf.function.

        Where experts are sharded each replica computes it all, with the help of the others.

        Returns:
          What the function returned.
        """
        if self.shard != "experts":
            return function(*args)
        results = self.strategy.run(function, args=args)
        return tf.nest.map_structure(lambda of: self.strategy.experimental_local_results(of)[0], results)

    def any(self, flag: bool) -> bool:
        """Whether the flag of any worker is set; returns once every worker has asked."""
        return self.total(float(flag)) > 0

    def total(self, value: float) -> float:
        """The sum of a value over the workers; returns once every worker has asked."""
        if self.workers == 1:
            return value
        summed = self._sum(tf.constant(value, tf.float32))
        return float(self.strategy.experimental_local_results(summed)[0])

    @functools.cached_property
    def _sum(self) -> tf.types.experimental.PolymorphicFunction:
        def on_replica(flag: tf.Tensor) -> tf.Tensor:
            here = tf.identity(flag)  # on this replica's device, which says where the sum has to be
            return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, here)

        return tf.function(lambda flag: self.strategy.run(on_replica, args=(flag,)), autograph=False)

    @contextlib.contextmanager
    def chief_first(self) -> Iterator[None]:
        """The block is run by the chief, and then by the others, who find what it has written."""
        if not self.is_chief:
            self.any(False)
        yield
        if self.is_chief:
            self.any(False)

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Turns the loss of another worker into one line.

        Raises:
          UserError: it was lost.
        """
        try:
            yield
        except tf.errors.OpError as error:
            if self.workers == 1 or not isinstance(error, _LOST):
                raise
            raise UserError(
                f"worker {self.worker} of {self.workers} has lost another "
                f"({error.message.splitlines()[0]:.200}); start all of them again: training goes on from "
                "the last checkpoint"
            ) from None


def make(name: str, worker_gpu: int = 0, shard: str = "none") -> Replicas:
    """The replicas by a strategy's name; to be called before TensorFlow does anything else.

    * one: one device, the first GPU or else the CPU.
    * mirrored: the GPUs of this machine.
    * multiworker: those of every machine that TF_CONFIG lists; without GPUs the CPU of each.
    * tpu: those that TPU_NAME or the machine tells of.
    * auto: multiworker where TF_CONFIG lists several workers, else mirrored where there are several GPUs.

    Args:
      worker_gpu: how many GPUs of each machine to use; 0: all.
      shard: as for `Replicas`.

    Raises:
      UserError: the machine doesn't have what was asked for.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if worker_gpu > len(gpus):
        raise UserError(f"--worker_gpu={worker_gpu}, but TensorFlow finds {len(gpus)} GPUs on this machine")
    if worker_gpu:
        gpus = gpus[:worker_gpu]
        _choose(gpus)
    with contextlib.suppress(RuntimeError):  # in a notebook it may compute already, and have the memory
        for gpu in gpus:  # else TensorFlow takes all memory at once, and two runs on a GPU can't be
            tf.config.experimental.set_memory_growth(gpu, True)
    if name == "auto":
        name = "multiworker" if _listed_workers() > 1 else "mirrored" if len(gpus) > 1 else "one"
    if name == "one":
        return Replicas()
    if name == "mirrored":
        if not gpus:
            raise UserError("--strategy=mirrored needs GPUs, and TensorFlow finds none; use --strategy=one")
        return _shared_by(tf.distribute.MirroredStrategy([f"GPU:{i}" for i in range(len(gpus))]), shard)
    if name == "multiworker":
        if not _listed_workers():
            raise UserError(
                "--strategy=multiworker needs the environment variable TF_CONFIG, as "
                '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, '
                '"task": {"type": "worker", "index": 0}}; '
                "for several processes on this machine use --local_workers=2"
            )
        return _shared_by(tf.distribute.MultiWorkerMirroredStrategy(), shard)
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver()
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
    except (ValueError, tf.errors.OpError) as error:
        raise UserError(f"--strategy=tpu: no TPU was found ({str(error).splitlines()[0]})") from None
    if shard != "none":
        raise UserError(f"--shard={shard} is for GPUs and CPUs; leave it out with --strategy=tpu")
    return Replicas(tf.distribute.TPUStrategy(resolver))


def _choose(gpus: list) -> None:
    """Has TensorFlow use no other GPUs.

    Raises:
      UserError: it has others in use.
    """
    try:
        tf.config.set_visible_devices(gpus, "GPU")
    except RuntimeError:
        raise UserError(
            f"--worker_gpu={len(gpus)}: TensorFlow already uses other GPUs in this process; start"
            " anew, or set CUDA_VISIBLE_DEVICES"
        ) from None


def _shared_by(strategy: tf.distribute.Strategy, shard: str) -> Replicas:
    """The replicas of a strategy; one alone needs none, and can't keep the sums of micro-steps under it."""
    return Replicas(strategy if strategy.num_replicas_in_sync > 1 else None, shard)


def _listed_workers() -> int:
    """How many workers TF_CONFIG lists.

    Raises:
      UserError: it can't be read.
    """
    text = os.environ.get("TF_CONFIG")
    if not text:
        return 0
    try:
        config = json.loads(text)
        workers = [*config["cluster"].get("chief", []), *config["cluster"]["worker"]]
        kind, index = config["task"]["type"], int(config["task"]["index"])
        if kind not in ("chief", "worker") or index >= len(config["cluster"][kind]):
            raise ValueError(f"there is no task {kind} {index}")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"TF_CONFIG can't be read ({type(error).__name__}: {error}): {text:.200}") from None
    return len(workers)


def _place(strategy: tf.distribute.Strategy) -> tuple[int, int]:
    """Which worker this process is, and of how many."""
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return 0, 1
    resolver = strategy.cluster_resolver
    spec = resolver.cluster_spec().as_dict()
    chiefs = len(spec.get("chief", []))
    place = resolver.task_id + (chiefs if resolver.task_type == "worker" else 0)
    return place, chiefs + len(spec.get("worker", []))
