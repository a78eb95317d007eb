"""Makes the runs of a plan, each by the commands that a user could type, in processes of their own."""

import datetime
import json
import pathlib
import socket
import time
from collections.abc import Callable, Sequence

from t2tlite.errors import UserError
from t2tlite.files import write_json
from t2tlite.plural import counted
from t2tlite.study import lock, preparing, times
from t2tlite.study.outlook import Outlook, step_of
from t2tlite.study.plan import EVALUATION, Job, Plan
from t2tlite.study.processes import Processes, Program, last_line, terminable
from t2tlite.version import __version__

LOGS = {"train": "train.log", "evaluate": "evaluate.log"}
_KEEP = 10.0  # seconds between two writings of a run's time
_PLACES = ("data_dir", "output_dir", "output_file", "vocab", "t2t_usr_dir")  # differ from machine to machine


class Runner:
    """Makes runs until none is left that can be made here.

    Args:
      plan: the `Plan`.
      program: says how commands are started.
      say: is given a line to be shown.
    """

    def __init__(self, plan: Plan, program: Program, say: Callable[[str], None]) -> None:
        self._plan = plan
        self._processes = Processes(program, say)
        self._say = say
        self._failed: dict[str, str] = {}
        self._outlook = Outlook(say)

    def run(self) -> list[str]:
        """Prepares the data, makes the runs, and returns why some are not made, a line each.

        Raises:
          UserError: the data can't be prepared, or a folder holds a run of another command.
          KeyboardInterrupt, SystemExit: Ctrl-C, SIGTERM; the run has saved, and goes on next time.
        """
        with terminable():
            preparing.prepare(self._plan.folder, self._plan.data_command(), self._processes, self._say)
            while self._pass_over(self._plan.jobs()):
                pass  # what is done may be what others wait for, or what another process has left
        return self._left()

    def _pass_over(self, jobs: Sequence[Job]) -> bool:
        """Makes each of the runs that can be made; returns whether there was one."""
        return any([self._take(job, jobs) for job in jobs])

    def _take(self, job: Job, jobs: Sequence[Job]) -> bool:
        """Makes a run if nobody else does; returns whether it is done now and was not before."""
        if job.waits_for or job.name in self._failed or is_finished(job):
            return False
        with lock.held(job.folder) as descriptor:
            if descriptor is None or is_finished(job):
                return False
            number = f"{jobs.index(job) + 1}/{len(jobs)}"
            self._say(f"[{number}] {job.name}: {counted(job.updates, 'update')}")
            return self._make(job, jobs, descriptor)

    def _make(self, job: Job, jobs: Sequence[Job], descriptor: int) -> bool:
        seconds = times.taken(job.folder)
        self._outlook.begin(job, [other for other in jobs if not is_finished(other)])
        for part, name, argv in (("train", "t2t-train", job.train), ("evaluate", "t2t-eval", job.evaluate)):
            log = job.folder / LOGS[part]
            status = self._timed(part, name, argv, log, descriptor, seconds, job)
            if status:
                self._failed[job.name] = f"{last_line(log)} (all of it is in {log})"
                self._say(f"{job.name} failed, status {status}: {self._failed[job.name]}")
                return False
        write_json(
            job.folder / times.FINISHED,
            {
                "train": list(job.train),
                "evaluate": list(job.evaluate),
                "seconds": seconds,
                "ended": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
                "host": socket.gethostname(),
                "version": __version__,
            },
        )
        self._outlook.end(job)
        self._say(f"{job.name}: done after {seconds['train'] / 60:.1f} minutes of training")
        return True

    def _timed(
        self,
        part: str,
        name: str,
        argv: Sequence[str],
        log: pathlib.Path,
        descriptor: int,
        seconds: dict[str, float],
        job: Job,
    ) -> int:
        """Runs a command, and keeps how long it and its earlier starts have taken in `seconds`."""
        before, start, last_saved = seconds[part], time.monotonic(), 0.0

        def tick() -> None:
            nonlocal last_saved
            seconds[part] = before + time.monotonic() - start
            if time.monotonic() - last_saved >= _KEEP:
                last_saved = time.monotonic()
                times.keep(job.folder, seconds)
                self._outlook.show(step_of(job.folder))

        try:
            return self._processes.run(name, argv, log, descriptor, tick)
        finally:
            seconds[part] = before + time.monotonic() - start
            times.keep(job.folder, seconds)

    def _left(self) -> list[str]:
        """Why runs are not done, a line each."""
        lines = []
        for job in self._plan.jobs():
            if job.name in self._failed:
                lines.append(f"{job.name} failed: {self._failed[job.name]}")
            elif job.waits_for:
                lines.append(f"{job.name} waits for {' and '.join(job.waits_for)}")
            elif not is_finished(job):
                lines.append(f"{job.name} is made by {lock.holder(job.folder)}")
        return lines


def is_finished(job: Job) -> bool:
    """Whether a run is done, and by the job's command.

    Raises:
      UserError: it was made by another one.
    """
    finished = times.read(job.folder / times.FINISHED)
    if finished is None or job.waits_for:
        return False
    for before, now in ((finished["train"], job.train), (finished["evaluate"], job.evaluate)):
        if _portable(before) != _portable(now):
            old, new = sorted(_portable(before) - _portable(now)), sorted(_portable(now) - _portable(before))
            raise UserError(
                f"{job.folder} holds a run of another command, with {' '.join(old) or 'less'} and not "
                f"{' '.join(new) or 'that'}; delete it, or use another --output_dir"
            )
    return (job.folder / EVALUATION).exists()


def read_evaluation(folder: pathlib.Path) -> dict[str, dict[str, float]]:
    """`{problem: {figure: value}}` of a run's evaluation, teacher-forced and decoded; empty before it."""
    try:
        lines = (folder / EVALUATION).read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    figures: dict[str, dict[str, float]] = {}
    for line in map(json.loads, lines):
        numbers = {name: value for name, value in line.items() if isinstance(value, int | float)}
        figures.setdefault(line["problem"], {}).update(numbers)
    return figures


def _portable(argv: Sequence[str]) -> set[str]:
    return {flag for flag in argv if flag.partition("=")[0].removeprefix("--") not in _PLACES}
