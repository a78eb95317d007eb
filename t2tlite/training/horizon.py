"""Horizon: the end of a training, by its updates or by the clock, and the cosine that ends with it."""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from t2tlite.hparam import HParams
from t2tlite.training.strategy import Replicas

FIRST = 50  # updates before the first estimate of how many there will be
SETTLED = 10  # updates of a process before its speed is measured: the first ones are compiled
MOST = 2**24  # updates: beyond it float32, in which workers agree on the end, has no more whole numbers


class Horizon:
    """A cosine whose end is that of the training: `train_steps`, or when the time is over if that is sooner.

    The decay is a function of the progress, from 0 to 1, as in "Budgeted Training" (Li et al. 2020, arXiv
    1905.04753). How many updates a time is enough for is estimated whenever a checkpoint is written, from the
    speed so far, and stored in it. Between two such decisions the progress follows from the step alone, so a
    run that was killed repeats the losses it had. What has been decayed stays decayed: the rest of the decay
    is spread over the updates that are left, and the rate makes no jump,

        progress(step) = p + (1 - p) (step - anchor) / (end - anchor),

    where p is the progress at the anchor, the step of the last decision. A decision is also due, and a
    checkpoint with it, after 50 updates, whenever their number has doubled, and when a quarter of what was
    left is done; so the last ones come shortly before the end.

    Args:
      train_steps: updates in all.
      deadline: by the clock, of a run that begins now; None for none. A run that goes on has less time, by
        what it has trained.
      chief: whether this worker decides for all.
      total: sums a float over the workers.
      clock: seconds that never go back.

    Attributes:
      end: the update after which training ends, as far as is known; None before the first decision.
    """

    def __init__(
        self,
        train_steps: int,
        deadline: float | None = None,
        chief: bool = True,
        total: Callable[[float], float] = float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._train_steps = min(train_steps, MOST)
        self._deadline, self._chief, self._total, self._clock = deadline, chief, total, clock
        self._began = clock()
        self._before: float | None = None  # seconds that earlier processes have trained
        self._made = 0  # updates of this process
        self._settled: float | None = None  # when the first of them were over
        self._anchor, self._progress = 0, 0.0
        self.end = None if deadline is not None else self._train_steps

    def progress(self, step: int) -> float:
        """How much of the schedule is over before the update that follows so many; from 0 to 1."""
        if self.end is None:
            return self._progress
        share = (step - self._anchor) / max(self.end - self._anchor, 1)
        return min(max(self._progress + (1 - self._progress) * share, 0.0), 1.0)

    def factor(self, step: int) -> float:
        """What the learning rate of the update that follows so many is multiplied by."""
        return 0.5 * (1 + math.cos(math.pi * self.progress(step)))

    def restore(self, step: int, state: Mapping[str, Any] | None) -> None:
        """Goes on from `state()` in a checkpoint at a step, or anew where there is none.

        A run that goes back to one in the same process doesn't get back the time that has passed.
        """
        state = state or {"anchor": step, "progress": 0.0, "end": None, "seconds": 0.0}
        if self._before is None:
            self._before = state["seconds"]
            if self._deadline is not None:
                self._deadline -= self._before
        self._anchor, self._progress, self.end = state["anchor"], state["progress"], state["end"]
        if self._deadline is None and not self.is_over(step) and self.end != self._train_steps:
            self._decide(step, self._train_steps)

    def state(self) -> dict[str, Any]:
        """What a checkpoint has to hold, as JSON."""
        seconds = (self._before or 0.0) + self._clock() - self._began
        return {"anchor": self._anchor, "progress": self._progress, "end": self.end, "seconds": seconds}

    def updated(self, step: int) -> bool:
        """Takes note of an update, the so-manieth of the run, and says whether it is the last one.

        All workers call it, and get the same answer.
        """
        self._made += 1
        if self._made == SETTLED:
            self._settled = self._clock()
        if self._deadline is not None:
            time_is_over = self._chief and self._clock() >= self._deadline
            if self._total(float(time_is_over)):
                self.end = step
        return self.is_over(step)

    def is_over(self, step: int) -> bool:
        return self.end is not None and step >= self.end

    def is_due(self, step: int) -> bool:
        """Whether a decision is to be made, and a checkpoint written, after so many updates."""
        if not self._can_decide(step):
            return False
        if self.end is None:
            return step >= FIRST
        return step - self._anchor >= max(min(self._anchor, (self.end - self._anchor) // 4), SETTLED)

    def decide(self, step: int) -> bool:
        """Estimates the end anew; all workers do so before they write the checkpoint of a step.

        Returns:
          Whether there was anything to estimate it from.
        """
        if not self._can_decide(step):
            return False
        assert self._deadline is not None and self._settled is not None
        now = self._clock()
        left = (self._deadline - now) * (self._made - SETTLED) / (now - self._settled)
        end = min(step + max(int(left), 1), self._train_steps)
        self._decide(step, int(self._total(float(end) if self._chief else 0.0)))
        return True

    def _can_decide(self, step: int) -> bool:
        return self._deadline is not None and self._made >= 2 * SETTLED and not self.is_over(step)

    def _decide(self, step: int, end: int) -> None:
        self._anchor, self._progress, self.end = step, self.progress(step), end

    def __str__(self) -> str:
        return f"the schedule ends at step {self.end}"


def of(hparams: HParams, train_steps: int, deadline: float | None, replicas: Replicas) -> Horizon | None:
    """The horizon of a schedule that ends with the training; None where it has an end of its own, or none."""
    if not ends_with_training(hparams):
        return None
    return Horizon(train_steps, deadline, replicas.is_chief, replicas.total)


def ends_with_training(hparams: HParams) -> bool:
    """Whether the hyperparameters ask for a cosine, and not for where it ends."""
    return hparams.learning_rate_schedule == "cosine" and not hparams.learning_rate_decay_steps
