"""From the Treebank's own files to what the model reads, and back."""

import gzip
import pickle
import types

import pytest

from t2tlite import registry
from t2tlite.decoding import evaluate
from t2tlite.decoding.predictor import Prediction
from t2tlite.errors import UserError
from t2tlite.metrics.trees import RepairedTree
from t2tlite.problem import Broken

TREE = """
( (S
    (NP-SBJ (NNP Section) (CD {}) )
    (VP (VBZ ends)
      (NP (-NONE- *T*-1) ))
    (. .) ))
"""


@pytest.fixture
def parsing():
    return registry.get_problem("wsj_parsing")


def write_section(folder, number, files=2, upper=False):
    folder = folder / f"{number:02d}"
    folder.mkdir(parents=True)
    for i in range(files):
        name = f"wsj_{number:02d}{i:02d}.mrg"
        (folder / (name.upper() if upper else name)).write_text(TREE.format(f"{number}.{i}"))
    (folder / "readme").write_text("no tree")


def write_treebank(folder, sections=range(25), **kwargs):
    for number in sections:
        write_section(folder, number, **kwargs)


def example(number, i):
    return {
        "inputs": f"Section {number}.{i} ends .",
        "targets": f"(TOP (S (NP (NNP Section) (CD {number}.{i})) (VP (VBZ ends)) (. .)))",
    }


def test_a_sentence_as_people_write_it_is_read_as_the_treebanks_words(parsing):
    assert parsing.to_text({"inputs": "My dog's hungry."}) == {"inputs": "My dog 's hungry ."}
    tree = "(TOP (S (NP (PRP$ My) (NN dog)) (VP (VBZ 's) (ADJP (JJ hungry))) (. .)))"
    linear = "(TOP (S (NP PRP$ NN )NP (VP VBZ (ADJP JJ )ADJP )VP . )S )TOP"
    for sentence in ("My dog's hungry.", "My dog 's hungry ."):
        assert parsing.to_text({"inputs": sentence, "targets": tree}) == {
            "inputs": "My dog 's hungry .",
            "targets": linear,
        }


def test_the_words_of_a_tree_are_read_as_they_are(parsing):
    headline = {"inputs": "Apple Inc.", "targets": "(TOP (NP (NNP Apple) (NNP Inc.)))"}
    assert parsing.to_text(headline)["inputs"] == "Apple Inc."
    odd = {"inputs": "No. 1 can't.", "targets": "(TOP (NP (NN No.) (CD 1) (NN can't.)))"}
    assert parsing.to_text(odd)["inputs"] == "No. 1 can't."


PLACES = ["", "wsj", "WSJ", "parsed/mrg/wsj", "PARSED/MRG/WSJ", "mrg/wsj", "combined/wsj"]
PLACES += ["treebank_3/parsed/mrg/wsj", "TREEBANK_3/PARSED/MRG/WSJ"]


@pytest.mark.parametrize("place", PLACES)
def test_the_standard_sections(parsing, tmp_path, place):
    write_treebank(tmp_path / place, upper=place.isupper())
    expected = {"train": range(2, 22), "validation": [22], "test": [23]}
    for split, numbers in expected.items():
        found = parsing.examples(split, "files", str(tmp_path))
        assert list(found) == [example(number, i) for number in numbers for i in range(2)]
        assert len(found.parts) == len(numbers)
        assert pickle.loads(pickle.dumps((found.read, found.parts))) == (found.read, found.parts)


def test_a_missing_section_is_named(parsing, tmp_path):
    write_treebank(tmp_path / "wsj", [*range(2, 17), *range(18, 23)])
    with pytest.raises(UserError, match=r"section 17 of the Treebank is missing: no .*/wsj/17/wsj_17\*.mrg"):
        parsing.examples("train", "files", str(tmp_path))
    (tmp_path / "wsj" / "23").mkdir()
    with pytest.raises(UserError, match=r"section 23 .* no .*/23/wsj_23\*.mrg; expected .*LDC99T42"):
        parsing.examples("test", "files", str(tmp_path))
    assert len(list(parsing.examples("validation", "files", str(tmp_path)))) == 2


def test_a_broken_tree_is_named_and_the_others_are_read(parsing, tmp_path):
    write_treebank(tmp_path)
    path = tmp_path / "23" / "wsj_2300.mrg"
    path.write_text(TREE.format("x").replace("))\n    (.", ")\n    (.") + TREE.format("23.0"))
    assert list(parsing.examples("test", "files", str(tmp_path))) == [
        Broken("a tree leaves brackets open", f"{path}:2"),
        example(23, 0),
        example(23, 1),
    ]


@pytest.mark.parametrize("stem", ["validation", "valid", "dev"])
@pytest.mark.parametrize("gz", ["", ".gz"])
def test_a_tree_a_line(parsing, tmp_path, stem, gz):
    for name, number in (("train", 1), (stem, 2), ("test", 3)):
        text = "".join(f"{example(number, i)['targets']}\n" for i in range(5)).encode()
        (tmp_path / f"{name}.trees{gz}").write_bytes(gzip.compress(text) if gz else text)
    for split, number in (("train", 1), ("validation", 2), ("test", 3)):
        found = parsing.examples(split, "files", str(tmp_path))
        assert list(found) == [example(number, i) for i in range(5)]
        assert found.total == (None if gz else 5)


def test_what_it_refuses(parsing, tmp_path):
    with pytest.raises(
        UserError, match="source `files` needs --source_dir=DIR, a folder with .*wsj_0201.mrg"
    ):
        parsing.examples("train", "files")
    with pytest.raises(UserError, match="--source_dir=.*nowhere is no folder; expected one with the sect"):
        parsing.examples("train", "files", str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match="no trees in --source_dir=.*LDC99T42.*or with train.trees"):
        parsing.examples("train", "files", str(tmp_path))
    (tmp_path / "train.trees").write_text("")
    with pytest.raises(UserError, match="train.trees is empty"):
        parsing.examples("train", "files", str(tmp_path))
    with pytest.raises(UserError, match="no validation trees in .*validation.trees or valid.trees or dev"):
        parsing.examples("validation", "files", str(tmp_path))
    (tmp_path / "train.trees.gz").write_bytes(b"")
    with pytest.raises(UserError, match="both .*train.trees and .*train.trees.gz are there"):
        parsing.examples("train", "files", str(tmp_path))
    write_treebank(tmp_path, [2])
    with pytest.raises(UserError, match="both the Treebank's sections and .*train.trees"):
        parsing.examples("test", "files", str(tmp_path))
    with pytest.raises(UserError, match="`wsj_parsing` has no source `tfds`"):
        parsing.examples("train", "tfds")


def test_there_and_back_from_a_file(parsing, tmp_path):
    write_treebank(tmp_path)
    for made in parsing.examples("train", "files", str(tmp_path)):
        read = parsing.to_text(made)
        assert read["targets"] == "(TOP (S (NP NNP CD )NP (VP VBZ )VP . )S )TOP"
        back = parsing.from_text(read["inputs"], read["targets"])
        assert back == made["targets"] and not isinstance(back, RepairedTree)


def test_a_repaired_output_is_known_for_one(parsing):
    back = parsing.from_text("Section ends .", "(TOP (S (NP NN )NP (VP VBZ . )S )TOP")
    assert back == "(TOP (S (NP (NN Section)) (VP (VBZ ends) (. .))))"
    assert isinstance(back, RepairedTree)


def test_the_sample_world_has_the_trees_as_they_are_scored(parsing):
    from t2tlite.problems import trees

    for _, made in zip(range(50), parsing.examples("test", "sample"), strict=False):
        assert trees.canonical(made["targets"]) == made["targets"]
        assert trees.words(made["targets"]) == made["inputs"].split(" ")


def test_decoded_evaluation_counts_repaired_trees(parsing):
    """Of three outputs one is a tree as it stands, one is repaired, and one is missing."""
    made = [example(23, i) for i in range(3)]
    written = [parsing.to_text(made[0])["targets"], "(TOP (S (NP NNP CD )NP (VP VBZ )VP .", None]

    split = types.SimpleNamespace(size=3, examples=lambda limit: iter(made))

    class Wrote:
        run = types.SimpleNamespace(problems={"wsj_parsing": parsing}, split=lambda problem, name: split)

        def check(self, problem):
            pass

        def stream_examples(self, problem, examples):
            for one, text in zip(examples, written, strict=True):
                yield Prediction("" if text is None else parsing.from_text(one["inputs"], text))

    found = evaluate.evaluate_split(Wrote(), "wsj_parsing")
    assert found.metrics == {
        "full_trees": pytest.approx(200 / 3),
        "bracketing_f1": pytest.approx(100 * 2 * 6 / (9 + 6)),  # S, NP and VP in each
        "repaired_trees": pytest.approx(200 / 3),
    }
