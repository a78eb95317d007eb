"""Named inputs: what a problem may say, their records, their batches, and what is said of a wrong example."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from t2tlite import hparam, problem
from t2tlite.data.inspection import inspect, inspect_files, lengths
from t2tlite.data.preparing import generate
from t2tlite.data.reading import pipeline
from t2tlite.data.reading.reader import ReadConfig, Reader
from t2tlite.data.stored import records
from t2tlite.data.stored.prepared import PreparedSplit
from t2tlite.data.text import training_texts
from t2tlite.errors import UserError
from t2tlite.features.measure import BatchPlan
from t2tlite.features.named import flatten, nest

from ..data.conftest import Toy, png, sentence
from ..models import tiny

HPARAMS = tiny.HPARAMS.replace(
    image_size=16, length_bounds=(8, 16), batch_images=8, batch_tokens=64, seconds_bounds=(0.1, 0.3)
)


class Asked(Toy):
    """A question and an answer about a picture; every third question has a hint."""

    name, command = "asked", "to_answer"
    inputs = {"picture": problem.Image(), "question": problem.Text(), "hint": problem.Text(optional=True)}
    counts = {"train": 40, "validation": 10, "test": 6}

    def make(self, rng, number):
        inputs = {"picture": png(rng), "question": sentence(rng)}
        if number % 3 == 0:
            inputs["hint"] = f"hint {number}"
        return inputs, f"answer {number}"


class Compared(Toy):
    """Two texts of the same kind, to a class."""

    name = "compared"
    inputs = {"one": problem.Text(), "other": problem.Text()}
    targets = problem.Label()

    def labels(self, source):
        return "same", "different"

    def make(self, rng, number):
        return {"one": sentence(rng), "other": sentence(rng)}, self.labels("")[number % 2]


class Unlabelled(Toy):
    """Nothing but texts; only an objective that needs no targets can be learned of them."""

    name, targets, objective = "unlabelled", None, "of_its_own"

    def examples(self, split, source):
        for number in range(20):
            yield {"inputs": f"text {number}"}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("named"))
    for one in (Asked(), Compared(), Unlabelled()):
        generate.generate([one], folder, "sample", progress=False, processes=1)
    return folder


@pytest.fixture(scope="module")
def vocabulary(data_dir):
    return training_texts.build([opened(one, data_dir) for one in (Asked(), Compared())], 400)


def opened(one, data_dir, vocabulary=None):
    return PreparedSplit.open(one, "train", data_dir, vocabulary)


def test_names_in_records_and_batches():
    assert list(Asked().features()) == ["inputs.picture", "inputs.question", "inputs.hint", "targets"]
    assert list(problem.Problem().features()) == ["inputs", "targets"]
    assert list(Unlabelled().features()) == ["inputs"]
    assert Asked.inputs.described() == {"picture": "image", "question": "text", "hint": "text"}
    assert problem.Text().described() == "text"


def test_flat_and_nested_examples():
    names = ("inputs.a", "inputs.b", "targets")
    example = {"inputs": {"a": 1, "b": None}, "targets": "c"}
    assert flatten(example, names) == {"inputs.a": 1, "targets": "c"}
    assert nest(flatten(example, names)) == {"inputs": {"a": 1}, "targets": "c"}
    for value in ("a", {"a": 1}):  # a dict may be a value of its own
        example = {"inputs": value, "targets": ["b"]}
        assert flatten(example, ("inputs", "targets")) == nest(example) == example


text = problem.Text


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"a b": text()}, "can't have the name 'a b'"),
        ({"targets": text()}, "can't have the name 'targets'"),
        ({3: text()}, "can't have the name 3"),
        ({"a": text(), "a_length": text()}, "called `a_length`, since `a` has a tensor of that name"),
        ({"a": "text"}, "the input `a` is 'text'; expected a feature"),
        ({"a": problem.NamedInputs.of({"b": text()})}, "expected a feature such as"),
        ({"a": text(optional=True)}, "of the inputs a one must not be optional"),
        ({}, r"of the inputs \(none\) one"),
    ],
)
def test_what_a_problem_can_not_say(inputs, message):
    with pytest.raises(UserError, match=message):
        type("Wrong", (problem.Problem,), {"inputs": inputs})


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"inputs": {"a": text()}, "swap": True}, "swaps one input and one target"),
        ({"targets": None, "swap": True}, "swaps one input and one target"),
        ({"inputs": text(optional=True)}, "only one of several named inputs can be optional"),
        ({"targets": text(optional=True)}, "only one of several named inputs can be optional"),
    ],
)
def test_what_does_not_go_together(attributes, message):
    with pytest.raises(UserError, match=message):
        type("Wrong", (problem.Problem,), attributes)


def test_a_problem_without_targets_names_its_objective():
    assert Unlabelled().objective_name() == "of_its_own"
    with pytest.raises(UserError, match="`x` must name an `objective`: it has no targets"):
        type("X", (problem.Problem,), {"name": "x", "targets": None})().objective_name()


def test_what_is_stored_is_read_back(data_dir):
    stored = list(PreparedSplit.open(Asked(), "validation", data_dir).examples())
    assert stored == list(Asked().examples("validation", "sample"))
    assert "hint" in stored[0]["inputs"] and "hint" not in stored[1]["inputs"]
    assert opened(Asked(), data_dir).manifest["features"] == {
        "inputs.picture": "image",
        "inputs.question": "text",
        "inputs.hint": "text (optional)",
        "targets": "text",
    }
    assert list(PreparedSplit.open(Unlabelled(), "test", data_dir).examples())[3] == {"inputs": "text 3"}


PICTURE = png(np.random.default_rng(0))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"picture": PICTURE}, r"here has \['inputs.picture', 'targets'\]; expected a dict with the keys"),
        ({"picture": PICTURE, "question": None}, r"\(`inputs.NAME`: NAME in the dict of `inputs`\)"),
        ({"picture": PICTURE, "question": "a", "hin": "b"}, r"'inputs.hin'"),
        ("a text", r"has \['inputs', 'targets'\]"),
        ({"picture": "a.png", "question": "a"}, "`inputs.picture` is 'a.png'; expected the bytes"),
        ({"picture": PICTURE, "question": "a", "hint": 3}, "`inputs.hint` is 3; expected a str"),
    ],
)
def test_a_wrong_example(inputs, message):
    with pytest.raises(UserError, match=message):
        records.serialize({"inputs": inputs, "targets": "b"}, Asked().features(), "here")


@pytest.mark.parametrize("nothing", [{}, {"hint": None}, {"hint": ""}])
def test_what_is_missing_has_no_entry(nothing):
    example = {"inputs": {"picture": PICTURE, "question": "a", **nothing}, "targets": "b"}
    stored = records.serialize(example, Asked().features(), "here")
    assert set(tf.train.Example.FromString(stored).features.feature) == set(Asked().features()) - {
        "inputs.hint"
    }


def test_prepared_data_of_another_kind_is_refused(data_dir):
    class Required(Asked):
        inputs = {"picture": problem.Image(), "question": problem.Text(), "hint": problem.Text()}

    with pytest.raises(UserError, match=r"'text \(optional\)'.* but problem `asked` has"):
        generate.is_complete(Required(), data_dir, "sample")


def batches(one, data_dir, vocabulary, **changes):
    return pipeline.dataset(opened(one, data_dir, vocabulary), HPARAMS.replace(**changes), ReadConfig())


def test_batches_hold_what_is_stored(data_dir, vocabulary):
    stored = list(opened(Asked(), data_dir).examples())
    read = [row for batch in batches(Asked(), data_dir, vocabulary) for row in rows(batch)]
    assert len(read) == len(stored) == 40
    for row, example in zip(read, stored, strict=True):
        assert row["inputs.picture"].shape == (16, 16, 3)
        assert vocabulary.decode(row["inputs.question"].tolist()) == example["inputs"]["question"]
        assert row["inputs.hint_given"] == ("hint" in example["inputs"])
        assert vocabulary.decode(row["inputs.hint"].tolist()) == example["inputs"].get("hint", "")


def rows(batch):
    size = len(next(iter(batch.values())))
    return [{name: value[i].numpy() for name, value in batch.items()} for i in range(size)]


def test_rows_of_a_worker(data_dir, vocabulary):
    """Each of two workers reads every second row, of all tensors."""
    whole = next(iter(batches(Asked(), data_dir, vocabulary)))
    for number in range(2):
        share = next(
            iter(
                pipeline.dataset(
                    opened(Asked(), data_dir, vocabulary),
                    HPARAMS,
                    ReadConfig(rows=(number, 2)),
                )
            )
        )
        assert share.keys() == whole.keys()
        for name, value in share.items():
            np.testing.assert_array_equal(value, whole[name][number::2], err_msg=name)


def test_optional_pictures_and_sounds(tmp_path):
    """What stands for a missing one can be decoded."""

    class Media(Toy):
        name = "media"
        inputs = {
            "question": problem.Text(),
            "picture": problem.Image(optional=True),
            "sound": problem.Audio(optional=True),
        }
        counts = {"train": 6, "validation": 6, "test": 6}

        def make(self, rng, number):
            values = {"question": "a", "picture": png(rng) if number % 2 else None}
            return values | ({"sound": np.full([800], 0.1, np.float32)} if number % 3 else {}), "b"

    generate.generate([Media()], tmp_path, "sample", progress=False, processes=1)
    vocabulary = training_texts.build([opened(Media(), tmp_path)], 285)
    hparams = HPARAMS.replace(batch_seconds=100.0)
    data = pipeline.dataset(PreparedSplit.open(Media(), "test", tmp_path, vocabulary), hparams, ReadConfig())
    read = sorted(
        (int(row["inputs.picture_given"]), int(row["inputs.sound_given"]), int(row["inputs.sound_length"]))
        for batch in data
        for row in rows(batch)
    )
    expected = [(i % 2, int(i % 3 > 0), 800 if i % 3 else 1) for i in range(6)]
    assert read == sorted(expected)


def test_two_inputs_of_a_kind_share_the_budget(data_dir, vocabulary):
    """The model joins them, so a batch has half as many examples as with one of them."""
    assert pipeline.batch_plan(Compared(), HPARAMS) == BatchPlan(True, (4, 2))
    assert pipeline.batch_plan(problem.Problem(), HPARAMS) == BatchPlan(True, (8, 4))
    assert pipeline.batch_plan(Asked(), HPARAMS) == BatchPlan(False, (8,))
    for batch in batches(Compared(), data_dir, vocabulary):
        bucket = max(batch["inputs.one"].shape[1], batch["inputs.other"].shape[1])
        assert len(batch["targets"]) <= {8: 4, 16: 2}[bucket]


def test_every_input_is_measured(data_dir, vocabulary):
    """The longest of an example's texts decides whether it is too long, and in which bucket it is."""
    too_long = lengths.measure(opened(Compared(), data_dir, vocabulary), HPARAMS)
    longest = [
        max(len(vocabulary.encode(one)) + 1 for one in example["inputs"].values())
        for example in opened(Compared(), data_dir).examples()
    ]
    assert too_long.values["length_bounds"].tolist() == longest
    fitting = sum(len(batch["targets"]) for batch in batches(Compared(), data_dir, vocabulary))
    assert fitting == sum(length <= 16 for length in longest)


def test_a_picture_that_a_question_is_about_is_not_cropped(data_dir, vocabulary):
    """It is for a class alone."""
    crops = {}
    for inputs in (problem.Image(), problem.NamedInputs.of({"picture": problem.Image(), "question": text()})):
        one = Compared()
        one.inputs = inputs
        reader = Reader(one, vocabulary, ["a"], HPARAMS, ReadConfig(training=True))
        crops[len(one.features())] = reader.codecs[next(iter(one.features()))]._crops
    assert crops == {2: True, 3: False}


def test_without_targets(data_dir, vocabulary):
    [batch] = batches(Unlabelled(), data_dir, vocabulary, batch_tokens=1000)
    assert set(batch) == {"inputs"} and len(batch["inputs"]) == 20


def test_texts_of_all_inputs_are_learned_from(data_dir):
    texts = list(training_texts.sample([opened(Asked(), data_dir)]))
    examples = list(opened(Asked(), data_dir).examples())
    hints = sum("hint" in one["inputs"] for one in examples)
    assert len(texts) == 2 * len(examples) + hints


def test_what_prepared_data_is_like(data_dir, vocabulary, tmp_path):
    examples = list(opened(Asked(), data_dir).examples())
    report = inspect.measure(Asked(), examples, vocabulary, HPARAMS)
    assert list(report.features) == list(Asked().features())
    missing = sum("hint" not in one["inputs"] for one in examples)
    assert report.features["inputs.hint"].facts[-1] == f"{missing} examples without it"
    assert not any("without it" in fact for fact in report.features["inputs.question"].facts)
    inspect_files.write_examples(Asked(), examples[:2], tmp_path)
    shown = (tmp_path / "examples.txt").read_text()
    assert "inputs.picture: 01.inputs.picture.png\n" in shown
    assert f"inputs.question: {examples[0]['inputs']['question']}\n" in shown
    assert (tmp_path / "02.inputs.picture.png").read_bytes() == examples[1]["inputs"]["picture"]
    assert "inputs.hint: (none)\n" in shown


def test_base_fields_go_by_keyword():
    @dataclasses.dataclass(frozen=True)
    class Sized(problem.Text):
        size: int

    assert Sized(3) == Sized(size=3) and Sized(3).modality is None
    assert hparam.get("multimodel_tiny").modality_text == problem.Text().modality_name(
        hparam.get("multimodel_tiny")
    )
