"""Tables, tests, verdicts and pictures of made-up runs."""

import dataclasses
import json
import re
import xml.etree.ElementTree

import numpy as np
import pytest

from t2tlite.experiment import Row
from t2tlite.study import curves, figures, grids, pictures, report, verdicts
from t2tlite.study.results import Results

SEEDS = (0, 1, 2)


def perplexity(name, seed):
    base = {"alone": 0.50, "two": 0.55, "all": 0.30, "small": 0.4, "small_minutes": 0.35}[name]
    return base + 0.01 * np.sin(7 * seed + len(name))


def fill(plan, pretended, without=()):
    for job in plan.jobs():
        if job.waits_for or job.name in without:
            continue
        value = float(perplexity(job.training.name, job.seed))
        of_each = {"log_perplexity": value, "accuracy": 1 - value / 10, "full_trees": 10 + job.seed}
        of_each["sequences"] = 300.0
        pretended(job, {problem: of_each for problem in job.training.problems})


@pytest.fixture
def done(plan, pretended):
    made = plan(seeds=SEEDS)
    fill(made, pretended)  # those that wait come once the others are done
    fill(made, pretended)
    return made


def test_figures_are_means_over_seeds(done):
    found = grids.of_table(done.tables[0], Results.read(done))
    values = [perplexity("alone", seed) for seed in SEEDS]
    assert found.headings == ["problem", "alone", "two", "all"]
    cells = {row[0].removeprefix("wsj_parsing: "): row[1:] for row in found.rows}
    assert cells["log(ppl)"][0] == f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}"
    shares = [100 - 10 * value for value in values]
    spread = np.std(shares, ddof=1)
    assert cells["accuracy"][0] == f"{np.mean(shares):.1f}% ± {spread:.1f}% (paper 97.1%)"
    assert cells["full trees"][2] == "11.0 ± 1.0"
    assert found.note == "A note."


def test_a_small_table_has_the_papers_form(done):
    table = dataclasses.replace(done.tables[0], rows=[Row("wsj_parsing")])
    found = grids.of_table(table, Results.read(done))
    both = ("log(ppl)", "accuracy")
    assert found.headings == ["problem"] + [f"{c}: {f}" for c in ("alone", "two", "all") for f in both]
    assert found.rows[0][0] == "wsj_parsing" and found.rows[0][2].endswith("% (paper 97.1%)")
    one = grids.of_table(done.tables[1], Results.read(done))
    assert one.headings == ["problem", "all", "small", "in minutes"] and one.title.endswith(": log(ppl)")


def test_differences_are_paired_by_seed(done):
    stats = pytest.importorskip("scipy.stats")
    found = grids.of_differences(done.tables[0], Results.read(done))
    rows = {(row[1], row[2]): row for row in found.rows}
    first, second = ([perplexity(name, seed) for seed in SEEDS] for name in ("all", "alone"))
    expected = stats.ttest_rel(first, second)
    interval = expected.confidence_interval(0.95)
    _, _, _, mean, told, p, seeds, better = rows["log(ppl)", "all − alone"]
    assert mean.startswith(f"{np.mean(np.subtract(first, second)):+.3f} ± ")
    assert told == f"{interval.low:+.3f} to {interval.high:+.3f}"
    assert p == (f"{expected.pvalue:.3f}" if expected.pvalue >= 0.001 else "< 0.001")
    assert (seeds, better) == ("3", "all")
    assert rows["log(ppl)", "two − alone"][-1].startswith("alone")
    assert rows["full trees", "two − alone"][3:] == [
        "+0.0 ± 0.0",
        "+0.0 to +0.0",
        "1.000",
        "3",
        grids.MISSING,
    ]
    assert grids.of_differences(done.tables[1], Results.read(done)) is None


def test_verdicts_follow_the_rule(done):
    words = [verdict.word for verdict in verdicts.of(Results.read(done))]
    # 0.2 better; trees all the same; 0.05 worse where 0.1 is allowed.
    assert words == [verdicts.HELD, verdicts.UNDECIDED, verdicts.HELD]


def test_a_claim_that_is_wrong_and_one_seed(plan, pretended, monkeypatch):
    made = plan(seeds=SEEDS)
    monkeypatch.setitem(globals(), "perplexity", lambda name, seed: len(name) + 0.001 * seed ** len(name))
    fill(made, pretended)
    words = [verdict.word for verdict in verdicts.of(Results.read(made))]
    assert words[0] == verdicts.HELD and words[2] == verdicts.HELD  # "all" and "two" are shorter than "alone"
    one = plan(seeds=(0,))
    assert {verdict.word for verdict in verdicts.of(Results.read(one))} == {verdicts.UNDECIDED}
    reverse = {"alone": 1.0, "two": 2.0, "all": 3.0, "small": 4.0, "small_minutes": 4.0}
    monkeypatch.setitem(
        globals(), "perplexity", lambda name, seed: reverse[name] + 0.01 * seed**2 * len(name)
    )
    fill(made, pretended)
    words = [verdict.word for verdict in verdicts.of(Results.read(made))]
    assert words[0] == verdicts.NOT_HELD and words[2] == verdicts.NOT_HELD


def test_a_partial_report_says_what_is_missing(plan, pretended):
    made = plan(seeds=SEEDS)
    fill(made, pretended, without=("alone-seed1", "two-seed0", "two-seed1", "two-seed2"))
    results = Results.read(made)
    cells = grids.of_table(made.tables[0], results).rows[0]
    assert "(2 of 3 seeds)" in cells[1] and cells[2] == grids.MISSING
    pairs = {row[2]: row for row in grids.of_differences(made.tables[0], results).rows}
    assert pairs["all − alone"][-2] == "2" and pairs["two − alone"][3] == grids.MISSING
    told = report.write(made)
    assert "8 of 15 runs done." in told and "Missing: two-seed0, small_minutes-seed0, alone-seed1" in told
    assert "alone-seed1 | 1 | 100 | – | – | not done" in (made.folder / "report.md").read_text()


def test_nothing_is_done_yet(plan):
    assert "0 of 5 runs done." in report.write(plan())


def curve(job, problem, values):
    """Leaves the lines of a run that is under way, the last of them half written."""
    lines = [
        {"step": step, "problem": problem, "split": split, "log_perplexity": value + 9 * (split == "train")}
        for step, value in values.items()
        for split in ("train", "validation")
    ]
    job.folder.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (job.folder / "metrics.jsonl").write_text(text + '{"step": 99, "pro')


def test_learning_curves_count_a_problems_own_updates(plan):
    made = plan(seeds=(0, 1))
    jobs = {job.name: job for job in made.jobs()}
    curve(jobs["alone-seed0"], "wsj_parsing", {10: 3.0, 20: 2.0})
    curve(jobs["alone-seed1"], "wsj_parsing", {10: 5.0})
    curve(jobs["all-seed0"], "wsj_parsing", {30: 4.0})
    found = curves.of(Results.read(made), "wsj_parsing")
    assert found == {"alone": [(10, 4.0), (20, 2.0)], "all": [(10, 4.0)]}
    assert curves.of(Results.read(made), "imagenet") == {}


def test_the_page_is_one_file_with_pictures_and_commands(done):
    curve(done.jobs()[0], "wsj_parsing", {10: 3.0, 20: 2.0})
    report.write(done)
    page = (done.folder / "report.html").read_text()
    text = (done.folder / "report.md").read_text()
    pictures = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(pictures) == 5  # three figures of a table, one of another, and curves
    for picture in pictures:
        xml.etree.ElementTree.fromstring(picture)
    ids = [set(re.findall(r'id="(clip[^"]+|p\w{10,})"', picture)) for picture in pictures]
    assert all(ids) and sum(map(len, ids)) == len(set().union(*ids))
    assert not re.search(r'(src|href)="(?!#)', re.sub(r'xlink:href="#[^"]*"', "", page))
    for told in (page, text):
        assert "Does parsing gain from the others?" in told and verdicts.HELD in told
        assert "--train_steps=300" in told and "hidden_size=128" in told and "tensorflow" in told
        assert "100 on average" in told
        assert "Held-out examples: wsj_parsing 300, imagenet 300, wmt_ende 300." in told
    for job in done.jobs():
        assert f"| {job.name} | " in text and "| 1.0 | 0.5 | 2030-01-01 00:00:00 UTC | 0 |" in text


def test_many_columns_are_a_map(done):
    """Of three of them: what is better is blue, whichever way the figure goes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "_MOST_BARS", 2)
        shown = dict(pictures.of_table(done.tables[0], Results.read(done)))
    assert len(shown) == 3 and all("blue is better" in caption for caption in shown)
    of_perplexity = next(svg for caption, svg in shown.items() if "log(ppl)" in caption)
    assert "−0.2" in of_perplexity or "-0.2" in of_perplexity


def test_every_runs_own_figures_are_there(done):
    rows = grids.of_figures(Results.read(done)).rows
    assert ["alone-seed1", "wsj_parsing", "log(ppl)", f"{perplexity('alone', 1):.3f}"] in rows
    assert ["small-seed2", "imagenet", "log(ppl)", f"{perplexity('small', 2):.3f}"] in rows
    assert len(rows) == 3 * (3 + 3 + 5 + 3 + 3)


def test_figures_are_written_as_tables_have_them():
    assert figures.written("log_perplexity", 0.12345) == "0.123"
    assert figures.written("accuracy", 0.979) == "97.9%" and figures.written("bleu", 21.24) == "21.2"
    assert figures.written("accuracy", -0.0123, sign=True) == "-1.2%"
    assert figures.written("log_perplexity", -0.0001, sign=True) == "+0.000"
    assert figures.with_spread("bleu", 20.0, None) == "20.0"


def test_which_way_is_better():
    assert not figures.higher_is_better("wsj_parsing", "log_perplexity")
    assert figures.higher_is_better("wsj_parsing", "accuracy")
    assert figures.higher_is_better("wmt_ende", "bleu") and not figures.higher_is_better("wsj_speech", "wer")
