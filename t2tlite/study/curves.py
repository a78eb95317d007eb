"""Learning curves of the runs, from their metrics.jsonl."""

import json
from collections import defaultdict

from t2tlite.study import statistics
from t2tlite.study.plan import Job
from t2tlite.study.results import Results

Curve = list[tuple[float, float]]
"""Points (updates of the problem, figure)."""


def of(results: Results, problem: str, figure: str = "log_perplexity") -> dict[str, Curve]:
    """The figure on the validation split, by training: the mean over the seeds that have got so far.

    Runs that are not done are shown as far as they are. Updates are those of the problem alone, so that
    trainings on few and on many problems compare.
    """
    found: dict[str, Curve] = {}
    for name, training in results.plan.trainings.items():
        if problem not in training.problems or problem not in results.plan.evaluated(name):
            continue
        by_step: dict[float, list[float]] = defaultdict(list)
        for job in results.jobs:
            if job.training.name == name:
                for step, value in _curve(job, problem, figure):
                    by_step[step].append(value)
        if by_step:
            found[name] = [(step, statistics.mean(values)) for step, values in sorted(by_step.items())]
    return found


def _curve(job: Job, problem: str, figure: str) -> Curve:
    try:
        lines = (job.folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    points, share = [], 1 / len(job.training.problems)
    for line in lines:
        try:
            told = json.loads(line)
        except ValueError:  # what is being written
            break
        if told["problem"] == problem and told["split"] == "validation" and figure in told:
            points.append((round(told["step"] * share, 1), told[figure]))
    return points
