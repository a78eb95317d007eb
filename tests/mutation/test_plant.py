"""The faults that `plant.py` plants fit the sources; whether tests catch them is tried by hand."""

import ast
import collections
import json
import pathlib
import re

import pytest

from . import plant

TABLES = sorted(plant.TABLES.glob("*.toml"))
FAULTS = [fault for table in TABLES for fault in plant.read_table(table)]
FILES = sorted({fault.file for fault in FAULTS})


@pytest.mark.parametrize("file", FILES)
def test_every_fault_fits_its_file_and_is_python(file):
    source = (plant.ROOT / file).read_text(encoding="utf-8")
    tree = ast.dump(ast.parse(source))
    for fault in FAULTS:
        if fault.file == file:
            planted = ast.dump(ast.parse(fault.planted(source)))
            assert planted != tree, f"{fault} changes no code"


def test_no_fault_is_listed_twice():
    twice = [
        key for key, count in collections.Counter((f.file, f.old, f.new) for f in FAULTS).items() if count > 1
    ]
    assert not twice


def test_the_figures_in_contributing_are_those_of_a_run_that_passed():
    text = (plant.ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    *folders, (caught, all_tried, last) = re.findall(r"^ *(\d+) of +(\d+)  (.+)$", text, re.MULTILINE)
    assert last.startswith("caught:")
    for some, tried, names in folders:
        below = tuple(f"{name}/" for name in names.split(" and ") if name != "its folders")
        assert int(some) <= int(tried) <= sum(fault.file.startswith(below) for fault in FAULTS), names
    assert sum(int(some) for some, _, _ in folders) == int(caught) >= plant.REQUIRED * int(all_tried)
    assert sum(int(tried) for _, tried, _ in folders) == int(all_tried)


@pytest.mark.parametrize("tests", sorted({fault.tests for fault in FAULTS}), ids=" ".join)
def test_the_nearest_tests_are_there(tests):
    assert plant.test_files(tests)
    assert all(path.is_file() for path in plant.test_files(tests))


@pytest.fixture
def fault():
    return plant.Fault(
        "t2tlite/nearest.py", "sign", "a - b", "a + b", ("tests/test_tables.py::test_x", "-k", "y")
    )


def test_a_fault_is_planted_once(fault):
    assert fault.planted("x = a - b\n") == "x = a + b\n"
    for source in ("x = a * b\n", "x = a - b + a - b\n"):
        with pytest.raises(ValueError, match="the old text occurs [02] times"):
            fault.planted(source)


def test_results_are_kept_but_for_the_last_half_of_a_line(tmp_path):
    path = tmp_path / "results.jsonl"
    assert plant.read_results(path) == {}
    lines = [{"key": "a", "caught": False}, {"key": "b", "caught": True}, {"key": "a", "caught": True}]
    path.write_text("\n".join(map(json.dumps, lines)) + '\n{"key": "c", "cau', encoding="utf-8")
    assert plant.read_results(path) == {"a": True, "b": True}


def test_the_summary_names_survivors(fault):
    other = plant.Fault("t2tlite/errors.py", "bound", "a", "b", fault.tests)
    report, share = plant.summary({fault: True, other: False})
    assert "survived: t2tlite/errors.py [bound] 'a' -> 'b'" in report and "1 of   2  caught: 50.0%" in report
    assert share == 0.5


def test_a_copy_is_what_is_imported(tmp_path, monkeypatch):
    """Or else every fault would survive."""
    monkeypatch.syspath_prepend(plant.ROOT)  # where the other process looks for `plant`
    plant.copy_repository(tmp_path)
    test = tmp_path / "tests" / "test_it.py"
    test.write_text(
        "import t2tlite.nearest, t2tlite.problems\n"
        f"def test_it():\n    assert t2tlite.nearest.__file__.startswith({str(tmp_path)!r})\n"
        f"    assert t2tlite.problems.__file__.startswith({str(tmp_path)!r})\n",
        encoding="utf-8",
    )
    assert plant.run_tests(tmp_path, ["--noconftest", "tests/test_it.py"])
    path = pathlib.Path(tmp_path / "t2tlite" / "nearest.py")
    path.write_text("raise ValueError\n", encoding="utf-8")
    assert not plant.run_tests(tmp_path, ["--noconftest", "tests/test_it.py"])
