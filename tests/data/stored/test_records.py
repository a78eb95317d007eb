import numpy as np
import pytest

from t2tlite import problem
from t2tlite.data.preparing import generate
from t2tlite.data.stored import records
from t2tlite.data.stored.prepared import PreparedSplit, manifest
from t2tlite.errors import UserError

FEATURES = {"inputs": problem.Text(), "targets": problem.Text()}
PNG = b"\x89PNG....."


def there_and_back(value, feature):
    features = {"inputs": feature, "targets": problem.Text()}
    record = records.serialize({"inputs": value, "targets": "x"}, features, "example 0")
    return records.deserialize(record, features)["inputs"]


@pytest.mark.parametrize("value", ["", "é\n\0▁", ["one", "two"]])
def test_text(value):
    assert there_and_back(value, problem.Text()) == value


def test_image_and_label():
    assert there_and_back(PNG, problem.Image()) == PNG
    assert there_and_back("tench, Tinca tinca", problem.Label()) == "tench, Tinca tinca"


def test_audio_keeps_16_bits():
    wave = np.array([-1, -0.5, 0, 1e-4, 1 / 3, 1], np.float32)
    back = there_and_back(wave, problem.Audio())
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, wave, atol=0.5 / 32767)
    np.testing.assert_array_equal(there_and_back(back, problem.Audio()), back)


@pytest.mark.parametrize(
    ("value", "feature", "message"),
    [
        (7, problem.Text(), "`inputs` is 7; expected a str"),
        ([], problem.Text(), "at least one str"),
        ("a\ud800", problem.Text(), "surrogates not allowed"),
        ("path.png", problem.Image(), "expected the bytes of a PNG or JPEG file"),
        (np.zeros([4, 2], np.float32), problem.Audio(), r"float32 of shape \(4, 2\); expected float samples"),
        (np.zeros(4, np.int16), problem.Audio(), "int16 of shape"),
        (np.full(4, 300.0), problem.Audio(), r"leaves \[-1, 1\]"),
        (np.array([0.0, -1.01]), problem.Audio(), r"leaves \[-1, 1\]"),
        (np.array([np.nan]), problem.Audio(), r"leaves \[-1, 1\]"),
        (3, problem.Label(), "expected the name of a class"),
    ],
)
def test_a_value_that_is_not_the_feature_is_refused(value, feature, message):
    with pytest.raises(UserError, match=f"example 0: .*{message}"):
        there_and_back(value, feature)


def test_an_unknown_label_is_refused():
    features = {"inputs": problem.Text(), "targets": problem.Label()}
    with pytest.raises(UserError, match="example 3: `targets` is 'cow'"):
        records.serialize({"inputs": "x", "targets": "cow"}, features, "example 3", {"cat"})


@pytest.mark.parametrize("example", [{"inputs": "x"}, {"inputs": "x", "targets": "y", "extra": 1}, None])
def test_wrong_keys_are_refused(example):
    with pytest.raises(UserError, match="example 5 has .*expected a dict with the keys"):
        records.serialize(example, FEATURES, "example 5")


def test_examples_of_a_split(world):
    first = list(world.split("reverse", "test").examples())
    assert [example["inputs"].split()[0] for example in first] == [str(i) for i in range(10)]
    back = list(world.split("unreverse", "test").examples(4))
    assert back == [{"inputs": x["targets"], "targets": x["inputs"]} for x in first[:4]]
    assert len(next(world.split("captions", "test").examples())["targets"]) == 5


def test_missing_data_says_how_to_prepare_it(tmp_path):
    class Lost(problem.Problem):
        name, sources = "lost", ("files", "sample")

    with pytest.raises(UserError, match=r"t2t-datagen --problems=lost --source=files\|sample --data_dir="):
        manifest(Lost(), tmp_path)
    with pytest.raises(UserError, match="no prepared data for `lost`"):
        PreparedSplit.open(Lost(), "train", tmp_path)


def test_an_unknown_split_is_refused(world):
    with pytest.raises(UserError, match="unknown split `dev`; expected one of train, validation, test"):
        world.split("reverse", "dev")


def test_a_swapped_problem_reads_the_first_of_several_references(tmp_path):
    class References(problem.Problem):
        name = corpus = "references"

        def examples(self, split, source):
            yield {"inputs": "a", "targets": ["b", "c"]}

    class Swapped(References):
        name, swap = "swapped", True

    generate.generate([References()], tmp_path, "sample", progress=False, processes=1)
    assert list(PreparedSplit.open(Swapped(), "test", tmp_path).examples()) == [
        {"inputs": "b", "targets": "a"}
    ]
