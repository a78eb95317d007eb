"""Feature kinds: what each says of itself agrees, and a kind of one's own needs no edit elsewhere."""

import base64
import dataclasses
from typing import ClassVar

import numpy as np
import pytest
import tensorflow as tf

from t2tlite import hparam, problem, registry
from t2tlite.data.inspection import lengths
from t2tlite.data.preparing import generate
from t2tlite.data.reading import pipeline
from t2tlite.data.reading.reader import ReadConfig
from t2tlite.data.stored.prepared import PreparedSplit
from t2tlite.errors import UserError
from t2tlite.features.codec import Codec
from t2tlite.features.feature import Feature
from t2tlite.features.measure import BatchPlan, deciding
from t2tlite.features.positions import Encoded

from ..data.conftest import Toy
from ..models import tiny
from ..training.test_dry_run import a_run

HPARAMS = tiny.HPARAMS.replace(
    length_bounds=(8, 12), batch_tokens=100, batch_images=7, seconds_bounds=(0.1, 0.3), batch_seconds=1.0
)
KINDS = registry.names("feature")


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_the_registered_name(kind):
    assert registry.get("feature", kind).kind == kind


def test_the_users_names():
    assert [one().kind for one in (problem.Text, problem.Image, problem.Audio, problem.Label)] == [
        "text",
        "image",
        "audio",
        "label",
    ]


def test_records_begin_as_they_are_checked():
    """Only a kind with classes looks at the labels."""
    assert problem.Text().to_record("dog", ("cat",)) == [b"dog"]
    with pytest.raises(ValueError, match="'dog', which is not one of the problem's labels"):
        problem.Label().to_record("dog", ("cat",))


def test_batches_by_kind():
    plans = {kind: registry.get("feature", kind).measure.plan(HPARAMS) for kind in KINDS}
    assert plans == {
        "text": BatchPlan(True, (12, 8)),
        "image": BatchPlan(False, (7,)),
        "audio": BatchPlan(True, (9, 3)),
        **dict.fromkeys(("answers", "counts", "distribution", "label", "vector"), BatchPlan(False, (100,))),
    }


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        ([problem.Text(), problem.Label()], [0]),
        ([problem.Text(), problem.Text()], [0, 1]),
        ([problem.Text(), problem.Image()], [1]),
        ([problem.Audio(), problem.Image(), problem.Text()], [0]),
    ],
)
def test_who_decides_about_batches(features, expected):
    assert deciding(features) == [features[i] for i in expected]


def test_the_budget_of_a_size():
    budgets = {kind: registry.get("feature", kind).measure.budget_of(2, HPARAMS) for kind in KINDS}
    assert budgets == {
        "text": "batch_tokens=24",
        "image": "batch_images=2",
        "audio": "batch_seconds=0.6",
        **dict.fromkeys(("answers", "counts", "distribution", "label", "vector"), "batch_tokens=2"),
    }


@pytest.mark.parametrize("name", tiny.PROBLEMS)
def test_a_random_batch_is_one_as_the_model_reads_it(name):
    batch = {}
    for side, feature in tiny.PROBLEMS[name].features().items():
        batch |= feature.random_batch(side, 3, np.random.default_rng(0), a_run(name), name)
    expected = tiny.batch(name)
    assert {key: (value.dtype, value.ndim) for key, value in batch.items()} == {
        key: (value.dtype.as_numpy_dtype, value.shape.rank) for key, value in expected.items()
    }


def test_what_a_person_reads_of_a_batch():
    assert problem.Label().describe(np.int32(1), None, ("cat", "dog")) == "'dog'"
    assert problem.Label().describe(np.int32(2), None, ("cat", "dog")) == "class 2"
    assert problem.Image().describe(np.array([1.0, np.nan]), None, ()) == "1 of 2 values are not finite"
    assert problem.Audio().describe(np.zeros(2), None, ()) is None


@dataclasses.dataclass(frozen=True)
class Point(Feature):
    """A kind of one's own: so many float32 coordinates."""

    number: int = 2
    kind: ClassVar[str] = "point"

    def to_record(self, value, labels=None):
        if len(value) != self.number:
            raise ValueError(f"{value!r:.60}; expected {self.number} numbers")
        return [np.asarray(value, "<f4").tobytes()]

    def from_record(self, values):
        return np.frombuffer(values[0], "<f4")

    def codec(self, reading):
        return _PointCodec(reading)


class _PointCodec(Codec):
    def dense(self, name, compact, epoch, index, length):
        return {name: tf.io.decode_raw(compact, tf.float32)}


class Named(Toy):
    """Points and the names of their quadrants."""

    name, inputs, targets = "named", Point(), problem.Label()
    counts = dict.fromkeys(Toy.counts, 9)

    def labels(self, source):
        return ("left", "right")

    def make(self, rng, number):
        return [number - 4.5, float(number)], self.labels("")[number > 4]


def test_a_kind_of_ones_own_is_prepared_and_batched(tmp_path):
    toy, hparams = Named(), hparam.get("multimodel_tiny").replace(batch_tokens=4)
    generate.generate([toy], str(tmp_path), "sample", progress=False, processes=1)
    examples = list(PreparedSplit.open(toy, "test", tmp_path).examples())
    data = pipeline.dataset(PreparedSplit.open(toy, "test", tmp_path), hparams, ReadConfig())
    batches = list(data)
    assert [len(batch["targets"]) for batch in batches] == [4, 4, 1]
    points = tf.concat([batch["inputs"] for batch in batches], axis=0)
    np.testing.assert_array_equal(points, [example["inputs"] for example in examples])
    np.testing.assert_array_equal(points[:, 0] > 0, tf.concat([b["targets"] for b in batches], axis=0) == 1)
    assert lengths.measure(PreparedSplit.open(toy, "test", tmp_path), hparams).too_long(hparams).dropped == 0


@pytest.mark.parametrize("kind", ["text", "image", "audio"])
def test_the_example_of_a_service_is_one_that_it_reads(kind):
    feature = registry.get("feature", kind)()
    example = feature.example_input()
    assert feature.check_sent(example, "it") == example
    body = example if feature.is_file else example.encode()
    assert feature.from_body(body, "the body") == example
    if feature.is_file:
        assert len(feature.input_reader(None, HPARAMS).read(example))


def test_json_is_read_by_kind():
    sent = base64.b64encode(problem.Image().example_input()).decode()
    assert problem.Image().from_json(sent, "it") == problem.Image().example_input()
    with pytest.raises(UserError, match=r"inputs\[1\] must be a string; received int"):
        problem.Text().from_json(3, "inputs[1]")
    with pytest.raises(UserError, match="it: not a picture"):
        problem.Image().from_json(base64.b64encode(b"no").decode(), "it")
    with pytest.raises(UserError, match="the body is not UTF-8 at byte 1"):
        problem.Text().from_body(b"a\xff", "the body")


def test_a_kind_that_says_nothing_of_a_use_is_refused_there_and_nowhere_else():
    for feature in (problem.Label(), Point()):
        assert feature.input_reader(None, HPARAMS) is None
        assert feature.raw_readers(None, HPARAMS) == () and feature.content_types == ()
    assert Point().positions(None, Encoded(4, 2, 2), None).count == 2
    assert Point().as_file([1.0]) is None and Point().shown([1.0]) == ["[1.0]"]


def test_cells_of_tables():
    assert problem.Label().from_cell(3) == "3" and problem.Label().from_cell(True) == "true"
    assert problem.Label().from_cell("3") == "3"
    assert problem.Vector(1).numbers(problem.Vector(1).from_cell(2.5)).tolist() == [2.5]
    assert problem.Vector(2).from_cell("1 2") == "1 2" and problem.Text().from_cell("a") == "a"


def test_contents_of_files():
    picture, sound = problem.Image().example_input(), problem.Audio().example_input()
    assert problem.Image().from_content(picture) == picture
    np.testing.assert_array_equal(problem.Audio().from_content(sound), np.zeros(16000, np.float32))
    with pytest.raises(ValueError, match="^truncated$"):
        problem.Image().from_content(picture[:-3])
    with pytest.raises(ValueError, match="^the sound is cut off$"):
        problem.Audio().from_content(sound[:-300])
