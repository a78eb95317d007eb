"""Optimizers: updates against NumPy, what is left alone, exact resume, and moving averages."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2tlite.checkpoints import checkpoint
from t2tlite.errors import UserError
from t2tlite.shards import Group
from t2tlite.training import memory
from t2tlite.training.optimizers import OPTIMIZERS, Adafactor, Adam, Lamb, begin_anew, make_optimizer

from ..models import tiny

HPARAMS = tiny.HPARAMS.replace(
    learning_rate_schedule="constant",
    learning_rate=0.1,
    learning_rate_warmup_steps=1,
    optimizer_adam_epsilon=1e-6,
)
every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)


def hparams_of(name, **changes):
    decay = {} if name == "adam" else {"weight_decay": 0.3}
    return HPARAMS.replace(optimizer=name, **{**decay, **changes})


def weights(seed=0):
    """A stack of matrices, a matrix, an embedding, a bias that begins at 0 and a scale."""
    generator = np.random.default_rng(seed)
    shapes = {"in": (2, 3, 4), "kernel": (4, 5), "embedding": (6, 3), "bias": (5,), "scale": (5,)}
    variables_by_name = {
        name: keras.Variable(generator.normal(size=s), name=name) for name, s in shapes.items()
    }
    variables_by_name["bias"].assign(np.zeros(5))
    return variables_by_name


def gradients(variables, step):
    generator = np.random.default_rng(1000 + step)
    return {name: generator.normal(size=variable.shape) for name, variable in variables.items()}


def update(optimizer, variables, step, names=None):
    names = list(names or variables)
    drawn = gradients(variables, step)
    optimizer.apply([tf.constant(drawn[n], tf.float32) for n in names], [variables[n] for n in names])


def rms(x):
    return np.sqrt(np.mean(np.square(x)))


def adam(w, state, g, t, hparams):
    m, v = state
    m, v = 0.9 * m + 0.1 * g, 0.98 * v + 0.02 * g**2
    # Keras has epsilon beside the uncorrected moment, as Kingma and Ba say before their section 2.1.
    step = (1 - 0.98**t) ** 0.5 / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-6)
    return w - 0.1 * step, (m, v)


def lamb(w, state, g, t, hparams):
    m, v = state
    m, v = 0.9 * m + 0.1 * g, 0.98 * v + 0.02 * g**2
    step = m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.98**t)) + 1e-6)
    ratio = max(np.linalg.norm(w), hparams.least_scale * w.size**0.5) / np.linalg.norm(step)
    return w - 0.1 * ratio * step, (m, v)


def adafactor(w, state, g, t, hparams):
    row, column = state
    b, square = 1 - t**-0.8, g**2 + 1e-30
    row = b * row + (1 - b) * (square.mean(-1, keepdims=True) if w.ndim > 1 else square)
    column = b * column + (1 - b) * (square.mean(-2, keepdims=True) if w.ndim > 1 else 1.0)
    velocity = row * column / row.mean(-2, keepdims=True) if w.ndim > 1 else row
    step = g / np.sqrt(velocity)
    return w - 0.1 * max(hparams.least_scale, rms(w)) * step / max(1, rms(step)), (row, column)


REFERENCE = {"adam": adam, "adamw": adam, "lamb": lamb, "adafactor": adafactor}


@every_optimizer
def test_updates_against_numpy(name):
    variables = weights()
    hparams = hparams_of(name)
    optimizer = make_optimizer(hparams, list(variables.values()))
    expected = {n: v.numpy().astype(np.float64) for n, v in variables.items()}
    state = dict.fromkeys(variables, (0.0, 0.0))
    for step in range(5):
        update(optimizer, variables, step)
        for n, g in gradients(variables, step).items():
            if n in ("in", "kernel"):
                expected[n] -= 0.1 * hparams.weight_decay * expected[n]
            expected[n], state[n] = REFERENCE[name](expected[n], state[n], g, step + 1.0, hparams)
    for n, variable in variables.items():
        np.testing.assert_allclose(variable.numpy(), expected[n], rtol=2e-4, atol=2e-5, err_msg=n)


@every_optimizer
@pytest.mark.parametrize("compiled", [False, True])
def test_what_an_update_does_not_use_is_left_alone(name, compiled):
    """Neither weights nor their state move, by momentum or by decay; only their averages go on."""
    variables = weights()
    optimizer = make_optimizer(hparams_of(name, ema_decay=0.5), list(variables.values()))
    update(optimizer, variables, 0)
    before = {v.path: v.numpy() for v in [*variables.values(), *optimizer.variables]}
    used = ("kernel", "scale")
    run = tf.function(lambda: update(optimizer, variables, 1, used), autograph=False) if compiled else None
    run() if compiled else update(optimizer, variables, 1, used)
    after = {v.path: v.numpy() for v in [*variables.values(), *optimizer.variables]}
    moved = {path for path in before if not np.array_equal(before[path], after[path])}
    assert f"{name}/iteration" in moved
    moved = {path for path in moved if not path.endswith(("_average", "iteration"))}
    assert {"kernel", "scale"} < moved
    assert all(part.startswith(used) for path in moved for part in [path.removeprefix(f"{name}/")])


@every_optimizer
def test_a_resumed_training_is_the_same_bit_for_bit(name, tmp_path):
    def make(seed):
        variables = weights(seed)
        model = type("Model", (), {"variables": list(variables.values())})
        return variables, model, make_optimizer(hparams_of(name, ema_decay=0.9), model.variables)

    variables, model, optimizer = make(0)
    for step in range(3):
        update(optimizer, variables, step, None if step != 1 else ("kernel", "bias"))
    checkpoint.save(tmp_path, 3, model, optimizer, {}, {}, keep=1)
    others, other_model, other = make(1)
    update(other, others, 77)
    checkpoint.restore(tmp_path / "step-00000003", other_model, other, {})
    for step in range(3, 6):
        update(optimizer, variables, step)
        update(other, others, step)
    pairs = [*zip(model.variables, other_model.variables, strict=True)]
    pairs += zip(optimizer.variables, other.variables, strict=True)
    for one, two in pairs:
        np.testing.assert_array_equal(one.numpy(), two.numpy(), err_msg=one.path)


@every_optimizer
def test_all_state_is_there_from_the_start_and_has_a_path_of_its_own(name):
    model = tiny.shared_model()
    optimizer = make_optimizer(hparams_of(name, ema_decay=0.9), model.trainable_variables)
    paths = set(checkpoint.by_path(optimizer.variables))
    before = {v.path: v.numpy() for v in model.trainable_variables}
    try:
        zeros = [tf.zeros(v.shape) for v in model.trainable_variables]
        optimizer.apply(zeros, model.trainable_variables)
    finally:
        for variable in model.trainable_variables:
            variable.assign(before[variable.path])
    assert {v.path for v in optimizer.variables} == paths


def test_the_state_of_adafactor_is_small():
    matrix = keras.Variable(np.ones((3, 50, 40)), name="in")
    optimizer = make_optimizer(hparams_of("adafactor"), [matrix])
    assert sum(v.numpy().size for v in optimizer.variables) == 1 + 3 * (50 + 40)


@pytest.mark.parametrize("name", ["adafactor", "lamb"])
def test_least_scale_lets_what_begins_at_zero_move(name):
    for least, low, high in ((0.1, 0.005, 0.2), (1e-6, 0.0, 1e-5)):
        bias = keras.Variable(np.zeros(5), name="bias")
        optimizer = make_optimizer(hparams_of(name, least_scale=least), [bias])
        for step in range(2):
            update(optimizer, {"bias": bias}, step)
        assert low <= np.abs(bias.numpy()).max() <= high


def test_averages_against_numpy():
    variables = weights()
    optimizer = make_optimizer(hparams_of("adam", ema_decay=0.6), list(variables.values()))
    expected = dict.fromkeys(variables, 0.0)
    for n in range(30):
        used = ("kernel",) if n % 3 else None
        update(optimizer, variables, n, used)
        decay = min(0.6, n / (n + 9))
        for name, variable in variables.items():
            expected[name] = decay * expected[name] + (1 - decay) * variable.numpy()
    averages = dict(zip(variables, optimizer.averages(), strict=True))
    for name, (variable, average) in averages.items():
        assert variable is variables[name]
        np.testing.assert_allclose(average.numpy(), expected[name], rtol=1e-4, atol=1e-6)


def test_without_averages_nothing_is_kept_for_them():
    variables = list(weights().values())
    optimizer = make_optimizer(hparams_of("adam"), variables)
    assert optimizer.averages() == []
    assert len(optimizer.variables) == 1 + 2 * len(variables)


def test_hyperparameters_reach_the_optimizer():
    variables = list(weights().values())
    changed = HPARAMS.replace(
        optimizer_adam_beta1=0.5, optimizer_adam_epsilon=1e-3, least_scale=0.25, weight_decay=0.5
    )
    for name in ("adamw", "lamb"):
        new_optimizer = make_optimizer(changed.replace(optimizer=name), variables)
        assert (
            new_optimizer.beta_1,
            new_optimizer.beta_2,
            new_optimizer.epsilon,
            new_optimizer.weight_decay,
        ) == (0.5, 0.98, 1e-3, 0.5)
    assert new_optimizer.least_scale == 0.25
    assert make_optimizer(changed.replace(optimizer="adafactor"), variables).epsilon_2 == 0.25


@pytest.mark.parametrize("cls", [Adafactor, Lamb])
def test_one_from_a_config_is_the_same(cls):
    new_optimizer = cls(0.5, **({"least_scale": 0.3} if cls is Lamb else {"epsilon_2": 0.3}))
    again = keras.optimizers.deserialize(keras.optimizers.serialize(new_optimizer))
    assert type(again) is cls and again.get_config() == new_optimizer.get_config()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optimizer": "adafaktor"}, "received `adafaktor`; did you mean `adafactor`"),
        ({"optimizer": "sgd"}, "must be one of adam, adamw, adafactor, lamb; received `sgd`"),
        ({"weight_decay": 0.1}, "`adam` has no weight_decay; use --hparams=optimizer=adamw"),
        ({"optimizer": "adamw"}, "`adamw` needs weight_decay"),
        ({"learning_rate_schedule": "linear"}, "`learning_rate_schedule` must be one of"),
    ],
)
def test_mistakes(changes, message):
    with pytest.raises(UserError, match=message):
        make_optimizer(HPARAMS.replace(**changes), list(weights().values()))


@pytest.mark.parametrize("name", ["adafactor", "lamb"])
def test_what_depends_on_whole_variables_is_not_sharded(name):
    with pytest.raises(UserError, match=f"`{name}` .* can't be sharded; use --hparams=optimizer=adam"):
        make_optimizer(hparams_of(name), list(weights().values()), Group(2))


def test_an_update_of_adam_takes_no_memory_beside_the_gradient():
    variable = keras.Variable(tf.ones([1024, 1024]), name="kernel")
    optimizer = make_optimizer(hparams_of("adam"), [variable])
    gradient = tf.ones(variable.shape)
    optimizer.apply([gradient], [variable])  # parts moments from the zeros that they began as
    assert memory.peak(lambda: optimizer.apply([gradient], [variable])) < 2**16


def test_adam_is_kerass():
    results = []
    for cls in (Adam, keras.optimizers.Adam):
        variables = weights()
        optimizer = cls(learning_rate=0.01, beta_1=0.8, beta_2=0.97, epsilon=1e-6)
        optimizer.build(list(variables.values()))
        for step in range(4):
            update(optimizer, variables, step)
        results.append([variable.numpy() for variable in [*variables.values(), *optimizer.variables]])
    for one, two in zip(*results, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6)


def test_adafactor_where_a_row_and_a_column_have_no_gradient():
    """In float32 their estimates, 1e-30 each at least, have the product 0."""
    variable = keras.Variable(np.ones([3, 4], np.float32), name="kernel")
    optimizer = make_optimizer(hparams_of("adafactor", weight_decay=0.0), [variable])
    gradient = np.zeros([3, 4], np.float32)
    gradient[0, 0] = 1.0
    optimizer.apply([tf.constant(gradient)], [variable])
    moved = variable.numpy() != 1
    assert np.isfinite(variable.numpy()).all() and moved[0, 0] and moved.sum() == 1


@pytest.mark.parametrize("changes", [{}, {"precision": "mixed_float16", "ema_decay": 0.5}])
def test_beginning_anew_is_a_new_optimizer(changes):
    """Counters, the scale of the loss, moments and averages."""
    hparams = tiny.HPARAMS.replace(**changes)
    model = tiny.model(["topics"], hparams)
    variables = model.trainable_variables
    optimizer = make_optimizer(hparams, variables)
    new = [np.copy(variable.numpy()) for variable in optimizer.variables]
    for variable in optimizer.variables:
        variable.assign(tf.cast(tf.fill(variable.shape, 7), variable.dtype))
    begin_anew(optimizer)
    for value, variable in zip(new, optimizer.variables, strict=True):
        np.testing.assert_array_equal(variable, value, err_msg=variable.path)
