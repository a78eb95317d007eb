"""A schedule that ends with the training: by updates or by a clock, which the tests turn."""

import math

import pytest

from t2tlite.training import horizon
from t2tlite.training.horizon import FIRST, MOST, Horizon


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def timed(seconds, clock, step=0, state=None, train_steps=MOST, **options):
    """That of a process that begins now, from a checkpoint if there is one."""
    made = Horizon(train_steps, clock() + seconds, clock=clock, **options)
    made.restore(step, state)
    return made


def train(one, clock, step, seconds_of, until=MOST, saves=10**9):
    """The trainer's calls; the step it ends at, `{step: factor}`, and `{step: state}` of checkpoints."""
    factors, states = {}, {}
    last = False
    while not last and step < until:
        factors[step] = one.factor(step)
        clock.now += seconds_of(step)
        step += 1
        last = one.updated(step)
        if last or one.is_due(step) or step % saves == 0 or step == until:
            one.decide(step)
            states[step] = one.state()
    return step, factors, states


def test_without_a_time_it_is_the_cosine_of_the_updates():
    one = Horizon(8)
    one.restore(0, None)
    assert [one.factor(step) for step in range(10)] == pytest.approx(
        [(1 + math.cos(math.pi * min(step, 8) / 8)) / 2 for step in range(10)]
    )
    assert [one.updated(step) for step in range(1, 9)] == [False] * 7 + [True]
    assert not one.is_due(4) and not one.decide(4)


def test_at_an_even_speed_it_is_the_cosine_of_the_time():
    clock = Clock()
    one = timed(1000, clock)
    end, factors, _ = train(one, clock, 0, lambda step: 0.5)
    assert end == 2000
    # Until the first decision nothing is known of the end; what was missed is made up for.
    assert all(factors[step] == 1.0 for step in range(FIRST))
    ideal = [(1 + math.cos(math.pi * (step - FIRST) / (2000 - FIRST))) / 2 for step in range(FIRST, 2000)]
    assert [factors[step] for step in range(FIRST, 2000)] == pytest.approx(ideal, abs=0.01)


@pytest.mark.parametrize(
    "seconds_of",
    [
        lambda step: 0.5 if step < 700 else 1.0,
        lambda step: 1.0 if step < 300 else 0.25,
        lambda step: 30.0 if step < 5 else 0.5,  # compiled
        lambda step: 60.0 if step % 400 == 399 else 0.5,  # evaluations
        lambda step: 0.5 + 0.4 * math.sin(step),
    ],
)
def test_the_rate_ends_with_the_time_whatever_the_speed(seconds_of):
    clock = Clock()
    end, factors, states = train(timed(1000, clock), clock, 0, seconds_of)
    assert clock.now - 2000 <= seconds_of(end - 1)  # by one update at most is it late
    assert 1900 <= clock.now
    assert factors[end - 1] < 0.01
    values = [factors[step] for step in range(end)]
    assert all(0 <= before - after < 0.05 for before, after in zip(values, values[1:], strict=False))
    assert len(states) < 35


def test_train_steps_may_come_first():
    clock = Clock()
    one = timed(1000, clock, train_steps=600)
    end, factors, _ = train(one, clock, 0, lambda step: 0.5)
    assert end == 600 and factors[599] < 1e-4


def test_a_time_too_short_for_an_estimate_ends_the_training():
    clock = Clock()
    end, factors, states = train(timed(10, clock), clock, 0, lambda step: 1.0)
    assert end == 10 and set(factors.values()) == {1.0}
    assert timed(10, clock, 10, states[10]).is_over(10)


def test_a_killed_run_repeats_its_rates_until_where_it_was():
    """It is killed at any step, and goes on at another speed; its decisions are those of the checkpoint."""
    clock = Clock()
    _, factors, states = train(timed(1000, clock), clock, 0, lambda step: 0.5, until=1500, saves=400)
    for killed in range(60, 1500, 7):
        step = max(saved for saved in states if saved <= killed)
        again = timed(1000, clock, step, states[step])
        repeated = [again.factor(number) for number in range(step, killed)]
        assert repeated == [factors[number] for number in range(step, killed)]


def test_all_processes_together_have_the_time():
    clock = Clock()
    step, _, states = train(timed(1000, clock), clock, 0, lambda step: 0.5, until=700)
    clock.now += 5000  # nobody trains
    again = timed(1000, clock, step, states[step])
    began = clock.now
    end, factors, _ = train(again, clock, step, lambda step: 1.0)
    assert clock.now - began == pytest.approx(650, abs=2)
    assert end == pytest.approx(1350, abs=2) and factors[end - 1] < 0.01


def test_going_back_gives_back_no_time():
    clock = Clock()
    one = timed(1000, clock)
    step, _, states = train(one, clock, 0, lambda step: 0.5, until=400)
    one.restore(50, states[50])
    end, _, _ = train(one, clock, 50, lambda step: 0.5)
    assert clock.now == pytest.approx(2000, abs=1)
    assert end == pytest.approx(2000 - 350, abs=2)


def test_more_updates_than_before_spread_the_rest_of_the_decay():
    one = Horizon(100)
    one.restore(0, None)
    same, longer = Horizon(100), Horizon(200)
    same.restore(50, one.state())
    longer.restore(50, one.state())
    assert [same.factor(step) for step in range(50, 101)] == [one.factor(step) for step in range(50, 101)]
    assert longer.factor(50) == one.factor(50)
    assert longer.factor(125) == one.factor(75) and longer.factor(200) == 0
    ended = Horizon(200)
    ended.restore(100, one.state())
    assert ended.is_over(100)


def test_workers_end_as_the_chief_decides():
    """Their clocks differ; each is given what the chief's is."""
    clocks = Clock(), Clock()
    messages = []

    def send(value):
        messages.append(value)
        return value

    chief = timed(500, clocks[0], total=send)
    other = timed(500, clocks[1], chief=False, total=lambda value: value + messages.pop(0))
    step, last = 0, False
    while not last:
        clocks[0].now += 0.5
        clocks[1].now += 0.7
        step += 1
        last = chief.updated(step)
        assert other.updated(step) == last
        assert other.is_due(step) == chief.is_due(step)
        if chief.is_due(step):
            assert chief.decide(step) == other.decide(step)
        assert (chief.factor(step), chief.end) == (other.factor(step), other.end)
    assert not messages


def test_what_asks_for_it():
    from ..models import tiny

    cosine = tiny.HPARAMS.replace(learning_rate_schedule="cosine", learning_rate_decay_steps=0)
    assert horizon.ends_with_training(cosine)
    assert not horizon.ends_with_training(cosine.replace(learning_rate_decay_steps=5))
    assert not horizon.ends_with_training(cosine.replace(learning_rate_schedule="rsqrt"))
