"""The mixture of experts: gating and losses by definition, dispatch and its gradients, drops, padding."""

import math

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.layers import experts, randomness
from t2tlite.layers.experts import MixtureOfExperts, NoExperts, noisy_top_k, plan_dispatch

from ..models import tiny
from . import reference

N, K, TOKENS = 6, 2, 20
SEED = [3, 4]
MASK = np.array([1.0] * 14 + [0.0] * 6, np.float32)


@pytest.fixture
def known_noise(monkeypatch):
    """Makes every draw of the gate use one seed; returns the noise `[tokens, n]` that it gives."""
    monkeypatch.setattr(randomness, "next_seed", lambda: tf.constant(SEED))
    return lambda tokens=TOKENS, n=N: tf.random.stateless_normal([tokens, n], SEED).numpy().astype(np.float64)


def scores(seed=0):
    """Clean logits and raw noise scales of `TOKENS` positions."""
    return tiny.noise(TOKENS, N, seed=seed), tiny.noise(TOKENS, N, seed=seed + 1)


def dense(gating, n=N):
    """`[tokens, n]` gates of what the gate chose."""
    gates = np.zeros((len(gating.experts), n))
    np.put_along_axis(gates, gating.experts.numpy(), gating.gates.numpy(), axis=1)
    return gates


def by_definition(clean, raw, noise, k=K):
    scale = reference.softplus(np.float64(raw))
    rows = [reference.gate(*row, k) for row in zip(np.float64(clean), scale, noise, strict=True)]
    return tuple(np.array(column) for column in zip(*rows, strict=True))


@pytest.mark.parametrize("k", [1, 2, 5])
def test_the_noisy_gate_is_the_formula(known_noise, k):
    clean, raw = scores()
    gates, probability = by_definition(clean, raw, known_noise(), k)
    gating = noisy_top_k(clean, raw, MASK, k, tf.cast(known_noise(), tf.float32))
    valid = MASK[:, None]
    tiny.close(dense(gating), gates * valid)
    tiny.close(gating.importance, (gates * valid).sum(0))
    tiny.close(gating.load, (probability * valid).sum(0))


def test_without_training_there_is_no_noise_and_the_load_is_a_count():
    clean, raw = scores()
    gates, _ = by_definition(clean, raw, np.zeros((TOKENS, N)))
    gating = noisy_top_k(clean, raw, MASK, K)
    tiny.close(dense(gating), gates * MASK[:, None])
    tiny.close(gating.load, ((gates > 0) * MASK[:, None]).sum(0))


def test_every_expert_chosen_means_a_plain_softmax(known_noise):
    clean, raw = scores()
    h = clean + tf.nn.softplus(raw) * tf.cast(known_noise(), tf.float32)
    gating = noisy_top_k(clean, raw, MASK, N, tf.cast(known_noise(), tf.float32))
    tiny.close(dense(gating), tf.nn.softmax(h) * MASK[:, None])
    tiny.close(gating.load, [MASK.sum()] * N)


def test_the_load_is_the_chance_to_be_chosen_again(known_noise):
    """P(x, i) by brute force: new noise on i alone, the others' kept; is i among the best k?"""
    clean, raw = (x[:1] for x in scores())
    scale = reference.softplus(np.float64(raw[0]))
    told = noisy_top_k(clean, raw, tf.ones(1), K, tf.cast(known_noise(1), tf.float32)).load
    draws = 100_000
    normal = np.random.default_rng(0).normal(size=draws)
    for i in range(N):
        h = np.tile(clean[0] + scale * known_noise(1)[0], (draws, 1))
        h[:, i] = clean[0, i] + scale[i] * normal
        chosen = np.mean((h > h[:, i : i + 1]).sum(1) < K)
        assert abs(chosen - told[i]) < 5 * math.sqrt(0.25 / draws)


def test_losses_are_squared_coefficients_of_variation():
    x = np.array([1.0, 4.0, 0.0, 3.0])
    tiny.close(experts.cv_squared(tf.constant(x, tf.float32)), reference.cv_squared(x))
    assert experts.cv_squared(tf.constant([2.0, 2.0, 2.0])) == 0
    assert experts.cv_squared(tf.zeros(3)) == 0


@pytest.mark.parametrize("capacity", [None, 1, 3, 40])
def test_the_plan_serves_who_comes_first(capacity):
    chosen = np.random.default_rng(0).integers(0, 3, (TOKENS, 1))
    chosen = np.concatenate([chosen, chosen + 3], axis=1)
    plan = plan_dispatch(tf.constant(chosen, tf.int32), MASK, N, capacity)
    used, expected = [0] * N, np.full((TOKENS, 2), N * int(plan.capacity))
    for token, place in np.ndindex(TOKENS, 2):
        expert = chosen[token, place]
        if MASK[token] and used[expert] < plan.capacity:
            expected[token, place] = expert * int(plan.capacity) + used[expert]
            used[expert] += 1
    assert (plan.slot_of_choice.numpy() == expected).all()
    assert plan.dropped == 28 - sum(used)
    assert (int(plan.dropped) == 0) == (capacity in (None, 40))
    for slot, choice in enumerate(plan.choice_of_slot.numpy()):  # the inverse of slot_of_choice
        assert choice == TOKENS * 2 if slot not in expected else expected.flat[choice] == slot


def plan_with_drops():
    chosen = np.stack([np.arange(TOKENS) % 3, np.full(TOKENS, 5)], axis=1)
    return plan_dispatch(tf.constant(chosen, tf.int32), MASK, N, 4)


def test_dispatch_and_its_gradient_are_those_of_a_gather():
    plan, x = plan_with_drops(), tf.cast(tiny.noise(TOKENS, 3), tf.float64)
    token = np.append(np.repeat(np.arange(TOKENS), K), TOKENS)[plan.choice_of_slot]
    plain = lambda x: tf.gather(tf.concat([x, tf.zeros([1, 3], x.dtype)], 0), token)  # noqa: E731
    assert_same_with_gradient(lambda x: experts.dispatch(x, plan), plain, x)


def test_undispatch_and_its_gradient_are_those_of_a_gather():
    plan, y = plan_with_drops(), tf.cast(tiny.noise(N * 4, 3), tf.float64)
    plain = lambda y: tf.gather(tf.concat([y, tf.zeros([1, 3], y.dtype)], 0), plan.slot_of_choice)  # noqa: E731
    assert_same_with_gradient(lambda y: experts.undispatch(y, plan), plain, y)


def assert_same_with_gradient(function, plain, x):
    results = []
    for f in (function, plain):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
            value = tf.reduce_sum(tf.sin(y) * tf.cast(tiny.noise(*y.shape), y.dtype))
        results.append((y, tf.convert_to_tensor(tape.gradient(value, x))))
    for one, other in zip(*results, strict=True):
        tiny.close(one, other, 1e-12)
    assert np.any(results[0][1])


@pytest.mark.parametrize("what", ["dispatch", "undispatch"])
def test_gradients_of_the_dispatch_are_finite_differences(what):
    plan, function = plan_with_drops(), getattr(experts, what)
    x = tf.Variable(tf.cast(tiny.noise(TOKENS if what == "dispatch" else N * 4, 3), tf.float64))
    x.path = what
    tiny.assert_gradients(lambda: tf.reduce_sum(tf.square(function(x.value(), plan)) / 3), [Raw(x)])


class Raw:
    """A tf.Variable that looks like a Keras one."""

    def __init__(self, variable):
        self.variable, self.path = variable, variable.path
        self.assign, self.numpy = variable.assign, variable.numpy

    @property
    def value(self):
        return self.variable


def layer(dtype="float32", capacity=1.25, seed=0, **kwargs):
    made = MixtureOfExperts(8, 5, N, K, capacity, dtype=dtype, **kwargs)
    made.build((None, None, 8))
    return tiny.randomise(made, seed)


def expected(moe, x, mask, noise, capacity):
    """`[tokens, d]`, statistics, from the definition."""
    w, flat = reference.weights(moe), np.reshape(np.float64(x), (-1, 8))
    gates, probability = by_definition(flat @ w["gate"], flat @ w["noise"], noise)
    gates, probability = gates * mask.reshape(-1, 1), probability * mask.reshape(-1, 1)
    y, dropped = reference.experts(flat, w, gates, capacity)
    load = probability if noise.any() else gates > 0
    loss = reference.cv_squared(load.sum(0)) + reference.cv_squared(gates.sum(0))
    return y.reshape(x.shape), {"loss": 0.01 * loss, "load": load.sum(0), "dropped": dropped}


@pytest.mark.parametrize("factor", [0.5, 1.25, 10.0])
def test_in_training_the_layer_is_the_definition_drops_included(known_noise, factor):
    moe, x, mask = layer(capacity=factor), tiny.noise(2, 10, 8), MASK.reshape(2, 10)
    capacity = math.ceil(TOKENS * K / N * factor)
    y, statistics = moe(x, padding_mask=mask > 0, training=True)
    y_expected, told = expected(moe, x, mask, known_noise(), capacity)
    tiny.close(y, y_expected)
    for name, value in told.items():
        tiny.close(statistics[name], value)
    assert (told["dropped"] > 0) == (factor == 0.5)


def test_in_inference_the_layer_is_the_definition_and_drops_nothing():
    moe, x, mask = layer(capacity=0.1), tiny.noise(2, 10, 8), MASK.reshape(2, 10)
    moe.gate_kernel.assign(
        tf.one_hot([1] * 8, N) * 4 * tf.sign(tf.range(8.0)[:, None] - 3.5) + moe.gate_kernel
    )
    y, statistics = moe(x, padding_mask=mask > 0)
    y_expected, told = expected(moe, x, mask, np.zeros((TOKENS, N)), None)
    tiny.close(y, y_expected)
    tiny.close(statistics["load"], told["load"])
    assert statistics["dropped"] == 0
    assert max(told["load"]) > 6  # some expert gets more than twice its share


def test_padding_takes_no_slot_and_changes_no_loss(known_noise):
    moe, x = layer(capacity=3.0), tiny.noise(1, TOKENS, 8)
    y, statistics = moe(x, padding_mask=MASK[None] > 0, training=True)
    changed = tf.where(MASK[None, :, None] > 0, x, 9.0)
    other, same = moe(changed, padding_mask=MASK[None] > 0, training=True)
    assert (y.numpy()[0, 14:] == 0).all()
    tiny.close(other, y, 1e-6)
    for name in ("loss", "load", "dropped"):
        tiny.close(same[name], statistics[name], 1e-6)


def test_nothing_but_padding_is_no_fault():
    y, statistics = layer()(tiny.noise(1, 5, 8), padding_mask=tf.zeros([1, 5], tf.bool), training=True)
    assert not y.numpy().any()
    figures = tf.nest.flatten(statistics, expand_composites=True)
    assert all(np.isfinite(v).all() and not np.any(v) for v in figures)


@pytest.mark.parametrize("training", [False, True])
def test_gradients_are_finite_differences(training):
    """The gate computes in float32, so its differences are coarse; the experts' are exact."""
    moe = layer("float64")
    x, weight = (tf.cast(tiny.noise(2, 10, 8, seed=s), tf.float64) for s in (1, 2))

    def loss():
        with randomness.scope(tf.constant(SEED)):
            y, statistics = moe(x, training=training)
        return tf.reduce_sum(weight * y) + tf.cast(100 * statistics["loss"], tf.float64)

    tiny.assert_gradients(loss, [moe.in_kernel, moe.out_kernel])
    with tf.GradientTape() as tape:
        value = loss()
    assert value != 0
    tiny.assert_gradients(loss, [moe.gate_kernel], step=1e-3, tolerance=1e-2)
    if training:
        tiny.assert_gradients(loss, [moe.noise_kernel], step=1e-3, tolerance=1e-2)
    else:
        assert tape.gradient(value, moe.noise_kernel.value) is None


def test_each_loss_has_its_weight():
    """From the hyperparameters, too; the gate's first choices are a case where the two losses differ."""
    changes = {"moe_load_loss_coef": 0.25, "moe_importance_loss_coef": 3.0}
    moe = MixtureOfExperts.from_hparams(tiny.HPARAMS.replace(**changes))
    moe.build((None, None, 16))
    _, statistics = tiny.randomise(moe)(tiny.noise(1, TOKENS, 16))
    balance = statistics["balance"]
    load, importance = (reference.cv_squared(np.float64(x)) for x in (balance.load, balance.importance))
    assert abs(load - importance) > 0.01
    tiny.close(statistics["loss"], 0.25 * load + 3.0 * importance)


def test_the_balance_of_a_batch_is_the_sum_of_those_of_its_parts():
    """So on several replicas its loss is that of the whole batch, which is not the mean of theirs."""
    moe, x = layer(), tiny.noise(4, 5, 8)
    whole, *parts = (moe(part)[1] for part in (x, x[:1], x[1:]))
    together = tf.nest.map_structure(
        lambda *values: sum(values), *(part["balance"] for part in parts), expand_composites=True
    )
    tiny.close(together.loss(), whole["loss"])
    assert abs(sum(float(part["loss"]) for part in parts) / 2 - whole["loss"]) > 1e-3


def test_the_losses_move_the_gate_towards_balance():
    moe = layer(load_weight=1.0, importance_weight=1.0)
    x = tiny.noise(4, 50, 8) + 1

    def loss():
        with randomness.scope(tf.constant(SEED)):
            return moe(x, training=True)[1]["loss"]

    before = float(loss())
    for _ in range(20):
        with tf.GradientTape() as tape:
            value = loss()
        moe.gate_kernel.assign_sub(0.1 * tape.gradient(value, moe.gate_kernel.value))
    assert float(loss()) < 0.5 * before


def test_at_the_start_every_expert_is_as_likely():
    moe = MixtureOfExperts(8, 5, N, K)
    moe.build((None, None, 8))
    tokens = 6000
    with randomness.scope(tf.constant(SEED)):
        _, statistics = moe(tiny.noise(1, tokens, 8), training=True)
        noise = randomness.normal([tokens, N])
        gating = noisy_top_k(tf.zeros([tokens, N]), tf.zeros([tokens, N]), tf.ones(tokens), K, noise)
    chosen = np.bincount(gating.experts.numpy().flat, minlength=N)
    assert abs(chosen - tokens * K / N).max() < 5 * math.sqrt(tokens * K / N)
    assert abs(statistics["load"] / (tokens * K / N) - 1).numpy().max() < 0.1
    assert statistics["loss"] < 1e-4
    gating = noisy_top_k(tf.zeros([3, N]), tf.zeros([3, N]), tf.ones(3), K)
    tiny.close(gating.gates, np.full((3, K), 1 / K))


def test_the_gate_keeps_float32_under_mixed_precision():
    exact, mixed = layer(), layer("mixed_bfloat16")
    x = tf.cast(tf.cast(tiny.noise(1, TOKENS, 8), tf.bfloat16), tf.float32)
    (_, told), (y, statistics) = exact(x), mixed(x)
    assert y.dtype == tf.bfloat16
    assert statistics["loss"].dtype == tf.float32
    tiny.close(statistics["loss"], told["loss"], 1e-5)


@pytest.mark.parametrize("k", [0, 7])
def test_no_more_experts_a_token_than_there_are(k):
    with pytest.raises(ValueError, match=f"`experts_per_token` must be between 1 .* Received: {k}, 6"):
        MixtureOfExperts(8, 5, N, k)


def test_no_experts_add_nothing():
    y, statistics = NoExperts()(tiny.noise(2, 3, 8), training=True)
    assert not y.numpy().any() and statistics["loss"] == 0 and statistics["dropped"] == 0


@pytest.mark.parametrize("training", [True, False])
def test_choices_are_counted_before_any_is_dropped(training):
    moe = layer(capacity=0.5)
    _, statistics = moe(
        tiny.noise(1, 6, 8), padding_mask=tf.constant([[True] * 4 + [False] * 2]), training=training
    )
    assert tf.reduce_sum(statistics["choices"]) == 4 * K
    assert statistics["choices"].shape == [N]
