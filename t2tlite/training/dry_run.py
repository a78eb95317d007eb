"""Before the first update: one on every problem's largest batch, to fail now if at all."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf

from t2tlite.data.reading import pipeline
from t2tlite.errors import UserError
from t2tlite.features.encoding import GIVEN
from t2tlite.model import Trainable
from t2tlite.problem import Problem
from t2tlite.run import Run
from t2tlite.training import memory
from t2tlite.training.optimizers import rehearsal
from t2tlite.training.strategy import Replicas
from t2tlite.types import Batch

Update: TypeAlias = Callable[[Sequence[tuple[str, Batch]], int], list[dict[str, tf.Tensor]]]
"""Of pairs of a problem and a batch, and a step: the statistics of each pair."""

_PROBE = 8  # a batch is tried with so many times fewer examples first


def check(
    run: Run, model: Trainable, optimizer: keras.optimizers.Optimizer, update: Update, replicas: Replicas
) -> None:
    """One update on a made-up batch of each problem, at the longest bound and the size that goes with it.

    Of problems that the model computes alike with batches of the same size and the same objective, the first
    stands for all.
    It is the update that training makes, compiled for both, and no variable changes. Where memory that runs
    out would end the process (a CPU), the need is estimated from smaller batches first, and the whole one is
    only tried where it might not fit.

    Args:
      run: the `Run`.
      model: its model.
      optimizer: of the model, before its first update.
      update: a function of pairs of a problem and this worker's rows of a batch, and the step, that updates
        the model once and returns the statistics of each pair.
      replicas: the `Replicas` that share a batch.

    Raises:
      UserError: shapes don't fit, memory does not suffice, or a figure is not finite; the message names the
        problem and the bucket, and for memory the number of examples that would fit.
    """
    tried, reserved = set(), 0.0
    with rehearsal(optimizer), _untrained_restored(model):
        for name, problem in run.problems.items():
            size = -(-pipeline.batch_plan(problem, run.hparams).sizes[-1] // replicas.workers)
            key = model.computation(name), problem.objective_name(), size
            if key not in tried:
                tried.add(key)
                reserved = max(reserved, _Trial(run, update, replicas, problem, name, reserved).check(size))


@contextlib.contextmanager
def _untrained_restored(model: Trainable) -> Iterator[None]:
    """Variables that don't train, but that updates may carry on, are in the end as they were."""
    before = [(variable, variable.numpy()) for variable in model.variables if not variable.trainable]
    try:
        yield
    finally:
        for variable, value in before:
            variable.assign(value)


class _Trial:
    """Of one problem; `reserved`: bytes that TensorFlow keeps of the memory that earlier trials took."""

    def __init__(
        self, run: Run, update: Update, replicas: Replicas, problem: Problem, name: str, reserved: float
    ) -> None:
        self._run, self._update, self._replicas = run, update, replicas
        self._problem, self._name, self._reserved = problem, name, reserved

    def check(self, size: int) -> float:
        """Tries a batch of so many examples; returns the bytes of main memory that it took."""
        if memory.on_gpu():
            self._pass_if_it_fits(size)
            return 0.0
        return self._check_main_memory(size)

    def _pass(self, size: int) -> None:
        """An update on so many examples."""
        features = example_batch(self._run, self._problem, size)
        hparams = self._run.hparams
        try:
            statistics = self._update([(self._name, features)] * hparams.accumulate, -1)[0]
        except (tf.errors.InvalidArgumentError, ValueError, TypeError) as error:
            line = str(error).strip().splitlines()[0]
            raise UserError(f"{self._what(size)} can't be computed: {line}") from error
        loss, norm = float(statistics["loss"]), float(statistics["gradient_norm"])
        # A scaled loss may well be too large at first: its optimizer then scales it by less.
        figures = loss if hparams.precision == "mixed_float16" else loss + norm
        if not np.isfinite(figures):
            raise UserError(
                f"{self._what(size)} has the loss {loss} and the gradient norm {norm} before the first "
                "update; look at the sizes and the initialization of its modalities, or use "
                "--hparams=precision=float32"
            )

    def _pass_if_it_fits(self, size: int) -> None:
        try:
            self._pass(size)
        except tf.errors.ResourceExhaustedError:
            # Other workers don't take part in further trials.
            fits = self._largest_that_fits(size) if self._replicas.workers == 1 else None
            raise UserError(self._too_large(size, fits)) from None

    def _largest_that_fits(self, size: int) -> int:
        while size > 1:
            size //= 2
            try:
                self._pass(size)
                return size
            except tf.errors.ResourceExhaustedError:
                continue
        return 0

    def _check_main_memory(self, size: int) -> float:
        """Refuses a batch that needs more than there is; the smallest that can be tried can't be foretold.

        Workers decide together, since an update is made by all of them or none.
        """
        small = min(size, max(self._replicas.number // self._replicas.workers, size // _PROBE))
        free = memory.free() + self._reserved
        need = memory.peak(lambda: self._pass(small))
        if small == size or not self._replicas.any(2 * need * size / small > free):  # far from it
            return need
        more = min(2 * small, size)
        slope = max((memory.peak(lambda: self._pass(more)) - need) / max(more - small, 1), 1.0)
        fixed = max(need - slope * small, 0.0)
        if self._replicas.any(fixed + slope * size > free):
            raise UserError(
                self._too_large(size, max(int((free - fixed) / slope), 0), fixed + slope * size, free)
            )
        return memory.peak(lambda: self._pass_if_it_fits(size))

    def _too_large(self, size: int, fits: int | None, need: float = 0.0, free: float = 0.0) -> str:
        figures = f" (about {need / 2**30:.1f} GiB; {free / 2**30:.1f} GiB are free)" if need else ""
        if fits is None:
            return f"{self._what(size)} needs more memory than this worker has"
        if not fits:
            return (
                f"{self._what(size)} needs more memory than there is{figures}, and so does a single example"
            )
        measure, values = pipeline.deciding_measure(self._problem)
        change = measure.budget_of(fits, self._run.hparams, values)
        return (
            f"{self._what(size)} needs more memory than there is{figures}; {fits} fit: use "
            f"--hparams={change}, or a lower last bound"
        )

    def _what(self, size: int) -> str:
        features = sorted(self._problem.features().values(), key=lambda feature: -feature.measure.precedence)
        bounds = filter(None, dict.fromkeys(feature.largest(self._run.hparams) for feature in features))
        return f"the largest batch of `{self._name}` ({size} examples of {' and '.join(bounds)})"


def example_batch(run: Run, problem: Problem, size: int) -> dict[str, tf.Tensor]:
    """A batch as the problem's pipeline yields it, of random content, all of it as long as the last bound."""
    generator = np.random.default_rng(run.seed)
    batch: dict[str, Any] = {}
    for name, feature in problem.features().items():
        batch |= feature.random_batch(name, size, generator, run, problem.name)
        if feature.optional:
            batch[name + GIVEN] = np.ones([size], bool)
    return {name: tf.constant(array) for name, array in batch.items()}
