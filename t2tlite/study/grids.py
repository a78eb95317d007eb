"""Tables of an experiment as text, ready to be shown in any form."""

import dataclasses
from collections.abc import Sequence

from t2tlite.experiment import Claim, Column, Row, Table
from t2tlite.study import figures, statistics, verdicts
from t2tlite.study.results import Results

MISSING = "–"
_MOST_COLUMNS = 6  # of a table that is to be read; with more, each figure has a line of its own


@dataclasses.dataclass(frozen=True)
class Grid:
    """Headings and cells.

    Attributes:
      title: of the table.
      headings: of the columns.
      rows: as many cells each.
      note: what a reader should know; "" for nothing.
    """

    title: str
    headings: list[str]
    rows: list[list[str]]
    note: str = ""


def of_table(table: Table, results: Results) -> Grid:
    """A table in the paper's form: mean and spread over seeds, the paper's own figure beside it."""
    alike = {tuple(row.figures) for row in table.rows}
    if len(alike) == 1 and len(table.columns) * len(table.rows[0].figures) <= _MOST_COLUMNS:
        names = alike.pop()
        one = len(names) == 1
        headings = [f"{column.heading}: {figures.title(name)}" for column in table.columns for name in names]
        lines = [(row.problem, row, names) for row in table.rows]
        title = table.title + (f": {figures.title(names[0])}" if one else "")
        headings = [column.heading for column in table.columns] if one else headings
    else:  # a line for each figure
        headings = [column.heading for column in table.columns]
        lines = [
            (f"{row.problem}: {figures.title(name)}", row, (name,))
            for row in table.rows
            for name in row.figures
        ]
        title = table.title
    cells = [
        [label, *(_cell(table, column, row, name, results) for column in table.columns for name in names)]
        for label, row, names in lines
    ]
    return Grid(title, ["problem", *headings], cells, table.note)


def of_differences(table: Table, results: Results) -> Grid | None:
    """Each column less the baseline, paired by seed; None for a table without a baseline."""
    base = next((column for column in table.columns if column.heading == table.baseline), None)
    if base is None:
        return None
    rows = []
    for row in table.rows:
        for column in table.columns:
            training, reference = column.training_for(row.problem), base.training_for(row.problem)
            if training and reference and training != reference:
                pair = training, reference
                rows += [_difference(row, column, base, name, pair, results) for name in row.figures]
    headings = ["problem", "figure", "difference", "mean ± spread", "95% interval", "p", "seeds", "better"]
    note = "Paired by seed; not significant: p of 0.05 or more in a paired t-test."
    return Grid(f"{table.title}: differences", headings, rows, note)


def of_claims(results: Results) -> Grid | None:
    """The claims and what came of them; None where there is none."""
    rows = []
    for verdict in verdicts.of(results):
        claim, found = verdict.claim, verdict.difference
        pair = f"{claim.training} − {claim.reference}, {figures.title(claim.figure)}"
        value = _signed(claim.figure, found) if found else MISSING
        rows.append([claim.text, claim.problem, pair, value, _claimed(claim), verdict.word])
    headings = ["claim", "problem", "difference", "mean ± spread", "claimed", "verdict"]
    return Grid("Claims", headings, rows, verdicts.RULE) if rows else None


def _claimed(claim: Claim) -> str:
    """Which differences the claim is of, as they are printed."""
    higher = figures.higher_is_better(claim.problem, claim.figure)
    margin = -claim.margin if higher else claim.margin
    text = figures.written(claim.figure, margin, sign=True) if margin else "0"
    return f"{'above' if higher else 'below'} {text}"


def of_runs(results: Results) -> Grid:
    """Minutes and updates of each run."""
    rows = []
    for job in results.jobs:
        made = results.finished.get(job.name)
        if made:
            seconds = made["seconds"]
            parts = [f"{seconds['train'] / 60:.1f}", f"{seconds['evaluate'] / 60:.1f}"]
            parts += [made["ended"].replace("T", " ").replace("+00:00", " UTC"), made["version"]]
        else:
            parts = [MISSING, MISSING, "not done", MISSING]
        number = f"{job.updates:,}" if job.updates else MISSING
        rows.append([job.name, str(len(job.training.problems)), number, *parts])
    headings = ["run", "problems", "updates", "minutes of training", "of evaluation", "ended", "t2tlite"]
    return Grid("Runs", headings, rows)


def of_figures(results: Results) -> Grid:
    """Every figure of the tables by run, as it was measured."""
    rows = []
    for job in results.jobs:
        for problem, names in results.plan.evaluated(job.training.name).items():
            for name in sorted(names):
                value = results.values(job.training.name, problem, name).get(job.seed)
                if value is not None:
                    rows.append([job.name, problem, figures.title(name), figures.written(name, value)])
    return Grid("Figures of each run", ["run", "problem", "figure", "value"], rows)


def mean_and_spread(values: Sequence[float]) -> tuple[float, float | None]:
    return statistics.mean(values), statistics.spread(values)


def _cell(table: Table, column: Column, row: Row, figure: str, results: Results) -> str:
    training = column.training_for(row.problem)
    values = results.values(training, row.problem, figure) if training else {}
    text = figures.with_spread(figure, *mean_and_spread(list(values.values()))) if values else MISSING
    seeds = len(results.plan.settings.seeds)
    if values and len(values) < seeds:
        text += f" ({len(values)} of {seeds} seeds)"
    paper = table.paper.get((row.problem, column.heading, figure))
    return f"{text} (paper {paper})" if paper else text


def _difference(
    row: Row, column: Column, base: Column, figure: str, pair: tuple[str, str], results: Results
) -> list[str]:
    found = results.difference(*pair, row.problem, figure)
    label = [row.problem, figures.title(figure), f"{column.heading} − {base.heading}"]
    if found is None:
        return [*label, *[MISSING] * 5]
    interval, p = MISSING, MISSING
    if found.p is not None:
        ends = (figures.written(figure, end, sign=True) for end in (found.low, found.high))
        interval, p = " to ".join(ends), f"{found.p:.3f}" if found.p >= 0.001 else "< 0.001"
    gain = found.mean if figures.higher_is_better(row.problem, figure) else -found.mean
    better = MISSING if not gain else column.heading if gain > 0 else base.heading
    if better != MISSING and (found.p is None or found.p >= 0.05):
        better += " (not significant)" if found.p is not None else " (one seed)"
    return [*label, _signed(figure, found), interval, p, str(found.pairs), better]


def _signed(figure: str, found: statistics.Paired) -> str:
    text = figures.written(figure, found.mean, sign=True)
    return text if found.spread is None else f"{text} ± {figures.written(figure, found.spread)}"
