"""The table of a sweep: its trials, the best first, and the command that makes the best one's training."""

import pathlib

from t2tlite.files import write_whole
from t2tlite.progress import duration
from t2tlite.study import markdown
from t2tlite.study.grids import Grid
from t2tlite.study.processes import shown
from t2tlite.study.section import Section
from t2tlite.study.trials import Trials

REPORT = "sweep.md"


def write(trials: Trials) -> str:
    """Writes OUTPUT_DIR/sweep.md, and returns the table for a terminal."""
    sections = _sections(trials)
    settings = trials.settings
    title = f"Sweep of {settings.hparams_set} for {', '.join(settings.problems)}"
    write_whole(path(trials), markdown.document(title, sections))
    return markdown.terminal(sections)


def path(trials: Trials) -> pathlib.Path:
    return trials.folder / REPORT


def _sections(trials: Trials) -> list[Section]:
    ranking = trials.ranking()
    names = [one.name for one in trials.space]
    rows = []
    for number, result in ranking:
        values = trials.hyperparameters(number)
        seconds = sum(
            earlier.seconds for rung in trials.rungs if (earlier := trials.result(number, rung)) is not None
        )
        figure = "failed" if result.value is None else f"{result.value:.4g}"
        drawn = [str(values[name]) for name in names]
        rows.append([f"trial-{number:03d}", *drawn, f"{result.steps:,}", figure, duration(seconds)])
    better = "higher" if trials.higher_is_better else "lower"
    note = (
        f"On the validation split, {better} is better; those with more updates come first. trial-000 is the "
        "set as it is."
    )
    headings = ["trial", *names, "updates", trials.settings.metric, "time"]
    sections = [Section("Trials", grids=(Grid("Trials", headings, rows, note),))]
    failed = tuple(f"trial-{number:03d}: {result.failed}" for number, result in ranking if result.failed)
    if failed:
        sections.append(Section("Failed", items=failed))
    if ranking and ranking[0][1].value is not None:
        best = trials.train_command(ranking[0][0], trials.settings.train_steps)
        sections.append(Section("The best one's command", code=(shown("t2t-train", best),)))
    return sections
