"""What is measured of prepared data, against numbers worked out by hand; and the files to look at."""

import io

import numpy as np
import pytest
import soundfile
from PIL import Image

from t2tlite import hparam, problem
from t2tlite.data.inspection import inspect, inspect_files, lengths
from t2tlite.data.reading import pipeline
from t2tlite.data.reading.reader import ReadConfig
from t2tlite.data.text.vocabulary import Vocabulary
from t2tlite.errors import UserError
from t2tlite.features import label
from t2tlite.ids import PAD


class Pairs(problem.Problem):
    name = "pairs"


class Shouted(Pairs):
    def to_text(self, example):
        return {**example, "targets": example["targets"].upper()}


class Classes(problem.Problem):
    name, inputs, targets = "classes", problem.Image(), problem.Label()


class Captions(problem.Problem):
    name, inputs = "captions", problem.Image()


class Speech(problem.Problem):
    name, inputs = "speech", problem.Audio()


class Letters:
    """A vocabulary whose units are characters."""

    def encode(self, text):
        return list(text)


HPARAMS = hparam.get("multimodel_tiny").replace(
    length_bounds=(4, 8), batch_tokens=16, batch_images=2, seconds_bounds=(1.0, 2.0), batch_seconds=4.0
)


def picture(width, height, kind="PNG"):
    buffer = io.BytesIO()
    Image.new("RGB", (width, height)).save(buffer, kind)
    return buffer.getvalue()


def pair(inputs, targets):
    return {"inputs": inputs, "targets": targets}


def measure(what, *examples, vocabulary=None, hparams=HPARAMS):
    return inspect.measure(what, iter(examples), vocabulary or Letters(), hparams)


def test_lengths_of_texts_count_the_end_token():
    report = measure(Pairs(), pair("a b", "abc"), pair("abcd", "ab cd f"), pair("abcdefgh", "a"))
    inputs, targets = report.features["inputs"], report.features["targets"]
    assert report.examples == inputs.total == 3
    assert inputs.bins == (("to 4", 1), ("to 8", 1), ("over 8", 1))
    assert targets.bins == (("to 4", 2), ("to 8", 1))
    assert inputs.facts[0] == "4 to 9 tokens; half have at most 5, 95% at most 8.6"
    assert inputs.facts[1] == "3.75 tokens a word, 1.00 characters a token"


def test_too_long_is_what_one_side_is_too_long_for():
    report = measure(Pairs(), pair("abcdefg", "abcdefg"), pair("abcdefgh", "a"), pair("a", "abcdefgh"))
    assert report.too_long == 2
    shorter = HPARAMS.replace(max_length=6)
    assert measure(Pairs(), pair("abcdef", "a"), pair("abcde", "a"), hparams=shorter).too_long == 1


def test_padding_is_that_of_the_batches():
    # Bucket of 8: two examples a batch. Inputs of 6 and 2 tokens are padded to 8, targets of 3 and 6 to 8.
    # Bucket of 4: inputs of 3, targets of 4, padded to 4. What is too long is in no batch.
    report = measure(
        Pairs(), pair("abcde", "ab"), pair("a", "abcde"), pair("ab", "abc"), pair("abcdefgh", "abcdefgh")
    )
    assert report.padding == pytest.approx({"inputs": 1 - 11 / 20, "targets": 1 - 13 / 20})


def test_padding_without_buckets_follows_the_stored_order():
    # Two images a batch: captions of 2 and 8 tokens are padded to 8, those of 3 and 4 to 4.
    captions = ["a", "abcdefg", "ab", "abc"]
    report = measure(Captions(), *(pair(picture(9, 9), caption) for caption in captions))
    assert report.padding == pytest.approx({"targets": 1 - 17 / 24})


def test_several_references_all_count_and_the_first_decides():
    report = measure(
        Captions(), pair(picture(9, 9), ["a", "abcdefgh"]), pair(picture(9, 9), ["abcdefgh", "a"])
    )
    assert report.features["targets"].total == 4 and report.too_long == 1
    assert "2 examples have several references, 4 texts in all" in report.features["targets"].facts


def test_what_the_model_writes_is_measured():
    assert "SS" == "ß".upper()
    report = measure(Shouted(), pair("a", "ßßßß"))
    assert report.features["targets"].bins == (("to 4", 0), ("to 8", 0), ("over 8", 1))


def test_images_by_their_shorter_side_and_format():
    images = [picture(30, 20), picture(20, 50, "JPEG"), picture(90, 43)]
    distribution = measure(Captions(), *(pair(image, "a") for image in images)).features["inputs"]
    assert distribution.bins[0] == ("20 to 21", 2) and distribution.bins[-1] == ("42 to 43", 1)
    assert (
        sum(count for _, count in distribution.bins) == distribution.total == 3
        and len(distribution.bins) == 12
    )
    assert "2 PNG RGB, 1 JPEG RGB" in distribution.facts[1]


def test_an_image_that_cant_be_read():
    with pytest.raises(UserError, match="example 2 of `captions` has an image that can't be read"):
        measure(Captions(), pair(picture(9, 9), "a"), pair(b"\x89PNG nothing", "a"))


def test_classes_the_most_frequent_first():
    names = [f"c{number:02d}" for number in range(20) for _ in range(20 - number)]
    report = measure(Classes(), *(pair(picture(9, 9), name) for name in names), vocabulary=None)
    distribution = report.features["targets"]
    assert distribution.bins[:2] == (("c00", 20), ("c01", 19)) and len(distribution.bins) == label.CLASSES
    assert distribution.total == 210 and distribution.facts == ("20 classes", "the rarest has 1 example: c19")
    assert report.too_long is None and report.padding == {}


def test_sounds_in_seconds():
    sounds = [np.zeros(int(16000 * seconds), np.float32) for seconds in (0.5, 1.0, 1.5, 3.0)]
    report = measure(Speech(), *(pair(sound, "abc") for sound in sounds))
    distribution = report.features["inputs"]
    assert distribution.bins == (("to 1", 2), ("to 2", 1), ("over 2", 1)) and report.too_long == 1
    assert report.padding["inputs"] == pytest.approx(1 - 3.0 / 4.0)


def test_no_examples():
    report = measure(Pairs())
    assert report.examples == report.too_long == 0 and report.padding == {}
    assert report.features["inputs"].bins == ()


@pytest.mark.parametrize("name", ["reverse", "references", "captions", "speech"])
def test_the_figures_are_those_of_the_pipeline(world, name):
    hparams = world.hparams.replace(length_bounds=(8, 12))
    problem = world.problems[name]
    examples = world.split(problem.name).examples()
    report = inspect.measure(problem, examples, world.vocabulary, hparams)
    measured = lengths.measure(world.split(problem.name), hparams)
    dropped = measured.too_long(hparams).dropped
    assert report.examples == 150
    assert report.too_long == dropped and (dropped > 0 or name != "reverse")
    batches = pipeline.dataset(world.split(problem.name), hparams, ReadConfig())
    padding, positions = 0, 0
    for batch in batches:
        positions += batch["targets"].numpy().size
        padding += (batch["targets"].numpy() == PAD).sum()
    assert report.padding["targets"] == pytest.approx(padding / positions)


def test_examples_as_files(tmp_path):
    sound = np.linspace(-0.5, 0.5, 4000, dtype=np.float32)
    inspect_files.write_examples(Speech(), [pair(sound, "good day")], tmp_path)
    assert (tmp_path / "examples.txt").read_text() == "# 1\ninputs: 01.inputs.wav\ntargets: good day\n"
    read, rate = soundfile.read(tmp_path / "01.inputs.wav", dtype="float32")
    assert rate == 16000 and np.abs(read - sound).max() < 1e-4


def test_images_are_written_as_they_are(tmp_path):
    images = [picture(9, 9), picture(9, 9, "JPEG")]
    examples = [pair(images[0], ["one", "two"]), pair(images[1], "dog")]
    inspect_files.write_examples(Captions(), examples, tmp_path)
    assert (tmp_path / "01.inputs.png").read_bytes() == images[0]
    assert (tmp_path / "02.inputs.jpg").read_bytes() == images[1]
    lines = (tmp_path / "examples.txt").read_text().splitlines()
    assert lines[:4] == ["# 1", "inputs: 01.inputs.png", "targets: one", "targets: two"]


def test_what_the_model_reads_is_shown_where_it_differs(tmp_path):
    inspect_files.write_examples(Shouted(), [pair("hi", "du"), pair("hi", "DU")], tmp_path)
    text = (tmp_path / "examples.txt").read_text()
    assert text.count("targets, for the model: DU") == 1 and "inputs, for the model" not in text


def test_the_picture(tmp_path):
    names = ("a $x_1$", "b\\frac", "ß")  # which matplotlib would take for formulas
    report = measure(Classes(), *(pair(picture(9, 9), name) for name in names))
    inspect_files.write_picture("classes train", report, tmp_path)
    with Image.open(tmp_path / "lengths.png") as image:
        assert image.format == "PNG" and np.asarray(image.convert("L")).std() > 10
    assert [path.name for path in tmp_path.iterdir()] == ["lengths.png"]


def test_a_vocabulary_of_subwords():
    vocabulary = Vocabulary.train(["the cat sees the dog"] * 20, 300)
    report = measure(Pairs(), pair("the cat", "the"), vocabulary=vocabulary)
    assert (
        report.features["inputs"]
        .facts[1]
        .startswith(f"{len(vocabulary.encode('the cat')) / 2:.2f} tokens a word")
    )
