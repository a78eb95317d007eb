"""examples/machine_targets: pictures and sounds with what a machine made of their own English texts."""

import pathlib
import subprocess
import sys

import pytest

from t2tlite import registry
from t2tlite.errors import UserError
from t2tlite.problems import trees
from t2tlite.problems.sample_world import corpora

FOLDER = pathlib.Path(__file__).parents[2] / "examples" / "machine_targets"
COUNTS = {"train": 4, "validation": 2, "test": 2}
TREE = "(TOP (S (NP (DT A) (NN king)) (VP (VBZ hears)) (. .)))"


@pytest.fixture(autouse=True)
def example(registered_here_only, monkeypatch):
    for corpus in ("captions", "speech"):
        monkeypatch.setitem(corpora.COUNTS, corpus, COUNTS)
    with registered_here_only("machine_targets"):
        registry.import_usr_dir(FOLDER)
        yield sys.modules["machine_targets"]


@pytest.fixture
def captions(example, tmp_path):
    """A folder with what is to be translated, and for translations the same in capitals."""
    return translated(example, "coco_captions", tmp_path)


def translated(example, name, folder):
    example.write_english(name, folder, "sample")
    for split in COUNTS:
        text = (folder / f"{split}.en").read_text()
        (folder / f"{split}.de").write_text(text.upper())
    return folder


def test_each_picture_has_the_translations_of_its_own_captions(captions):
    for split, count in COUNTS.items():
        found = list(registry.get_problem("machine_captions_de").examples(split, "sample", str(captions)))
        english = [corpora.captions_example(split, index) for index in range(count)]
        assert [one["inputs"] for one in found] == [one["inputs"] for one in english]
        assert [one["targets"] for one in found] == [
            [caption.upper() for caption in one["targets"][:2]] for one in english
        ]


def test_a_transcript_is_translated_as_people_write_it(example, tmp_path):
    translated(example, "wsj_speech", tmp_path)
    found = list(registry.get_problem("machine_speech_de").examples("train", "sample", str(tmp_path)))
    spoken = list(registry.get_problem("wsj_speech").examples("train", "sample"))
    assert len(found) == len(spoken) == COUNTS["train"]
    for one, other in zip(found, spoken, strict=True):
        assert (one["inputs"] == other["inputs"]).all()
        assert one["targets"] == [f"{other['targets'].upper()}."]
    written = (tmp_path / "train.en").read_text().splitlines()
    assert written == [f"{one['targets'].capitalize()}." for one in spoken]


def test_trees_of_speech_have_no_words(tmp_path):
    (tmp_path / "train.trees").write_text(f"{TREE}\n" * COUNTS["train"])
    problem = registry.get_problem("machine_speech_trees")
    found = [problem.to_text(one)["targets"] for one in problem.examples("train", "sample", str(tmp_path))]
    assert found == [trees.linear(TREE)] * COUNTS["train"]


@pytest.mark.parametrize(
    ("name", "evaluated"),
    [
        ("machine_captions_de", "multi30k_de"),
        ("machine_speech_de", "wsj_speech_de"),
        ("machine_speech_trees", "wsj_speech_trees"),
    ],
)
def test_they_are_trained_as_what_is_evaluated(name, evaluated):
    one, other = registry.get_problem(name), registry.get_problem(evaluated)
    assert (one.inputs, one.targets, one.command) == (other.inputs, other.targets, other.command)
    assert not one.zero_shot


def test_missing_translations(captions):
    problem = registry.get_problem("machine_captions_de")
    (captions / "train.de").write_text("nur eine\n")
    with pytest.raises(UserError, match=r"train\.de has fewer lines than there are English texts"):
        list(problem.examples("train", "sample", str(captions)))
    (captions / "train.de").unlink()
    with pytest.raises(UserError, match="give by --source_dir the folder with train.de"):
        list(problem.examples("train", "sample", str(captions)))


def test_the_script_says_how_it_is_used():
    done = subprocess.run(
        [sys.executable, "-P", FOLDER / "machine_targets.py"], capture_output=True, text=True
    )
    assert done.returncode == 1 and "usage: machine_targets.py PROBLEM FOLDER SOURCE" in done.stderr
