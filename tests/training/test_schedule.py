"""Learning-rate schedules, against values worked out by hand."""

import keras
import numpy as np
import pytest

from t2tlite.errors import UserError
from t2tlite.training.schedule import SCHEDULES, Schedule

WARM_UP = {0: 0.5, 1: 1.0, 2: 1.5, 3: 2.0}  # learning_rate 2, warmup_steps 4


@pytest.mark.parametrize(
    ("name", "later"),
    [
        ("constant", {4: 2.0, 1000: 2.0}),
        ("rsqrt", {4: 2.0, 9: 2 * 2 / 3, 16: 1.0, 400: 0.2}),
        ("cosine", {4: 2.0, 8: 1 + 2**-0.5, 12: 1.0, 20: 0.0, 21: 0.0, 1000: 0.0}),
    ],
)
def test_values(name, later):
    schedule = Schedule(name, 2.0, 4, decay_steps=20)
    for step, expected in (WARM_UP | later).items():
        np.testing.assert_allclose(schedule(step), expected, rtol=1e-6, atol=1e-6, err_msg=str(step))


@pytest.mark.parametrize("name", SCHEDULES)
def test_without_warm_up_it_starts_at_the_top(name):
    assert float(Schedule(name, 0.5, 0, decay_steps=10)(0)) == 0.5


def test_an_optimizer_follows_it():
    optimizer = keras.optimizers.SGD(Schedule("constant", 2.0, 4))
    variable = keras.Variable(0.0)
    optimizer.build([variable])
    for _ in range(3):
        optimizer.apply([np.float32(1.0)])
    np.testing.assert_allclose(variable.numpy(), -(0.5 + 1.0 + 1.5), rtol=1e-6)


def test_it_can_be_made_from_its_config():
    schedule = Schedule("cosine", 0.5, 3, 30)
    again = Schedule.from_config(schedule.get_config())
    assert [float(again(step)) for step in (0, 7, 29)] == [float(schedule(step)) for step in (0, 7, 29)]


def test_mistakes():
    with pytest.raises(UserError, match="`schedule` must be one of constant, rsqrt, cosine. Received: cosin"):
        Schedule("cosin", 1.0, 1)
    with pytest.raises(UserError, match="needs `decay_steps`: add --hparams=decay_steps=N"):
        Schedule("cosine", 1.0, 1)
