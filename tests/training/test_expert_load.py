"""The matrix of experts and problems, from counts by hand."""

import json

import numpy as np
import tensorflow as tf

from t2tlite.training.expert_load import ExpertLoad, heat_map, parted


def loaded():
    load = ExpertLoad(["a", "b", "c"])
    load.add("a", {"encoder": tf.constant([1.0, 0.0, 0.0])})
    load.add("b", {"encoder": tf.constant([1.0, 4.0, 0.0])})
    load.add("b", {"encoder": tf.constant([2.0, 0.0, 0.0])})
    return load


def test_an_expert_s_tokens_are_shared_among_the_problems():
    [(place, matrix)] = loaded().matrices().items()
    assert place == "encoder"
    np.testing.assert_allclose(matrix, [[0.25, 0, 0], [0.75, 1, 0], [0, 0, 0]])


def test_what_is_written(tmp_path):
    loaded().write(tmp_path, 7)
    content = json.loads((tmp_path / "expert_load.json").read_text())
    assert content["step"] == 7 and content["problems"] == ["a", "b", "c"]
    assert content["share_of_expert"] == {"encoder": [[0.25, 0, 0], [0.75, 1, 0], [0, 0, 0]]}
    assert content["choices"]["encoder"] == {"a": [1, 0, 0], "b": [3, 4, 0]}


def test_without_experts_nothing_is_written(tmp_path):
    load = ExpertLoad(["a"])
    load.add("a", {})
    load.write(tmp_path, 7)
    assert load.matrices() == {} and not list(tmp_path.iterdir())


def test_it_goes_on_from_a_checkpoint():
    other = ExpertLoad(["a", "b", "c"])
    other.restore(json.loads(json.dumps(loaded().state())))
    np.testing.assert_array_equal(other.matrices()["encoder"], loaded().matrices()["encoder"])
    other.clear()
    assert other.matrices() == {} and other.images() == {}


def test_the_image_is_lighter_where_more_is():
    matrix = np.array([[0.0, 1.0], [0.5, 0.25]])
    image = heat_map(matrix, ["first", "a_name_that_is_much_too_long_to_be_shown"])
    assert image.dtype == np.uint8 and image.shape[2] == 3
    centres = image[9::18, 120 + 9 :: 18][:2, :2].astype(int).sum(axis=-1)
    assert centres[0, 0] < centres[1, 1] < centres[1, 0] < centres[0, 1]
    assert image[:18, :120].min() < 100  # the row has a name
    assert heat_map(np.zeros([2, 240]), ["a", "b"]).shape[1] == 120 + 4 * 240


def test_statistics_are_parted():
    choices, figures = parted({"loss": tf.constant(2.5), "choices/encoder": tf.constant([1.0, 2.0])})
    assert figures == {"loss": 2.5} and list(choices) == ["encoder"]
