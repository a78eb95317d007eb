"""Learning-rate schedules, against values worked out by hand and formulas in float64."""

import keras
import numpy as np
import pytest

from t2tlite.errors import UserError
from t2tlite.training.schedule import SCHEDULES, Schedule

from ..models import tiny

WARM_UP = {0: 0.5, 1: 1.0, 2: 1.5, 3: 2.0}  # learning_rate 2, warmup_steps 4


@pytest.mark.parametrize(
    ("name", "later"),
    [
        ("constant", {4: 2.0, 1000: 2.0}),
        ("rsqrt", {4: 2.0, 9: 2 * 2 / 3, 16: 1.0, 400: 0.2}),
        ("cosine", {4: 2.0, 8: 1 + 2**-0.5, 12: 1.0, 20: 0.0, 21: 0.0, 1000: 0.0}),
        ("exponential", {4: 2.0, 24: 1.0, 34: 2**-0.5, 44: 0.5}),
    ],
)
def test_values(name, later):
    schedule = Schedule(name, 2.0, 4, decay_steps=20)
    for step, expected in (WARM_UP | later).items():
        np.testing.assert_allclose(schedule(step), expected, rtol=1e-6, atol=1e-6, err_msg=str(step))


FORMULAS = {  # of the number of the update, from 1
    "constant": lambda n: 3e-4 * np.minimum(1, n / 100),
    "noam": lambda n: 3e-4 * 512**-0.5 * np.minimum(n**-0.5, n * 100**-1.5),
    "rsqrt": lambda n: 3e-4 * np.minimum(1, n / 100) * (np.maximum(n - 1, 100) / 100) ** -0.5,
    "cosine": lambda n: (
        3e-4 * np.minimum(1, n / 100) * (1 + np.cos(np.pi * np.clip((n - 101) / 900, 0, 1))) / 2
    ),
    "exponential": lambda n: 3e-4 * np.minimum(1, n / 100) * 0.1 ** (np.maximum(n - 101, 0) / 1000),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_formulas(name):
    steps = np.concatenate([np.arange(120), [999, 1000, 1001, 54321, 1_000_000]])
    schedule = Schedule(name, 3e-4, 100, decay_steps=1000, hidden=512, decay_rate=0.1)
    values = [float(schedule(np.int64(step))) for step in steps]
    expected = FORMULAS[name](steps.astype(np.float64) + 1)
    np.testing.assert_allclose(values, expected, rtol=2e-5, atol=1e-10)


@pytest.mark.parametrize("name", SCHEDULES)
def test_without_warm_up_it_starts_at_the_top(name):
    assert float(Schedule(name, 0.5, 0, decay_steps=10)(0)) == 0.5


def test_a_cosine_without_an_end_leaves_the_decay_to_the_training():
    schedule = Schedule("cosine", 2.0, 4)
    assert [float(schedule(step)) for step in (0, 3, 100, 10**6)] == [0.5, 2.0, 2.0, 2.0]


def test_an_optimizer_follows_it():
    optimizer = keras.optimizers.SGD(Schedule("constant", 2.0, 4))
    variable = keras.Variable(0.0)
    optimizer.build([variable])
    for _ in range(3):
        optimizer.apply([np.float32(1.0)])
    np.testing.assert_allclose(variable.numpy(), -(0.5 + 1.0 + 1.5), rtol=1e-6)


@pytest.mark.parametrize("name", SCHEDULES)
def test_it_can_be_made_from_its_config(name):
    schedule = Schedule(name, 0.5, 3, 30, 64, 0.2)
    stored = keras.optimizers.schedules.serialize(schedule)
    again = keras.optimizers.schedules.deserialize(stored)
    assert [float(again(step)) for step in (0, 7, 29)] == [float(schedule(step)) for step in (0, 7, 29)]


def test_the_hyperparameters_name_it():
    hparams = tiny.HPARAMS.replace(
        learning_rate_schedule="noam", learning_rate=2.0, learning_rate_warmup_steps=50
    )
    step = 99
    expected = 2.0 * tiny.HPARAMS.hidden_size**-0.5 * 100**-0.5
    np.testing.assert_allclose(Schedule.from_hparams(hparams)(step), expected, rtol=1e-6)
    hparams = hparams.replace(
        learning_rate_schedule="exponential",
        learning_rate_warmup_steps=0,
        learning_rate_decay_steps=10,
        learning_rate_decay_rate=0.25,
    )
    np.testing.assert_allclose(Schedule.from_hparams(hparams)(11), 2.0 * 0.25, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "cosin",
            "one of constant, noam, rsqrt, cosine, exponential; received `cosin`; did you mean `cosine`?",
        ),
        ("x", "received `x`$"),
        ("exponential", "needs `learning_rate_decay_steps`: add --hparams=learning_rate_decay_steps=N"),
    ],
)
def test_mistakes(name, message):
    with pytest.raises(UserError, match=message.replace("?", r"\?")):
        Schedule(name, 1.0, 1)
