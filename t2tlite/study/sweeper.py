"""Makes the trials of a sweep, round by round, alone or beside other processes on the same folder."""

import time
from collections.abc import Callable, Sequence

from t2tlite.errors import UserError
from t2tlite.plural import counted
from t2tlite.progress import duration
from t2tlite.study import hparams_page, lock, preparing
from t2tlite.study.outlook import step_of
from t2tlite.study.processes import Processes, Program, last_line, terminable
from t2tlite.study.rungs import Rung
from t2tlite.study.trials import Result, Trials

LOG = "train.log"
_WAIT = 2.0  # seconds between two looks at what other processes do
_EVERY = 60.0  # seconds between two lines about a trial


class Sweeper:
    """Makes trials until none is left.

    Args:
      trials: the `Trials`.
      program: says how commands are started.
      say: is given a line to be shown.
    """

    def __init__(self, trials: Trials, program: Program, say: Callable[[str], None]) -> None:
        self._trials = trials
        self._processes = Processes(program, say)
        self._say = say
        self._seconds = self._updates = 0.0  # of what was made here

    def run(self) -> None:
        """Prepares the data and makes the trials of every rung; a failed trial is one of the results.

        Raises:
          UserError: the data can't be prepared, or all trials of a rung failed.
          KeyboardInterrupt, SystemExit: Ctrl-C, SIGTERM; the trial has saved, and goes on next time.
        """
        trials = self._trials
        with terminable():
            preparing.prepare(trials.folder, trials.data_command(), self._processes, self._say)
            hparams_page.write_experiment(trials)
            for place, rung in enumerate(trials.rungs):
                numbers = trials.of_rung(place) or []
                if not numbers:
                    _, failed = trials.ranking()[0]
                    raise UserError(f"all trials failed, one of them so: {failed.failed}")
                self._say(
                    f"round {place + 1} of {len(trials.rungs)}: {counted(len(numbers), 'trial')}, to step "
                    f"{rung.steps:,}"
                )
                self._make_all(numbers, place, rung)

    def _make_all(self, numbers: Sequence[int], place: int, rung: Rung) -> None:
        waited = False
        while missing := [number for number in numbers if self._trials.result(number, rung) is None]:
            if not any([self._take(number, place, rung) for number in missing]):
                if not waited:
                    self._say(f"waiting for {counted(len(missing), 'trial')} that other processes make")
                    waited = True
                time.sleep(_WAIT)

    def _take(self, number: int, place: int, rung: Rung) -> bool:
        """Brings a trial to the end of a rung, if nobody else does; returns whether it did."""
        folder = self._trials.folder_of(number)
        with lock.held(folder) as descriptor:
            if descriptor is None or self._trials.result(number, rung) is not None:
                return False
            hparams_page.write_trial(self._trials, number)
            start, first, shown = time.monotonic(), step_of(folder), time.monotonic()

            def tick() -> None:
                nonlocal shown
                if time.monotonic() - shown >= _EVERY:
                    shown = time.monotonic()
                    self._say(f"{folder.name}: step {step_of(folder):,} of {rung.steps:,}")

            argv = self._trials.train_command(number, rung.steps)
            status = self._processes.run("t2t-train", argv, folder / LOG, descriptor, tick)
            seconds = time.monotonic() - start
            failed = (last_line(folder / LOG) or f"exit status {status}") if status else ""
            result = self._trials.keep(number, rung, seconds, failed)
        self._seconds += seconds
        self._updates += rung.steps - first
        self._report(number, place, result)
        return True

    def _report(self, number: int, place: int, result: Result) -> None:
        what = ", ".join(f"{name}={text}" for name, text in self._trials.drawn(number).items())
        figure = f"failed: {result.failed}" if result.value is None else f"{result.value:.4g}"
        line = f"trial-{number:03d} ({what or 'the set as it is'}): {self._trials.settings.metric} {figure}"
        left = self._seconds_left(place)
        self._say(line + (f"; about {duration(left)} left" if left else ""))

    def _seconds_left(self, place: int) -> float:
        """Until all is done, on this machine alone, by the updates made here so far."""
        rungs = self._trials.rungs
        left = 0
        for later in range(place, len(rungs)):
            numbers = self._trials.of_rung(later) if later == place else None
            steps = rungs[later].steps - (rungs[later - 1].steps if later else 0)
            count = rungs[later].trials
            if numbers is not None:
                count = sum(self._trials.result(number, rungs[later]) is None for number in numbers)
            left += steps * count
        return left * self._seconds / max(self._updates, 1)
