"""The processor's cores: several batches are decoded at a time, each on one of them."""

import concurrent.futures
import contextlib
import os
from collections.abc import Callable, Iterable
from typing import TypeVar

import tensorflow as tf

T = TypeVar("T")
S = TypeVar("S")


def parallel_batches() -> int:
    """How many batches are decoded at a time: one for each core, or a single one on an accelerator."""
    if tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("TPU"):
        return 1
    return len(os.sched_getaffinity(0))


def map_batches(function: Callable[[T], S], batches: Iterable[T]) -> list[S]:
    """The function's results for each batch, in their order.

    A position of an output is many small operations, which lose more by being shared out among cores than
    they gain; whole batches lose nothing.
    """
    batches = list(batches)
    threads = min(parallel_batches(), len(batches))
    if threads < 2:
        return [function(batch) for batch in batches]
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, batches))


def limit_operation_threads() -> None:
    """Has no operation shared out among cores; for a process that does nothing but decode many inputs.

    Without an effect where there is an accelerator, or where TensorFlow has computed something before.
    """
    if parallel_batches() > 1:
        with contextlib.suppress(RuntimeError):
            tf.config.threading.set_intra_op_parallelism_threads(1)
