import os
import pathlib
import shutil
import sys
import textwrap

import pytest

from t2tlite.data.preparing import generate
from t2tlite.data.stored.prepared import PreparedSplit
from t2tlite.errors import UserError

MODULE = """
    import os
    import pathlib
    import time
    from t2tlite import problem
    from t2tlite.errors import UserError

    class Processes(problem.Problem):
        corpus = None
        def examples(self, split, source):
            print("printing is no answer")
            if split == "train":  # ends only when the other problem is being prepared at the same time
                here = pathlib.Path(__file__).parent
                (here / f"{self.name}.started").touch()
                while len(list(here.glob("*.started"))) < 2:
                    time.sleep(0.01)
            for number in range(3):
                yield {"inputs": f"{self.name} {number}", "targets": str(os.getpid())}

    class Wrong(Processes):
        def examples(self, split, source):
            raise UserError("the files are not there")
            yield
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "toys_in_a_module.py").write_text(textwrap.dedent(MODULE))
    monkeypatch.syspath_prepend(str(tmp_path))
    import toys_in_a_module

    yield toys_in_a_module
    del sys.modules["toys_in_a_module"]


def named(cls, *names):
    problems = [cls() for _ in names]
    for problem, name in zip(problems, names, strict=True):
        problem.name = name
    return problems


def test_corpora_are_prepared_at_the_same_time(module, tmp_path):
    problems = named(module.Processes, "one", "two")
    wrong = named(module.Wrong, "wrong")
    with pytest.raises(UserError, match="^the files are not there$"):
        generate.generate(problems + wrong, tmp_path, "sample", progress=False, processes=2)
    # What was finished before is kept, and only the rest is done now.
    written_before = {path: path.stat().st_mtime_ns for path in pathlib.Path(tmp_path).rglob("*.tfrecord")}
    assert {path.parent.name for path in written_before} <= {"one", "two"} and written_before
    generate.generate(problems, tmp_path, "sample", progress=False, processes=1)
    assert all(path.stat().st_mtime_ns == written for path, written in written_before.items())
    for problem in problems:
        assert generate.is_complete(problem, tmp_path, "sample")
        for example in PreparedSplit.open(problem, "train", tmp_path).examples():
            assert example["inputs"].startswith(problem.name)
            assert example["targets"] != str(os.getpid())


def test_what_a_worker_cannot_import_is_done_here(tmp_path, module):
    class Local(module.Processes):
        name = "local"

        def examples(self, split, source):
            yield {"inputs": "x", "targets": "y"}

    generate.generate([Local()], tmp_path, "sample", progress=False, processes=2)
    assert generate.is_complete(Local(), tmp_path, "sample")


def test_a_worker_that_dies_is_noticed(module, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    problems = named(module.Processes, "dying")
    with pytest.raises(RuntimeError, match="a worker process died with exit status 1"):
        generate.generate(problems, tmp_path, "sample", progress=False, processes=2)


def test_the_source_is_checked_before_anything_is_written(module, tmp_path):
    problems = named(module.Processes, "one", "two")
    problems[1].sources = ("files",)
    with pytest.raises(UserError, match="`two` has no source `sample`"):
        generate.generate(problems, tmp_path / "data", "sample", progress=False)
    assert not (tmp_path / "data").exists()


def test_a_checkout_in_the_current_folder_is_not_imported(module, tmp_path, monkeypatch):
    checkout = tmp_path / "checkout"
    (checkout / "t2tlite").mkdir(parents=True)
    (checkout / "t2tlite" / "__init__.py").write_text("raise ImportError('the wrong t2tlite')")
    monkeypatch.chdir(checkout)
    problems = named(module.Processes, "one", "two")
    generate.generate(problems, tmp_path / "data", "toys", progress=False, processes=2)
    assert all(generate.is_complete(problem, tmp_path / "data", "toys") for problem in problems)
