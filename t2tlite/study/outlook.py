"""How far the runs of an experiment are, and about how long the rest takes."""

import json
import pathlib
import time
from collections.abc import Callable, Sequence

from t2tlite.progress import duration
from t2tlite.study.plan import Job

_EVERY = 60.0  # seconds between two lines


class Outlook:
    """Says now and then how far a run is and when all will be done, by the updates made since the start.

    Args:
      say: is given a line to be shown.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._seconds = 0.0  # of runs that were done here
        self._updates = 0  # that they made meanwhile
        self._job: Job | None = None
        self._from = 0
        self._start = self._shown = 0.0
        self._left = 0

    def begin(self, job: Job, left: Sequence[Job]) -> None:
        """A run begins, or goes on.

        Args:
          left: the runs that are not done, this one among them.
        """
        self._job, self._from = job, step_of(job.folder)
        self._start = self._shown = time.monotonic()
        self._left = sum(other.updates for other in left)

    def end(self, job: Job) -> None:
        """The run is done."""
        self._seconds += time.monotonic() - self._start
        self._updates += job.updates - self._from

    def show(self, step: int) -> None:
        """Says it, if it is time to."""
        now = time.monotonic()
        if self._job is None or now - self._shown < _EVERY:
            return
        self._shown = now
        line = f"{self._job.name}: step {step:,} of {self._job.updates:,}"
        seconds = self.seconds_left(step)
        self._say(line if seconds is None else f"{line}; all runs: about {duration(seconds)} left")

    def seconds_left(self, step: int) -> float | None:
        """Until all runs are done, on this machine alone; None before the first update."""
        updates = self._updates + step - self._from
        if updates <= 0:
            return None
        spent = self._seconds + time.monotonic() - self._start
        return max(self._left - step, 0) * spent / updates


def step_of(folder: pathlib.Path) -> int:
    """The last step that a run has logged."""
    try:
        with open(folder / "metrics.jsonl", "rb") as file:
            file.seek(max(0, file.seek(0, 2) - 4096))
            lines = file.read().splitlines()
        return int(json.loads(lines[-1])["step"])
    except (OSError, ValueError, KeyError, IndexError):
        return 0
