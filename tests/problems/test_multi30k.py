"""German and French captions: Multi30k's files, and what a run that hasn't trained them is crossed by."""

import gzip
import io

import pytest
from PIL import Image

from t2tlite import registry
from t2tlite.errors import UserError
from t2tlite.problem import Broken


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "flickr30k-images").mkdir()
    for number in range(3):
        buffer = io.BytesIO()
        Image.new("RGB", (8, 8), (80 * number, 0, 0)).save(buffer, "PNG")
        (tmp_path / "flickr30k-images" / f"{number}.jpg").write_bytes(buffer.getvalue())
    return tmp_path


def write(path, *lines):
    path.parent.mkdir(exist_ok=True)
    text = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)


def read(name, split, folder):
    return list(registry.get_problem(name).examples(split, "files", str(folder)))


def test_one_caption_an_image(folder):
    write(folder / "val.txt", "1.jpg", "0.jpg")
    write(folder / "val.de", "Ein Hund.", "Eine Katze.")
    found = read("multi30k_de", "validation", folder)
    assert [example["targets"] for example in found] == [["Ein Hund."], ["Eine Katze."]]
    images = [(folder / "flickr30k-images" / f"{number}.jpg").read_bytes() for number in (1, 0)]
    assert [example["inputs"] for example in found] == images


def test_several_captions_in_the_datasets_own_folders(folder):
    write(folder / "image_splits" / "test_2016_flickr.txt", "0.jpg#0", "2.jpg#0")
    for number in (1, 2, 3):
        texts = (f"chien {number}", "" if number == 2 else f" chat {number} ")
        write(folder / "raw" / f"test_2016_flickr.{number}.fr.gz", *texts)
    found = read("multi30k_fr", "test", folder)
    assert [example["targets"] for example in found] == [
        ["chien 1", "chien 2", "chien 3"],
        ["chat 1", "chat 3"],
    ]


def test_an_image_that_is_missing_is_broken(folder):
    write(folder / "train.txt", "0.jpg", "9.jpg")
    write(folder / "train.de", "Ein Hund.", "Eine Katze.")
    first, second = read("multi30k_de", "train", folder)
    assert first["targets"] == ["Ein Hund."]
    assert isinstance(second, Broken) and "line 2" in second.where


def test_what_is_missing_is_said(folder):
    with pytest.raises(UserError, match=r"has no de captions of test; expected test_2016_flickr\.txt"):
        read("multi30k_de", "test", folder)
    write(folder / "test.txt", "0.jpg", "1.jpg")
    write(folder / "test.de", "Ein Hund.")
    with pytest.raises(UserError, match=r"test\.txt has 2 lines and .*test\.de 1; they must correspond"):
        read("multi30k_de", "test", folder)


def test_problems_for_evaluation_alone_are_not_of_the_papers_eight():
    eight = {problem.name for problem in registry.problems("all")}
    names = ("multi30k_de", "multi30k_fr", "wsj_speech_de", "wsj_speech_fr", "wsj_speech_trees")
    for name in names:
        problem = registry.get_problem(name)
        reads, writes = map(registry.get_problem, problem.zero_shot.split(">"))
        assert name not in eight and {reads.name, writes.name} <= eight
        assert problem.inputs == reads.inputs
        assert (problem.targets, problem.command) == (writes.targets, writes.command)
        assert problem.symbols == writes.symbols
