"""What public hosts read of the repository: citation, issue forms and workflow."""

import pathlib
import re

import pytest
import yaml

from t2tlite.version import __version__

ROOT = pathlib.Path(__file__).parents[1]
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml"))


def read(path):
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def test_the_citation_is_of_this_version_and_of_the_paper_of_the_readme():
    citation = read("CITATION.cff")
    assert citation["cff-version"] == "1.2.0" and citation["version"] == __version__
    paper = citation["preferred-citation"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [authors] = re.findall(r"author  = \{(.*)\}", readme)
    names = [f"{one['family-names']}, {one['given-names']}" for one in paper["authors"]]
    assert " and ".join(names) == authors and f"{{{paper['title']}}}" in readme


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_issue_forms(path):
    form = read(path)
    assert {"name", "description", "body"} <= set(form)
    ids = [part["id"] for part in form["body"]]
    assert len(ids) == len(set(ids)) and all(part["attributes"]["label"] for part in form["body"])


def test_the_workflow_runs_the_gate_on_every_python_that_is_supported():
    [job] = read(".github/workflows/test.yml")["jobs"].values()
    assert job["steps"][-1] == {"run": ".ci/run"} and (ROOT / ".ci/run").stat().st_mode & 0o100
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert job["strategy"]["matrix"]["python"] == re.findall(r"Python :: (3\.\d+)\"", pyproject)
