"""The paper's experiments: trainings, tables and figures fit together, on any number of problems."""

import pathlib
import re

import pytest

from t2tlite import hparam, registry
from t2tlite.experiments import paper
from t2tlite.study.plan import Plan
from t2tlite.study.settings import Settings

NAMES = [
    name
    for name in registry.names("experiment")
    if registry.entry("experiment", name).module.startswith("t2tlite.")
]
GUIDE = (pathlib.Path(__file__).parents[2] / "docs" / "experiments.md").read_text(encoding="utf-8")


def plan(name, folder, problems=None, hparams_set="multimodel_tiny"):
    chosen = registry.problems(problems or registry.get("experiment", name).problems)
    places = {"source_dir": None, "tmp_dir": None, "data_dir": str(folder)}
    names = tuple(problem.name for problem in chosen)
    what = {"experiment": name, "problems": names, "source": "sample", "seeds": (0,)}
    asked = {"hparams_set": hparams_set, "hparams": "", "fraction": "", "updates_per_problem": 100}
    return Plan(Settings(**what, **places, **asked), folder)


def test_the_guide_has_them_all():
    assert sorted(re.findall(r"^\| `(\w+)` \|", GUIDE, re.MULTILINE)) == NAMES


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("hparams_set", ["multimodel_tiny", "multimodel_paper"])
def test_plans(name, hparams_set, tmp_path):
    made = plan(name, tmp_path, hparams_set=hparams_set)
    jobs = [job for job in made.jobs() if not job.waits_for]
    updates = {}
    for job in jobs:
        assert job.updates == 100 * len(job.training.problems)
        updates.setdefault(job.train, []).append(job.name)
    paper_cells = {
        (row.problem, column.heading, figure)
        for table in made.tables
        for row in table.rows
        for column in table.columns
        for figure in row.figures
    }
    for table in made.tables:
        assert set(table.paper) <= paper_cells, "a figure of the paper has no cell"
    for name_of_problem in made.problems:
        problem = registry.get_problem(name_of_problem)
        shown = {f for t in made.tables for row in t.rows if row.problem == problem.name for f in row.figures}
        assert shown <= {"log_perplexity", "accuracy", *problem.metrics}


@pytest.mark.parametrize("name", [name for name in NAMES if name != "parsing_transfer"])
def test_other_problems(name, tmp_path):
    made = plan(name, tmp_path, "wmt_ende,vqa")
    assert made.problems == ("wmt_ende", "vqa") and made.jobs()


def test_numbers_of_runs(tmp_path):
    numbers = {name: len(plan(name, tmp_path).jobs()) for name in NAMES}
    assert numbers["joint_vs_single"] == 9 and numbers["parsing_transfer"] == 3
    assert numbers["ablation"] == 6 and numbers["transfer_matrix"] == 8 + 28
    assert numbers["bodies"] == 9 and numbers["experts"] == 7


def test_the_ablations_leave_out_what_they_say(tmp_path):
    made = {job.name: job.training for job in plan("ablation", tmp_path).jobs()}
    base = hparam.get("multimodel_tiny")
    assert base.moe == "top_k" and base.attention
    changed = made["without_moe_imagenet-seed0"].hparams
    assert base.replace(**changed).moe == "none" and base.replace(**changed).attention
    assert not base.replace(**made["without_attention_wmt_enfr-seed0"].hparams).attention
    assert made["all_blocks_imagenet-seed0"].hparams == {}


def test_cells_of_a_pair_are_those_of_one_training(tmp_path):
    made = plan("transfer_matrix", tmp_path, "imagenet,wmt_ende,wsj_parsing")
    with_imagenet, with_german = made.tables[0].columns[1:3]
    assert (
        with_imagenet.training_for("wmt_ende") == with_german.training_for("imagenet") == "imagenet-wmt_ende"
    )
    assert with_imagenet.training_for("imagenet") is None


def test_cells():
    assert paper.cells("p", {"alone": ("1", "2%")}) == {
        ("p", "alone", "log_perplexity"): "1",
        ("p", "alone", "accuracy"): "2%",
    }
