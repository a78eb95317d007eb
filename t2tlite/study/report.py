"""The report of an experiment: what was found, how, and what is missing; as Markdown and as a page."""

import datetime
import pathlib
import platform
import re

from t2tlite import hparam
from t2tlite.files import write_whole
from t2tlite.plural import counted
from t2tlite.study import curves, grids, markdown, page, pictures
from t2tlite.study.plan import Plan, choices
from t2tlite.study.processes import shown
from t2tlite.study.results import Results
from t2tlite.study.runner import LOGS
from t2tlite.study.section import Section
from t2tlite.version import __version__

_PRINTED = ("Summary", "Tables", "How it was made")  # the rest is in the files
_CURVE = "log_perplexity"
_PARAMETERS = re.compile(r"([\d,]+) parameters?;")


def write(plan: Plan) -> str:
    """Writes report.md and report.html into the experiment's folder, from the runs as they are.

    Returns:
      tables, verdicts and choices, as text for a terminal.
    """
    results = Results.read(plan)
    title, sections = f"Experiment {plan.settings.experiment}", _sections(results)
    write_whole(plan.folder / "report.md", markdown.document(title, sections))
    write_whole(plan.folder / "report.html", page.document(title, sections))
    return markdown.terminal([part for part in sections if part.title in _PRINTED])


def _sections(results: Results) -> list[Section]:
    plan = results.plan
    sections = [
        _summary(results),
        _tables(results),
        _curves(results),
        Section("How it was made", items=(*choices(plan.hparams, plan.settings), *_examples(results))),
        Section(
            "Runs", grids=(grids.of_runs(results), grids.of_figures(results)), items=_parameters(results)
        ),
        Section("Commands", ("They can be typed one by one, in this order.",), code=tuple(commands(plan))),
        _circumstances(plan),
    ]
    return [section for section in sections if section is not None]


def commands(plan: Plan) -> list[str]:
    """Every command of the experiment, in order."""
    lines = [shown("t2t-datagen", plan.data_command())]
    for job in plan.jobs():
        if job.waits_for:
            waits = " and ".join(job.waits_for)
            lines.append(f"# {job.name}: as many updates as its minutes allow, once {waits} are done")
        else:
            lines += [shown("t2t-train", job.train), shown("t2t-eval", job.evaluate)]
    return lines


def _summary(results: Results) -> Section:
    doc = (type(results.plan.experiment).__doc__ or "").strip().partition("\n\n")
    done, missing = len(results.finished), results.missing
    settings = results.plan.settings
    data = f"Source {settings.source}, {settings.hparams_set}"
    data += f", changed by {settings.hparams}" if settings.hparams else ""
    data += f"; of the training data {settings.fraction}" if settings.fraction else ""
    data += f"; {counted(len(settings.seeds), 'seed')} ({', '.join(map(str, settings.seeds))})."
    text = [doc[0], data, f"{done} of {counted(len(results.jobs), 'run')} done."]
    if missing:
        text.append(f"Missing: {', '.join(missing)}. The tables show what there is.")
    claims = grids.of_claims(results)
    return Section("Summary", tuple(filter(None, text)), (claims,) if claims else ())


def _tables(results: Results) -> Section:
    table_grids, drawn = [], []
    for table in results.plan.tables:
        table_grids += [grids.of_table(table, results), grids.of_differences(table, results)]
        drawn += list(pictures.of_table(table, results))
    text = ("Mean ± standard deviation over seeds; in brackets what the paper has in this place.",)
    return Section("Tables", text, tuple(grid for grid in table_grids if grid), tuple(drawn))


def _curves(results: Results) -> Section | None:
    drawn = []
    for problem in results.plan.problems:
        if lines := curves.of(results, problem, _CURVE):
            drawn.append((f"{problem}: learning curves", pictures.curves(problem, lines, _CURVE)))
    text = ("On the validation split during training, against the updates of that problem alone.",)
    return Section("Learning curves", text, pictures=tuple(drawn)) if drawn else None


def _examples(results: Results) -> list[str]:
    """How many held-out examples count in teacher-forced figures; the same in all runs, or it says so."""
    problems = []
    for problem in results.plan.problems:
        by_run = (results.values(name, problem, "sequences") for name in results.plan.trainings)
        counts = sorted({int(number) for values in by_run for number in values.values()})
        if counts:
            warning = " (not the same in all runs: they do not compare)" if len(counts) > 1 else ""
            problems.append(f"{problem} {' or '.join(f'{number:,}' for number in counts)}{warning}")
    return [f"Held-out examples: {', '.join(problems)}."] if problems else []


def _parameters(results: Results) -> tuple[str, ...]:
    """How large the models are, from what `t2t-train` said of them."""
    sizes: dict[str, list[str]] = {}
    for job in results.jobs:
        log = job.folder / LOGS["train"]
        match = (
            _PARAMETERS.search(log.read_text(encoding="utf-8", errors="replace")) if log.exists() else None
        )
        if match and job.training.name not in sizes.setdefault(match[1], []):
            sizes[match[1]].append(job.training.name)
    return tuple(f"{number} parameters: {', '.join(names)}" for number, names in sizes.items())


def _circumstances(plan: Plan) -> Section:
    values = hparam.to_json(plan.hparams)
    when = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    system = f"t2tlite {__version__}, Python {platform.python_version()}, {_version('tensorflow')}, "
    system += f"{_version('keras')}; {platform.system()} on {platform.machine()}."
    lines = tuple(f"{name}={value}" for name, value in values.items())
    return Section("Hyperparameters and versions", (f"Report of {when}.", system), code=lines)


def _version(package: str) -> str:
    import importlib.metadata

    return f"{package} {importlib.metadata.version(package)}"


def paths(folder: pathlib.Path) -> str:
    """Where the report is, in words."""
    return f"{folder / 'report.md'} and {folder / 'report.html'}"
