"""The mixture of experts: gating and losses by definition, drops in training and none outside, padding."""

import math

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.layers import experts, randomness
from t2tlite.layers.experts import MixtureOfExperts, NoExperts, noisy_top_k

from ..models import tiny
from . import reference

N, K, TOKENS = 6, 2, 20
MANY = 30  # experts, for what depends on how many of them were chosen
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
    load = noisy_top_k(clean, raw, tf.ones(1), K, tf.cast(known_noise(1), tf.float32)).load
    draws = 100_000
    normal = np.random.default_rng(0).normal(size=draws)
    for i in range(N):
        h = np.tile(clean[0] + scale * known_noise(1)[0], (draws, 1))
        h[:, i] = clean[0, i] + scale[i] * normal
        chosen = np.mean((h > h[:, i : i + 1]).sum(1) < K)
        assert abs(chosen - load[i]) < 5 * math.sqrt(0.25 / draws)


def test_losses_are_squared_coefficients_of_variation():
    x = np.array([1.0, 4.0, 0.0, 3.0])
    tiny.close(experts.cv_squared(tf.constant(x, tf.float32)), reference.cv_squared(x))
    assert experts.cv_squared(tf.constant([2.0, 2.0, 2.0])) == 0
    assert experts.cv_squared(tf.zeros(3)) == 0


def layer(dtype="float32", capacity=1.25, seed=0, **kwargs):
    new_layer = MixtureOfExperts(8, 5, N, K, capacity, dtype=dtype, **kwargs)
    new_layer.build((None, None, 8))
    return tiny.randomise(new_layer, seed)


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
    y_expected, expected_statistics = expected(moe, x, mask, known_noise(), capacity)
    tiny.close(y, y_expected)
    for name, value in expected_statistics.items():
        tiny.close(statistics[name], value)
    assert (expected_statistics["dropped"] > 0) == (factor == 0.5)


@pytest.fixture(params=["together", "one_by_one"])
def few(request, monkeypatch):
    """Outside training, few choices are computed by all experts together, or each by its own."""
    monkeypatch.setattr(experts, "_LARGE", 1 if request.param == "one_by_one" else 2**30)


SKEW = {"fresh": 0.0, "spread": 0.0, "skewed": 4.0, "one": 40.0}  # how much expert 1 is preferred


def with_gate(name, dtype="float32"):
    """A layer with a gate of zeros, a random one, or one that prefers an expert for positive `x`."""
    moe = MixtureOfExperts(8, 5, MANY, K, dtype=dtype)
    moe.build((None, None, 8))
    tiny.randomise(moe)
    skew = tf.one_hot(1, MANY) * SKEW[name] / 8
    moe.gate_kernel.assign(tf.zeros([8, MANY]) if name == "fresh" else moe.gate_kernel + skew)
    return moe


def positive(*shape, seed=0):
    return tf.abs(tiny.noise(*shape, seed=seed))


@pytest.mark.parametrize("tokens", [1, 3, TOKENS])
@pytest.mark.parametrize("gate", SKEW)
def test_outside_training_the_layer_is_the_definition_and_drops_nothing(few, gate, tokens):
    moe, x = with_gate(gate), positive(2, tokens, 8)
    mask = np.arange(tokens) < np.array([[tokens], [tokens - tokens // 3]])
    y, statistics = moe(x, padding_mask=mask)
    y_expected, expected_statistics = expected(moe, x, mask, np.zeros((2 * tokens, MANY)), None)
    tiny.close(y, y_expected)
    tiny.close(statistics["load"], expected_statistics["load"])
    assert statistics["dropped"] == 0
    assert gate != "one" or max(expected_statistics["load"]) == mask.sum()


@pytest.mark.parametrize("gate", SKEW)
def test_outside_training_the_rest_of_the_batch_does_not_matter(few, gate):
    moe, x = with_gate(gate), positive(40, 3, 8)
    together, _ = moe(x)
    for rows in (slice(0, 1), slice(7, 9), slice(5, 40)):
        tiny.close(moe(x[rows])[0], together[rows], 1e-5)


@pytest.mark.parametrize("gate", SKEW)
def test_outside_training_memory_is_bounded_whatever_the_choices(few, gate, monkeypatch):
    """The hidden layers of all products together: as many rows as there are choices, and a few."""
    rows, product = [], experts.feed_forward
    monkeypatch.setattr(
        experts, "feed_forward", lambda x, *w: rows.append(tf.size(x[..., 0]).numpy()) or product(x, *w)
    )
    tokens = 600
    with_gate(gate)(positive(1, tokens, 8))
    assert max(rows) <= 1.25 * tokens * K + MANY  # a batched product
    assert sum(rows) <= 2.25 * tokens * K + MANY


@pytest.mark.parametrize("saved", [False, True], ids=["graph", "saved"])
def test_outside_training_a_function_gives_the_same(few, saved, tmp_path):
    moe = with_gate("skewed")
    signature = [tf.TensorSpec([None, None, 8])]
    function = tf.function(lambda x: moe(x)[0], input_signature=signature, autograph=False)
    if saved:
        module = tf.Module()
        module.function, module.variables_of = function, [v.value for v in moe.variables]
        tf.saved_model.save(module, tmp_path)
        loaded = tf.saved_model.load(tmp_path)
        function = loaded.function
    for tokens in (3, 50):
        x = positive(1, tokens, 8)
        tiny.close(function(x), moe(x)[0], 1e-5)


def test_outside_training_xla_compiles_it(monkeypatch):
    monkeypatch.setattr(experts, "_LARGE", 1)
    moe, x = with_gate("skewed"), positive(1, 40, 8)
    tiny.close(tf.function(lambda x: moe(x)[0], jit_compile=True, autograph=False)(x), moe(x)[0], 1e-5)


def test_outside_training_mixed_precision_is_near(few):
    x = tf.cast(tf.cast(positive(1, TOKENS, 8), tf.bfloat16), tf.float32)
    exact, mixed = (with_gate("skewed", dtype)(x)[0] for dtype in ("float32", "mixed_bfloat16"))
    assert mixed.dtype == tf.bfloat16
    tiny.close(tf.cast(mixed, tf.float32), exact, 0.03)


def test_outside_training_gradients_are_finite_differences(few):
    moe = with_gate("skewed", "float64")
    x = tf.Variable(tf.cast(positive(1, 7, 8), tf.float64))
    weight = tf.cast(tiny.noise(1, 7, 8, seed=2), tf.float64)

    def loss():
        return tf.reduce_sum(weight * moe(x.value())[0])

    tiny.assert_gradients(loss, [moe.in_kernel, moe.out_kernel])

    def gradients():
        with tf.GradientTape() as tape:
            value = loss()
        return tape.gradient(value, [moe.in_kernel.value, moe.out_kernel.value, x])

    for one, other in zip(tf.function(gradients, autograph=False)(), gradients(), strict=True):
        tiny.close(one, other, 1e-9)


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
    balance = statistics.pop("balance")
    figures = [*statistics.values(), balance.load, balance.importance]
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
    assert abs(load - importance) > 0.005
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


def test_fresh_experts_keep_the_size_of_a_position_and_add_a_tenth_of_it():
    """Normal, with variance 1 / inputs, and the last ones a tenth as large."""
    moe = MixtureOfExperts(30, 70, 5, 2)
    moe.build((None, None, 30))
    assert abs(np.std(moe.in_kernel) / 30**-0.5 - 1) < 0.05  # 10500 draws: seven standard deviations
    assert abs(np.std(moe.out_kernel) / (0.1 * 70**-0.5) - 1) < 0.05


@pytest.mark.parametrize("number", [2, 3])
def test_replicas_draw_the_noise_of_the_whole_batch(number):
    """Where nothing is dropped, an example has the same experts on any number of replicas."""
    moe, x = layer(capacity=10.0), tiny.noise(5, 4, 8)

    def mixed(rows, row, stride):
        with randomness.scope(tf.constant(SEED), row, stride, x[:, 0, :0]):
            return moe(rows, training=True)[0]

    whole = mixed(x, 0, 1)
    assert not tiny.same(moe(x)[0], whole)
    for row in range(number):
        tiny.close(mixed(x[row::number], row, number), whole[row::number], 1e-5)


def test_the_gate_keeps_float32_under_mixed_precision():
    exact, mixed = layer(), layer("mixed_bfloat16")
    x = tf.cast(tf.cast(tiny.noise(1, TOKENS, 8), tf.bfloat16), tf.float32)
    (_, expected), (y, statistics) = exact(x), mixed(x)
    assert y.dtype == tf.bfloat16
    assert statistics["loss"].dtype == tf.float32
    tiny.close(statistics["loss"], expected["loss"], 1e-5)


@pytest.mark.parametrize("k", [0, 7])
def test_no_more_experts_a_token_than_there_are(k):
    with pytest.raises(ValueError, match=f"`experts_per_token` must be between 1 .* Received: {k}, 6"):
        MixtureOfExperts(8, 5, N, k)


def test_no_experts_add_nothing():
    y, statistics = NoExperts()(tiny.noise(2, 3, 8), training=True)
    assert not y.numpy().any() and statistics == {}


@pytest.mark.parametrize("training", [True, False])
def test_choices_are_counted_before_any_is_dropped(training):
    moe = layer(capacity=0.5)
    _, statistics = moe(
        tiny.noise(1, 6, 8), padding_mask=tf.constant([[True] * 4 + [False] * 2]), training=training
    )
    assert tf.reduce_sum(statistics["choices"]) == 4 * K
    assert statistics["choices"].shape == [N]
