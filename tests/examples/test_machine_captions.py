"""examples/machine_captions: pictures with the machine's translations of their own English captions."""

import pathlib
import subprocess
import sys

import pytest

from t2tlite import registry
from t2tlite.errors import UserError
from t2tlite.problems.sample_world import corpora

FOLDER = pathlib.Path(__file__).parents[2] / "examples" / "machine_captions"
COUNTS = {"train": 4, "validation": 2, "test": 2}


@pytest.fixture
def problem(registered_here_only, monkeypatch):
    monkeypatch.setitem(corpora.COUNTS, "captions", COUNTS)
    with registered_here_only("captions"):
        registry.import_usr_dir(FOLDER)
        yield registry.get_problem("machine_captions_de")


@pytest.fixture
def translated(problem, tmp_path):
    """A folder with what is to be translated, and for translations the same in capitals."""
    sys.modules["captions"].write_english(tmp_path, "sample")
    for split in COUNTS:
        text = (tmp_path / f"{split}.en").read_text()
        (tmp_path / f"{split}.de").write_text(text.upper())
    return tmp_path


def test_each_picture_has_the_translations_of_its_own_captions(problem, translated):
    for split, count in COUNTS.items():
        found = list(problem.examples(split, "sample", str(translated)))
        english = [corpora.captions_example(split, index) for index in range(count)]
        assert [one["inputs"] for one in found] == [one["inputs"] for one in english]
        assert [one["targets"] for one in found] == [
            [caption.upper() for caption in one["targets"][:2]] for one in english
        ]


def test_it_is_trained_as_what_multi30k_de_is_evaluated_as(problem):
    other = registry.get_problem("multi30k_de")
    assert (problem.inputs, problem.targets, problem.command) == (other.inputs, other.targets, other.command)


def test_missing_translations(problem, translated):
    (translated / "train.de").write_text("nur eine\n")
    with pytest.raises(UserError, match=r"train\.de has fewer lines than there are captions"):
        list(problem.examples("train", "sample", str(translated)))
    (translated / "train.de").unlink()
    with pytest.raises(UserError, match="give by --source_dir the folder with train.de"):
        list(problem.examples("train", "sample", str(translated)))


def test_the_script_says_how_it_is_used():
    done = subprocess.run([sys.executable, "-P", FOLDER / "captions.py"], capture_output=True, text=True)
    assert done.returncode == 1 and "usage: captions.py FOLDER SOURCE" in done.stderr
