"""What the runs of a plan have found so far."""

import dataclasses
import pathlib
from typing import Any, Self

from t2tlite.study import times
from t2tlite.study.plan import Job, Plan
from t2tlite.study.runner import is_finished, read_evaluation
from t2tlite.study.statistics import Paired, paired


@dataclasses.dataclass(frozen=True)
class Results:
    """The figures of the finished runs.

    Attributes:
      plan: the `Plan`.
      jobs: all of its runs.
      finished: of the finished ones, by name, what was kept of how they were made.
      figures: of these, `{name of the training: {seed: {problem: {figure: value}}}}`.
    """

    plan: Plan
    jobs: list[Job]
    finished: dict[str, dict[str, Any]]
    figures: dict[str, dict[int, dict[str, dict[str, float]]]]

    @classmethod
    def read(cls, plan: Plan) -> Self:
        """Reads the folders of a plan's runs.

        Raises:
          UserError: a folder holds a run of another command.
        """
        jobs = plan.jobs()
        done = [job for job in jobs if is_finished(job)]
        figures: dict[str, dict[int, dict[str, dict[str, float]]]] = {}
        for job in done:
            figures.setdefault(job.training.name, {})[job.seed] = read_evaluation(job.folder)
        finished = {job.name: times.read(job.folder / times.FINISHED) or {} for job in done}
        return cls(plan, jobs, finished, figures)

    @property
    def missing(self) -> list[str]:
        """Names of the runs that are not done."""
        return [job.name for job in self.jobs if job.name not in self.finished]

    def values(self, training: str, problem: str, figure: str) -> dict[int, float]:
        """A figure by seed, of the seeds that are done."""
        by_seed = self.figures.get(training, {})
        values = {seed: of.get(problem, {}).get(figure) for seed, of in by_seed.items()}
        return {seed: value for seed, value in sorted(values.items()) if value is not None}

    def difference(self, training: str, reference: str, problem: str, figure: str) -> Paired | None:
        """`training - reference`, paired by seed; None where no seed has both."""
        first = self.values(training, problem, figure)
        second = self.values(reference, problem, figure)
        seeds = [seed for seed in first if seed in second]
        if not seeds:
            return None
        return paired([first[seed] for seed in seeds], [second[seed] for seed in seeds])

    def folder(self, name: str) -> pathlib.Path:
        """The folder of a run."""
        return next(job.folder for job in self.jobs if job.name == name)
