"""Loss weightings against NumPy float64, and where they settle."""

import numpy as np
import pytest
import tensorflow as tf

from t2tlite import registry
from t2tlite.errors import UserError
from t2tlite.loss_weights import fixed

from ..models import tiny

PROBLEMS = ("a", "b", "c")


def weighting(name, **hparams):
    chosen = tiny.HPARAMS.replace(loss_weighting=name, **hparams)
    return registry.get("loss_weighting", name)(chosen, PROBLEMS)


def beginning(kind):
    return {name: tf.zeros([len(PROBLEMS)]) for name in kind.STATE}


def after(kind, updates):
    """The state after updates: triples of a problem's place, a loss and a norm."""
    state = beginning(kind)
    for place, loss, norm in updates:
        trained = tf.one_hot(place, len(PROBLEMS))
        state = kind.updated(state, trained, tf.constant(loss), tf.constant(norm))
    return {name: value.numpy() for name, value in state.items()}


def drawn(number=40, seed=0):
    generator = np.random.default_rng(seed)
    return [
        (int(generator.integers(3)), float(loss), float(norm))
        for loss, norm in generator.uniform(0.2, 3, (number, 2)).astype(np.float32)
    ]


@pytest.mark.parametrize("name", ["uncertainty", "gradnorm"])
def test_learned_weights_begin_with_the_plain_sum(name):
    kind = weighting(name)
    np.testing.assert_allclose(kind.weights(beginning(kind)), np.ones(3), rtol=1e-6)


def test_fixed_weights():
    kind = weighting("fixed", loss_weights="c:0.5 a:2")
    assert kind.weights({}).numpy().tolist() == [2.0, 1.0, 0.5]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "loss_weighting=fixed needs weights"),
        ("aa:2", "`aa` is not one of this run's problems"),
        ("a:2 a:3", "problem `a` is given more than once"),
        ("a:0", "`a:0` needs a number above 0"),
        ("a", "`a` needs a number above 0"),
        ("a:nan", "`a:nan` needs a number above 0"),
    ],
)
def test_fixed_weights_that_cannot_be_read(text, message):
    with pytest.raises(UserError, match=message):
        fixed.parse(text, PROBLEMS)


def test_uncertainty_goes_down_the_gradient_of_its_loss():
    """That of exp(-s) loss + s / 2, by a tape, in float64 and clipped."""
    rate, s = 0.1, np.zeros(3)
    updates = drawn()
    for place, loss, _ in updates:
        value = tf.Variable(s[place], dtype=tf.float64)
        with tf.GradientTape() as tape:
            lessened = tf.exp(-value) * loss + value / 2
        s[place] -= rate * np.clip(tape.gradient(lessened, value), -1, 1)
    kind = weighting("uncertainty", loss_weighting_rate=rate)
    state = after(kind, updates)
    np.testing.assert_allclose(state["log_variance"], s, rtol=1e-5)
    np.testing.assert_allclose(kind.weights(state), np.exp(-s), rtol=1e-5)


def test_uncertainty_settles_at_the_inverse_of_twice_the_loss():
    kind = weighting("uncertainty")
    state = after(kind, [(place, loss, 1.0) for place, loss in enumerate((0.1, 1.0, 500.0))] * 700)
    np.testing.assert_allclose(kind.weights(state), [5, 0.5, 0.001], rtol=0.02)


def reference(updates, alpha, rate):
    """GradNorm in float64: weights after each update."""
    logs = np.zeros(3)
    first, last, norms = ({} for _ in range(3))
    for place, loss, norm in updates:
        first.setdefault(place, loss)
        last[place], norms[place] = loss, norm
        weights = 3 * np.exp(logs) / np.exp(logs).sum()
        sizes = {i: weights[i] * norms[i] for i in norms}
        shares = {i: last[i] / first[i] for i in norms}
        relative = shares[place] / np.mean(list(shares.values()))
        target = np.mean(list(sizes.values())) * relative**alpha
        if not np.isclose(target, sizes[place], rtol=1e-7):
            logs[place] += rate * np.sign(target - sizes[place])
    return 3 * np.exp(logs) / np.exp(logs).sum()


@pytest.mark.parametrize("alpha", [0.0, 1.5])
def test_gradnorm(alpha):
    kind = weighting("gradnorm", gradnorm_alpha=alpha)
    updates = drawn()
    weights = kind.weights(after(kind, updates)).numpy()
    np.testing.assert_allclose(weights, reference(updates, alpha, 0.025), rtol=1e-4)
    np.testing.assert_allclose(weights.sum(), 3, rtol=1e-6)


def test_gradnorm_evens_out_norms_and_favours_who_lags_behind():
    kind = weighting("gradnorm", gradnorm_alpha=0.0)
    even = kind.weights(after(kind, [(0, 1.0, 1.0), (1, 1.0, 2.0), (2, 1.0, 4.0)] * 200)).numpy()
    np.testing.assert_allclose(even * [1, 2, 4], np.full(3, np.mean(even * [1, 2, 4])), rtol=0.06)
    kind = weighting("gradnorm", gradnorm_alpha=1.0)
    begun = [(place, 1.0, 1.0) for place in range(3)]
    lagging = kind.weights(after(kind, begun + [(0, 1.0, 1.0), (1, 0.5, 1.0), (2, 0.5, 1.0)] * 200)).numpy()
    np.testing.assert_allclose(lagging, [1.5, 0.75, 0.75], rtol=0.06)


def test_what_is_not_trained_does_not_move():
    for name in ("uncertainty", "gradnorm"):
        kind = weighting(name)
        state = after(kind, [(0, 1.0, 1.0)] * 5)
        weights = kind.weights(state).numpy()
        assert weights[1] == weights[2]
        assert all(value[1] == value[2] for value in state.values())
