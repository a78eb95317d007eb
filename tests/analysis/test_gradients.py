"""Cosines of gradients against NumPy, and cases with a known answer."""

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.analysis import gradients, sample
from t2tlite.analysis.gradients import Products
from t2tlite.layers import randomness

from ..models import tiny

SHARED, OWN, OTHERS = "model/encoder/kernel", "model/net/kernel", "model/decoder/kernel"


def drawn(seed, paths, mean=0.0, halves=2):
    generator = np.random.default_rng(seed)
    return tuple({path: generator.normal(mean, size=(3, 4)) for path in paths} for _ in range(halves))


def cosine(one, other):
    return one @ other / np.linalg.norm(one) / np.linalg.norm(other)


def flat(halves, *paths):
    return np.concatenate([sum(half[path] for half in halves).ravel() for path in paths])


def test_cosines_are_those_of_what_two_problems_have_in_common():
    a = drawn(0, (SHARED, OWN, OTHERS))
    b, c = drawn(1, (SHARED, OTHERS)), drawn(2, (SHARED, OWN))
    products = Products({"a": a, "b": b, "c": c})
    values = products.cosines().values
    np.testing.assert_allclose(values[0, 1], cosine(flat(a, SHARED, OTHERS), flat(b, SHARED, OTHERS)))
    np.testing.assert_allclose(values[0, 2], cosine(flat(a, SHARED, OWN), flat(c, SHARED, OWN)))
    np.testing.assert_allclose(values[1, 2], cosine(flat(b, SHARED), flat(c, SHARED)))
    np.testing.assert_allclose(values, values.T)
    halves = [np.concatenate([half[path].ravel() for path in (SHARED, OTHERS)]) for half in b]
    np.testing.assert_allclose(values[1, 1], cosine(*halves))
    part = products.cosines([OWN]).values
    assert np.isnan(part[1]).all() and np.isnan(part[:, 1]).all() and not np.isnan(part[0, 2])
    assert products.shared([OWN]) and not Products({"a": a, "b": b}).shared([OWN])


def test_a_problem_against_itself_and_against_its_opposite():
    a = drawn(0, (SHARED,), mean=1.0)
    opposite = tuple({path: -2 * value for path, value in half.items()} for half in a)
    values = Products({"a": a, "same": a, "opposite": opposite}).cosines().values
    np.testing.assert_allclose(values[0, 1:], [1, -1])


def test_the_ceiling_is_what_is_seen_of_the_same_direction():
    """Of many draws of a common mean under noise: the mean cosine is what the halves foretell."""
    size, noise = 4000, 3.0
    generator = np.random.default_rng(0)
    direction = generator.normal(size=size)

    def halves():
        return tuple({SHARED: direction + noise * generator.normal(size=size)} for _ in range(2))

    found = Products({"a": halves(), "b": halves()}).cosines()
    exact = 1 / (1 + noise**2 / 2)  # the share of the mean of two draws that is no noise
    np.testing.assert_allclose(found.values[0, 1], exact, atol=0.04)
    np.testing.assert_allclose(found.ceilings[0, 1], exact, atol=0.04)


def test_without_a_gradient_there_is_no_cosine():
    zero = tuple({SHARED: np.zeros([3, 4])} for _ in range(2))
    found = Products({"a": drawn(0, (SHARED,)), "zero": zero, "b": drawn(0, (SHARED,))}).cosines()
    assert np.isnan(found.values[1]).all() and np.isnan(found.ceilings[1]).all()


def test_parts_of_the_model():
    paths = [
        "m/command_to_x",
        "m/net/embedding",
        "m/net/softmax",
        "m/encoder/block/kernel",
        "m/encoder/experts/in",
        "m/encoder/experts2/in",
    ]
    assert gradients.parts(paths, ["m/encoder/experts"]) == {
        "command_to_x": paths[:1],
        "net/embedding": paths[1:2],
        "net/softmax": paths[2:3],
        "encoder": [paths[3], paths[5]],
        "encoder/experts": [paths[4]],
    }


@pytest.mark.parametrize("name", ["translation", "pictures"])
def test_gradients_of_a_batch_are_those_of_a_tape(name):
    """Of the mean cross-entropy, with the same draws."""
    model = tiny.shared_model()
    aim, batch = tiny.objectives(model)[name], tiny.batch(name)
    seed = tf.constant([3, 4])
    loss, found = sample.gradients_of(model, aim, name, batch, seed)
    targets = batch["targets"]
    with tf.GradientTape() as tape, randomness.scope(seed):
        logits = model(batch, problem=name, training=True).logits
        nats = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
        counted = targets != 0 if name == "translation" else tf.ones_like(targets, tf.bool)
        expected_loss = tf.reduce_mean(tf.boolean_mask(nats, counted))
    expected = tape.gradient(expected_loss, {v.path: v.value for v in model.trainable_variables})
    assert loss == pytest.approx(float(expected_loss))
    assert found.keys() == {path for path, gradient in expected.items() if gradient is not None}
    for path, gradient in found.items():
        tiny.close(gradient, tf.convert_to_tensor(expected[path]))
