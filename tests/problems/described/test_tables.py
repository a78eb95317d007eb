"""Examples of tables: by path and by value, held out, broken, and as records and a batch."""

import dataclasses
import io
import json

import numpy as np
import pytest
import soundfile

from t2tlite import hparam, registry
from t2tlite.data.preparing import generate
from t2tlite.data.reading import pipeline
from t2tlite.data.reading.reader import ReadConfig
from t2tlite.data.stored.prepared import PreparedSplit
from t2tlite.data.text import training_texts
from t2tlite.errors import UserError
from t2tlite.problem import Broken

from ..formats.test_tars import tar_of
from .conftest import json_lines, png

TOPIC = '[topic]\ninputs = {kind = "text", column = "text"}\ntargets = {kind = "label", column = "topic"}\n'
CAPTION = """
[caption]
inputs = {kind = "image", column = "jpg;png;path"}
targets = {kind = "text", column = "txt;json.caption;caption"}
"""


def wav(samples, rate):
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def three(name, content):
    """The same table for each split."""
    return {f"{split}{name}": content for split in ("train", "validation", "test")}


@pytest.mark.parametrize("by_path", [True, False])
def test_a_picture_is_the_same_by_path_and_in_a_tar(described, examples, by_path):
    red, blue = png("red"), png("blue")
    if by_path:
        files = {
            "train.csv": 'path,caption\npictures/r.png,red\npictures/b.png,"blue,\nall of it"\n',
            "pictures/r.png": red,
            "pictures/b.png": blue,
        }
    else:
        members = {
            "r.png": red,
            "r.txt": b"red\n",
            "b.png": blue,
            "b.json": b'{"caption": "blue,\\nall of it"}',
        }
        files = {"train-0.tar": tar_of(members)}
    described(CAPTION, **files)
    assert examples("caption") == [
        {"inputs": red, "targets": "red"},
        {"inputs": blue, "targets": "blue,\nall of it"},
    ]


def test_a_sound_is_mono_at_16_khz(described, examples):
    wave = 0.5 * np.sin(np.arange(8000) / 20)
    described(
        '[heard]\ninputs = {kind = "audio", column = "sound;wav"}\ntargets = {kind = "text"}\n',
        **{
            "train.jsonl": json_lines([{"sound": "a.wav", "targets": "hum"}]),
            "test.tar": tar_of({"a.wav": wav(np.stack([wave] * 2, 1), 16000), "a.targets": b"hum"}),
            "a.wav": wav(wave, 8000),
        },
    )
    [slow], [same] = examples("heard"), examples("heard", "test")
    assert slow["inputs"].shape == (16000,) and slow["inputs"].dtype == np.float32
    np.testing.assert_allclose(same["inputs"], wave, atol=1e-4)


def test_several_columns_numbers_classes_and_what_may_be_missing(described, examples):
    described(
        """
[judged]
inputs.text = {kind = "text"}
inputs.picture = {kind = "image", optional = true}
inputs.size = {kind = "vector", size = 2, column = ["width", "height"]}
inputs.age = {kind = "vector", size = 1}
targets = {kind = "label", column = "class"}

[captions]
inputs = {kind = "vector", size = 1, column = "age"}
targets = {kind = "text", column = ["text", "other"]}
""",
        **{
            "train.csv": "text,width,height,age,class,picture,other\na,1,2.5,3,10,,\nb,0,0,4,9,p.png,c\n",
            "test.jsonl": json_lines([{"text": "a", "width": 1, "height": 2, "age": 3, "class": 9}]),
            "p.png": png("red"),
        },
    )
    first, second = examples("judged")
    features = registry.get_problem("judged").features()
    assert first["inputs"].keys() == {"text", "size", "age"} and second["inputs"]["picture"] == png("red")
    assert features["inputs.size"].numbers(first["inputs"]["size"]).tolist() == [1, 2.5]
    assert registry.get_problem("judged").labels("files") == ("9", "10")
    assert examples("judged", "test")[0]["targets"] == "9"
    assert [one["targets"] for one in examples("captions")] == [["a"], ["b", "c"]]


@pytest.mark.parametrize(
    ("files", "reason", "where"),
    [
        ({"train.csv": "txt,topic\na,x\n"}, "no column `text`; did you mean `txt`?", "train.csv:2"),
        ({"train.csv": "text,topic\na,x\n ,x\n"}, "nothing in `text`", "train.csv:3"),
        ({"train.csv": "text,topic\na\n"}, "a number of columns other than the 2", "train.csv:2"),
        (
            {"train.jsonl": '{"text": 3, "topic": "x"}\n'},
            "a value its feature can't hold",
            "train.jsonl:1, where",
        ),
        ({"train.tar": tar_of({"a.txt": b"a", "a.topic": b"x"})}, "no column `text`", "train.tar:a"),
        (
            {"train.tar": tar_of({"a.text": b"\xe4", "a.topic": b"x"})},
            "text: not UTF-8",
            "train.tar:a, column",
        ),
    ],
)
def test_a_broken_row(described, examples, files, reason, where):
    folder = described(TOPIC + 'labels = ["x"]\n', **files)
    [broken] = [one for one in examples("topic") if isinstance(one, Broken)]
    assert broken.reason.startswith(reason) and broken.where.startswith(f"{folder}/{where}")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "can't read a file: no such file or directory"),
        (b"GIF89a", "image: neither PNG nor JPEG"),
        (png("red")[:60], "image: truncated"),
    ],
)
def test_a_broken_picture(described, examples, content, reason):
    files = {} if content is None else {"a.png": content}
    folder = described(CAPTION, **{"train.csv": "path,caption\na.png,x\n", **files})
    [broken] = examples("caption")
    assert broken.reason == reason and broken.where.startswith(f"{folder}/train.csv:2, ")


def test_a_class_that_training_lacks(described, examples):
    described(TOPIC, **{"train.csv": "text,topic\na,x\n", "test.csv": "text,topic\nb,y\n"})
    [broken] = examples("topic", "test")
    assert "test.csv:2, where `topic` is 'y', which is not one of" in broken.where


def test_held_out_rows_are_in_one_split_each_and_those_of_one_input_in_the_same(described, examples):
    rows = "".join(f"{n % 400},{n % 3}\n" for n in range(1200))
    held_out = 'files = "all.csv"\nheld_out = {validation = 0.1, test = 0.2}\n'
    described(TOPIC + held_out, **{"all.csv": "text,topic\n" + rows})
    parts = {
        split: [one["inputs"] for one in examples("topic", split)]
        for split in ("train", "validation", "test")
    }
    assert sorted(sum(parts.values(), [])) == sorted(str(n % 400) for n in range(1200))
    sets = list(map(set, parts.values()))
    assert sum(map(len, sets)) == len(set.union(*sets)) == 400
    assert 20 < len(sets[1]) < 65 and 50 < len(sets[2]) < 115


def test_held_out_by_another_column(described, examples):
    rows = "".join(f"{n},x,{n % 50}\n" for n in range(500))
    held_out = 'files = "all.csv"\nheld_out = {validation = 0.2, test = 0.2, by = "who"}\n'
    described(TOPIC + held_out, **{"all.csv": "text,topic,who\n" + rows})
    people = [{int(one["inputs"]) % 50 for one in examples("topic", split)} for split in ("train", "test")]
    assert not people[0] & people[1] and all(people)


@pytest.mark.parametrize(
    ("more", "names", "split", "message"),
    [
        ("", ["train.csv"], "test", "no table for test in .*test.csv.*held_out = {test = 0.05}"),
        ("", ["test.csv"], "train", "no table for train"),
        (
            "held_out = {test = 0.1}",
            ["train.csv", "test.csv"],
            "test",
            "`held_out` says what test is, but there",
        ),
    ],
)
def test_a_split_without_a_table(described, examples, more, names, split, message):
    described(TOPIC + 'labels = ["x"]\n' + more, **dict.fromkeys(names, "text,topic\na,x\n"))
    with pytest.raises(UserError, match=message):
        examples("topic", split)


@pytest.fixture
def prepared(described, tmp_path):
    """A function that prepares problems, and returns the folder of their data."""

    def prepare(names, toml, **files):
        described(toml, **files)
        generate.generate(registry.problems(names), tmp_path / "data", "files", progress=False, processes=1)
        return tmp_path / "data"

    return prepare


def test_two_problems_of_one_table_up_to_a_batch(prepared):
    rows = [{"path": f"{n}.png", "caption": f"number {n}", "topic": str(n % 2)} for n in range(6)]
    files = three(".jsonl", json_lines(rows)) | {f"{n}.png": png("red", 20 + n) for n in range(6)}
    topic = TOPIC.replace('"text", column = "text"', '"image", column = "path"')
    folder = prepared("caption,topic", CAPTION + topic, **files)
    hparams = hparam.get("multimodel_tiny", "batch_images=4")
    splits = [PreparedSplit.open(one, "validation", folder) for one in registry.problems("caption,topic")]
    assert [example["targets"] for example in splits[0].examples()] == [row["caption"] for row in rows]
    vocabulary = training_texts.build([splits[0]], 300)
    for split in splits:
        numbered = dataclasses.replace(split, vocabulary=vocabulary)
        batch = next(iter(pipeline.dataset(numbered, hparams, ReadConfig())))
        size = hparams.image_size
        assert batch["inputs"].shape == (4, size, size, 3)
        assert batch["targets"].shape[0] == 4


def test_the_data_is_refused_when_the_description_has_changed(prepared):
    files = three(".csv", "text,topic,body\na,x,b\n")
    folder = prepared("topic", TOPIC, **files)
    before = (folder / "topic" / "manifest.json").read_bytes()
    assert prepared("topic", TOPIC + 'metrics = ["top1"]\n') == folder
    assert (folder / "topic" / "manifest.json").read_bytes() == before
    with pytest.raises(UserError, match="topic was prepared when problem `topic` was described otherwise"):
        prepared("topic", TOPIC.replace('"text"}', '"body"}').replace('column = "text"', 'column = "body"'))


def test_a_split_that_was_finished_by_another_description_is_prepared_again(prepared):
    files = three(".csv", "text,topic,body\na,x,b\n") | {"test.csv": "body,topic\nb,x\n"}
    with pytest.raises(UserError, match="test.csv:2: no column `text`"):
        prepared("topic", TOPIC, **files)
    folder = prepared("topic", TOPIC.replace('column = "text"', 'column = "body"'))
    split = PreparedSplit.open(registry.get_problem("topic"), "train", folder)
    assert [example["inputs"] for example in split.examples()] == ["b"]
    assert json.loads((folder / "topic" / "manifest.json").read_text())["splits"]["test"]["examples"] == 1


def test_an_empty_split(prepared):
    files = three(".csv", "text,topic\na,x\n") | {"test.csv": "text,topic\n"}
    with pytest.raises(UserError, match="yields no examples for test"):
        prepared("topic", TOPIC, **files)
