"""What comes of an update whose loss or gradient is not a finite number: stop, leave it out, or go back."""

import functools
import json
import math
import pathlib
from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from t2tlite.checkpoints import CHECKPOINTS, checkpoint
from t2tlite.errors import UserError
from t2tlite.files import write_json
from t2tlite.layers import xla
from t2tlite.run import Run
from t2tlite.training.bad_batches import keep
from t2tlite.types import Batch

MODES = ("stop", "skip", "restore")
FOLDER = "bad_batches"
_LEFT_OUT = "left_out.json"
_SCALINGS = 40  # in a row: a loss scale of 2^15 is then as good as 0
_MOST_KEPT = 20  # batches; a problem that is never finite must not fill the disk


class GoBack(Exception):
    """The run is to go back to its newest checkpoint."""


def apply_if(
    holds: tf.Tensor,
    optimizer: keras.optimizers.Optimizer,
    gradients: Sequence[tf.Tensor],
    choices: Sequence[Sequence[keras.Variable]],
    which: tf.Tensor,
) -> None:
    """`optimizer.apply` to one list of variables, if a bool scalar holds; else nothing changes.

    An optimizer that scales the loss looks at the gradients itself: it leaves out an update with one that is
    not finite, and lowers its scale.

    Args:
      holds: the same on every replica.
      optimizer: of Keras.
      gradients: for each variable of any of the lists.
      choices: lists of variables; one list where XLA compiles it.
      which: int32 scalar, the number of the list; the same on every replica.
    """
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        # Finite gradients can have a norm or a loss that is not.
        gradients = [gradients[0] + tf.where(holds, 0.0, math.nan), *gradients[1:]]
        holds = tf.constant(True)

    if xla.is_traced_for():
        [variables] = choices
        _apply_or_restore(holds, optimizer, gradients, variables)
        return

    def update(
        apply: Callable[[Sequence[tf.Tensor], Sequence[keras.Variable]], None],
        holds: tf.Tensor,
        which: tf.Tensor,
        gradients: Sequence[tf.Tensor],
        choices: Sequence[Sequence[keras.Variable]],
    ) -> None:
        def to(variables: Sequence[keras.Variable]) -> bool:
            apply(gradients, variables)
            return True

        branches = [functools.partial(to, variables) for variables in choices]
        tf.switch_case(tf.where(holds, which, len(choices)), [*branches, lambda: False])

    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        update(optimizer.apply, holds, which, gradients, choices)
        return

    def across(
        strategy: tf.distribute.Strategy,
        holds: tf.Tensor,
        which: tf.Tensor,
        gradients: Sequence[tf.Tensor],
        choices: Sequence[Sequence[keras.Variable]],
    ) -> None:
        def apply(gradients: Sequence[tf.Tensor], variables: Sequence[keras.Variable]) -> None:
            strategy.extended.call_for_each_replica(optimizer.apply, args=(gradients, variables))

        holds, which = (strategy.experimental_local_results(value)[0] for value in (holds, which))
        update(apply, holds, which, gradients, choices)

    # A branch within a replica can't call `merge_call`, as the optimizer does.
    context.merge_call(across, args=(holds, which, gradients, choices))


def _apply_or_restore(
    holds: tf.Tensor,
    optimizer: keras.optimizers.Optimizer,
    gradients: Sequence[tf.Tensor],
    variables: Sequence[keras.Variable],
) -> None:
    """The same for XLA, as a choice of values.

    To learn whether a condition is a constant, XLA would go through all gradients in an interpreter, which
    takes minutes.
    """
    changed = [*variables, *optimizer.variables]
    before = [tf.convert_to_tensor(variable) for variable in changed]
    optimizer.apply(gradients, variables)
    for variable, value in zip(changed, before, strict=True):
        variable.assign(tf.where(holds, variable, value))


class Guard:
    """Looks at the figures of each update.

    The update itself is not applied where they are not finite (`apply_if`), so the weights are good. What is
    decided depends only on the run and its folder: one that was killed and goes on decides the same.

    Args:
      run: the `Run`.
      mode: "stop"; "skip": the update is left out; "restore": the run goes back to its newest checkpoint and
        leaves that batch out when it comes there again (where there is no checkpoint yet: skip).
      loss_scaled: the optimizer scales the loss: gradients that are not finite are its own business.
      say: is given one line for each update that is left out.
      most: how many in a row, of one problem (skip) or without a checkpoint between them (restore), are let
        pass.
      writes: whether this process writes to the run's folder.
    """

    def __init__(
        self,
        run: Run,
        mode: str = "stop",
        loss_scaled: bool = False,
        say: Callable[[str], None] = lambda text: None,
        most: int = 10,
        writes: bool = True,
    ) -> None:
        if mode not in MODES:
            raise UserError(f"--on_nonfinite={mode} must be one of {', '.join(MODES)}")
        self._run = run
        self._mode = mode
        self._loss_scaled = loss_scaled
        self._say = say
        self._most = most
        self._writes = writes
        self._folder: pathlib.Path = run.output_dir / FOLDER
        self._left_out: set[int] = set()
        self._in_a_row: dict[str, int] = {}
        self._skipped: dict[str, int] = {}

    def start(self, step: int, state: Mapping[str, Mapping[str, int]] | None) -> None:
        """Takes up a run at a step (0: a new one), with the `state` of its checkpoint."""
        self._in_a_row = dict((state or {}).get("in_a_row", {}))
        self._skipped = dict((state or {}).get("skipped", {}))
        path = self._folder / _LEFT_OUT
        if step == 0 and self._writes:
            path.unlink(missing_ok=True)  # of a run that was begun anew
        elif step:
            self._left_out |= set(_read(path))

    def state(self) -> dict[str, dict[str, int]]:
        """What a checkpoint keeps, as JSON."""
        return {"in_a_row": self._in_a_row, "skipped": self._skipped}

    def leaves_out(self, step: int, batches: Sequence[tuple[str, Batch]]) -> bool:
        """Whether the batches of a step are taken, but not trained on: they are why the run went back."""
        if step not in self._left_out:
            return False
        self._count(batches)
        return True

    def accepts(
        self, step: int, batches: Sequence[tuple[str, Batch]], figures: list[dict[str, float]]
    ) -> bool:
        """Whether the figures of an update are finite, so that they count.

        Args:
          step: updates before this one.
          batches: pairs of a problem's name and the batch that it was trained on, one for each micro-step.
          figures: of each of them; loss and gradient_norm among them.

        Raises:
          UserError: they are not, and the mode is "stop" or there were too many.
          GoBack: they are not, and the mode is "restore".
        """
        bad = [i for i, of_batch in enumerate(figures) if not math.isfinite(of_batch["loss"])]
        if not bad and math.isfinite(figures[0]["gradient_norm"]):
            for problem, _ in batches:
                self._in_a_row.pop(problem, None)
            return True
        worst = bad[0] if bad else 0
        problem, batch = batches[worst]
        self._count(batches)
        self._in_a_row[problem] = self._in_a_row.get(problem, 0) + 1
        if self._loss_scaled and not bad and self._in_a_row[problem] <= _SCALINGS:
            return False  # the optimizer has left the update out, and lowered its scale
        statistics = figures[worst]
        place = self._keep(step, problem, batch, statistics)
        message = (
            f"the loss of `{problem}` at step {step} is {statistics['loss']} (gradient norm "
            f"{statistics['gradient_norm']}); its batch is kept in {place}"
        )
        if self._mode == "stop":
            raise UserError(
                f"{message}. Train in another --output_dir with a lower --hparams=learning_rate=..., or with "
                "more learning_rate_warmup_steps, or go on without such batches with --on_nonfinite=skip"
            )
        newest = checkpoint.newest(self._run.output_dir / CHECKPOINTS) if self._mode == "restore" else None
        if newest is None:
            if self._in_a_row[problem] > self._most:
                raise UserError(f"{message}, and so were the {self._most} before of this problem; {_ADVICE}")
            self._say(f"{message}; this update is left out")
            return False
        self._go_back(step, newest, message)
        raise GoBack(f"{message}; going back to {newest}")

    def take_skipped(self, problem: str) -> dict[str, int]:
        """`{"skipped": batches of a problem that were left out since the last call}`; empty for none."""
        count = self._skipped.pop(problem, 0)
        return {"skipped": count} if count else {}

    def _count(self, batches: Sequence[tuple[str, Batch]]) -> None:
        for problem, _ in batches:
            self._skipped[problem] = self._skipped.get(problem, 0) + 1

    def _go_back(self, step: int, newest: pathlib.Path, message: str) -> None:
        since = int(newest.name.rpartition("-")[2])
        self._left_out.add(step)
        again = [left for left in self._left_out if left >= since]
        if len(again) > self._most:
            raise UserError(f"{message}, after going back to {newest} {self._most} times; {_ADVICE}")
        if self._writes:
            self._folder.mkdir(exist_ok=True)
            write_json(self._folder / _LEFT_OUT, {"steps": sorted(self._left_out)})

    def _keep(
        self, step: int, problem: str, batch: Batch, statistics: dict[str, float]
    ) -> pathlib.Path | str:
        path = self._folder / f"step-{step:08d}-{problem}.npz"
        if not self._writes or len(list(self._folder.glob("*.npz"))) >= _MOST_KEPT:
            return path if path.exists() else f"{self._folder}, which holds {_MOST_KEPT} others: not this one"
        arrays = {name: np.asarray(value) for name, value in batch.items()}
        try:
            keep(path, arrays, statistics, self._run, problem)
        except OSError as error:
            return f"{path}: not kept ({error.strerror})"
        return path


_ADVICE = (
    "the weights are past mending: train in another --output_dir with a lower --hparams=learning_rate=..."
)


def _read(path: pathlib.Path) -> list[int]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))["steps"]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path}, the list of steps to leave out, is broken: {error}; delete it to go on with all of them"
        ) from None
