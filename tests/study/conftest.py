"""Experiments on three problems, and made-up runs of them."""

import json
import pathlib

import pytest

from t2tlite import experiment, registry
from t2tlite.experiment import Claim, Column, Row, Table, Training
from t2tlite.study import times
from t2tlite.study.plan import EVALUATION, Plan
from t2tlite.study.settings import Settings

PROBLEMS = ("wsj_parsing", "imagenet", "wmt_ende")


class Helps(experiment.Experiment):
    """Does parsing gain from the others?

    More of it.
    """

    problems = PROBLEMS

    def trainings(self, problems, hparams):
        return [
            Training("alone", problems[:1]),
            Training("two", problems[:2]),
            Training("all", problems),
            Training("small", problems, {"moe": "none"}),
            Training("small_minutes", problems, {"moe": "none"}, minutes_of="all", speed_of="small"),
        ]

    def tables(self, problems, hparams):
        columns = [Column(name, name) for name in ("alone", "two", "all")]
        paper = {("wsj_parsing", "alone", "accuracy"): "97.1%"}
        small = [Column("all", "all"), Column("small", "small"), Column("in minutes", "small_minutes")]
        rows = [Row(name, ("log_perplexity",)) for name in problems]
        figures = ("log_perplexity", "accuracy", "full_trees")
        return [
            Table("Parsing", [Row("wsj_parsing", figures)], columns, "alone", paper, "A note."),
            Table("Without experts", rows, small),
        ]

    def claims(self, problems, hparams):
        return [
            Claim("It gains", "wsj_parsing", "all", "alone"),
            Claim("It gains trees", "wsj_parsing", "all", "alone", figure="full_trees"),
            Claim("It loses little", "wsj_parsing", "two", "alone", 0.1),
        ]


@pytest.fixture(autouse=True)
def helps(monkeypatch):
    default = registry.get.__self__
    default.names("experiment")
    monkeypatch.setattr(default, "_entries", dict(default._entries))
    monkeypatch.setattr(default, "_things", dict(default._things))
    registry.register_experiment("helps")(Helps)


def settings(folder, **changes):
    given = {
        "experiment": "helps",
        "problems": PROBLEMS,
        "source": "sample",
        "source_dir": None,
        "tmp_dir": None,
        "data_dir": str(folder / "data"),
        "hparams_set": "multimodel_tiny",
        "hparams": "",
        "fraction": "",
        "updates_per_problem": 100,
        "seeds": (0,),
    }
    return Settings(**{**given, **changes})


@pytest.fixture
def plan(tmp_path):
    """`plan(**settings)`: a plan in the test's folder."""
    return lambda **changes: Plan(settings(tmp_path, **changes), tmp_path)


def pretend(job, figures, seconds=60.0):
    """Leaves what a finished run leaves: `figures` is `{problem: {figure: value}}`."""
    job.folder.mkdir(parents=True, exist_ok=True)
    lines = [
        {"problem": name, "split": "test", "checkpoint": "x", "mode": "teacher_forced", **values}
        for name, values in figures.items()
    ]
    pathlib.Path(job.folder, EVALUATION).write_text("".join(json.dumps(line) + "\n" for line in lines))
    made = {"train": list(job.train), "evaluate": list(job.evaluate), "version": "0"}
    made |= {"seconds": {"train": seconds, "evaluate": 30.0}, "ended": "2030-01-01T00:00:00+00:00"}
    pathlib.Path(job.folder, times.FINISHED).write_text(json.dumps(made))


@pytest.fixture
def pretended():
    return pretend
