"""Making the runs of an experiment: what `t2t-experiment` does, and `t2tlite.run_experiment`."""

import contextlib
import dataclasses
import html
import os
import pathlib
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from t2tlite import registry, typed_value
from t2tlite.data.stored import fractions
from t2tlite.errors import UserError
from t2tlite.study import report
from t2tlite.study.plan import Plan
from t2tlite.study.processes import program
from t2tlite.study.runner import Runner
from t2tlite.study.settings import Settings


@dataclasses.dataclass(frozen=True)
class ExperimentResult:
    """The report of an experiment, as far as its runs are done.

    Attributes:
      folder: of the experiment, with `runs/`, `report.md` and `report.html`.
      text: its tables, tests and choices, for a terminal.
      left: why runs are not done, a line each.
    """

    folder: pathlib.Path
    text: str
    left: tuple[str, ...] = ()

    def check(self) -> None:
        """Raises a UserError where a run failed."""
        if failed := [line for line in self.left if " failed: " in line]:
            raise UserError(f"{'; '.join(failed)}. The same command tries again")

    def _repr_html_(self) -> str:
        """The page, in a frame of its own."""
        page = (self.folder / "report.html").read_text(encoding="utf-8")
        return f'<iframe srcdoc="{html.escape(page)}" style="width: 100%; height: 600px; border: 0"></iframe>'


def run_experiment(
    experiment: str,
    output_dir: str | os.PathLike,
    *,
    problems: str | Collection[str] | None = None,
    hparams_set: str = "multimodel_base",
    hparams: str | Mapping[str, Any] = "",
    updates_per_problem: int = 1500,
    seeds: Sequence[int] = (0,),
    source: str = "files",
    source_dir: str | os.PathLike | None = None,
    tmp_dir: str | os.PathLike | None = None,
    data_dir: str | os.PathLike | None = None,
    fraction: str | Mapping[str, float] | None = None,
    t2t_usr_dir: Sequence[str | os.PathLike] = (),
) -> ExperimentResult:
    """Makes the runs of a registered experiment, and its report; the same call goes on where it was stopped.

    Each run is made by a `t2t-train` and a `t2t-eval` in a process of its own. So its problems have to be in
    an installed package or in a folder of `t2t_usr_dir`; those of a notebook are not found.

    Args:
      experiment: its registered name.
      output_dir: folder of the experiment.
      problems: names; default: those of the experiment.
      hparams_set, hparams, source, source_dir, tmp_dir, data_dir, fraction, t2t_usr_dir: as for
        `t2tlite.train`, of all runs.
      updates_per_problem: batches of each problem, in every run that learns it.
      seeds: there is a run of each kind for each of these.

    Raises:
      UserError: an argument is unknown, the folder holds another experiment, or a run failed.
      KeyboardInterrupt: Ctrl-C; the run under way is saved.
    """
    folder = pathlib.Path(output_dir).absolute()
    settings = Settings(
        experiment=experiment,
        problems=problem_names(experiment, problems, t2t_usr_dir),
        source=source,
        source_dir=_absolute(source_dir),
        tmp_dir=_absolute(tmp_dir),
        data_dir=_absolute(data_dir) or str(folder / "data"),
        hparams_set=hparams_set,
        hparams=_written(hparams),
        fraction=(fractions.describe(fraction) if isinstance(fraction, Mapping) else fraction) or "",
        usr_dirs=tuple(str(_absolute(user)) for user in t2t_usr_dir),
        updates_per_problem=updates_per_problem,
        seeds=tuple(sorted(set(seeds))),
    )
    result = make_runs(settings, folder, _say)
    result.check()
    return result


def problem_names(
    experiment: str, problems: str | Collection[str] | None, usr_dirs: Sequence[str | os.PathLike] = ()
) -> tuple[str, ...]:
    """The names of the problems that were asked for, or of the experiment's own.

    Raises:
      UserError: the experiment or a problem is unknown.
    """
    for user in usr_dirs:
        registry.import_usr_dir(os.fspath(user))
    chosen = problems or registry.get("experiment", experiment).problems
    return tuple(problem.name for problem in registry.problems(chosen))


def make_runs(settings: Settings, folder: pathlib.Path, say: Callable[[str], None]) -> ExperimentResult:
    """Makes the runs that can be made here, and the report; those that failed are in the result.

    Raises:
      UserError: the folder holds an experiment of other settings, or the data can't be prepared.
      KeyboardInterrupt, SystemExit: Ctrl-C, SIGTERM; the run under way is saved, and the report written.
    """
    Plan(settings, folder)  # raises for what doesn't fit together, before anything is written
    plan = Plan(settings.keep(folder), folder)
    try:
        left = Runner(plan, program, say).run()
    except (KeyboardInterrupt, SystemExit):
        with contextlib.suppress(UserError):  # sizes of corpora that are not there yet
            report.write(plan)
        say(f"what there is, is in {report.paths(folder)}; the same command goes on")
        raise
    return ExperimentResult(folder, report.write(plan), tuple(left))


def _absolute(path: str | os.PathLike | None) -> str | None:
    """The path from the root, or None."""
    return str(pathlib.Path(path).expanduser().absolute()) if path else None


def _written(hparams: str | Mapping[str, Any]) -> str:
    """Changes of hyperparameters as a flag has them."""
    if isinstance(hparams, str):
        return hparams
    return ",".join(f"{name}={typed_value.written(value)}" for name, value in hparams.items())


def _say(line: str) -> None:
    print(f"t2t-experiment: {line}", file=sys.stderr, flush=True)
