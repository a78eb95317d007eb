"""The dispatch: slots by brute force, and gathers with their gradients."""

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.layers import dispatch, xla
from t2tlite.layers.dispatch import plan_dispatch

from ..models import tiny

N, K, TOKENS = 6, 2, 20
MASK = np.array([1.0] * 14 + [0.0] * 6, np.float32)


@pytest.mark.parametrize("capacity", [1, 3, 40])
def test_the_plan_serves_who_comes_first(capacity):
    chosen = np.random.default_rng(0).integers(0, 3, (TOKENS, 1))
    chosen = np.concatenate([chosen, chosen + 3], axis=1)
    plan = plan_dispatch(tf.constant(chosen, tf.int32), MASK, N, capacity, drops=True)
    used, expected = [0] * N, np.full((TOKENS, 2), N * int(plan.capacity))
    for token, place in np.ndindex(TOKENS, 2):
        expert = chosen[token, place]
        if MASK[token] and used[expert] < plan.capacity:
            expected[token, place] = expert * int(plan.capacity) + used[expert]
            used[expert] += 1
    assert (plan.slot_of_choice.numpy() == expected).all()
    assert plan.dropped == 28 - sum(used)
    assert (int(plan.dropped) == 0) == (capacity == 40)
    for slot, choice in enumerate(plan.choice_of_slot.numpy()):  # the inverse of slot_of_choice
        assert choice == TOKENS * 2 if slot not in expected else expected.flat[choice] == slot


def test_blocks_in_what_xla_compiles_have_more_slots_but_no_more_choices():
    chosen = tf.constant(np.random.default_rng(0).integers(0, 3, (TOKENS, 2)), tf.int32)
    expected = plan_dispatch(chosen, MASK, N, 3, drops=True)
    with xla.scope():
        plan = plan_dispatch(chosen, MASK, N, 3, drops=True)
    assert plan.capacity == 8
    assert len(plan.choice_of_slot) == 8 * N
    assert plan.dropped == expected.dropped > 0
    blocks = plan.choice_of_slot.numpy().reshape(N, 8)
    assert (blocks[:, :3].ravel() == expected.choice_of_slot.numpy()).all()
    assert (blocks[:, 3:] == TOKENS * 2).all()


CHOICES = {
    "spread": np.stack([np.arange(TOKENS) % 3, 3 + np.arange(TOKENS) % 3], axis=1),
    "fresh": np.tile([0, 1], (TOKENS, 1)),
    "last": np.tile([5, 2], (TOKENS, 1)),
}


@pytest.mark.parametrize("shared", [0, 1])
@pytest.mark.parametrize("capacity", [1, 3, 7, 20])
@pytest.mark.parametrize("name", CHOICES)
def test_the_plan_has_a_slot_for_every_choice_where_none_is_dropped(name, capacity, shared):
    """A slot that the expert of its block has; in the order of tokens; within the bound that is promised."""
    chosen = CHOICES[name]
    plan = plan_dispatch(tf.constant(chosen, tf.int32), MASK, N, capacity, drops=False, shared=shared)
    slots, ends = len(plan.choice_of_slot), plan.ends.numpy()
    further = np.searchsorted(ends, np.arange(slots // capacity), side="right")
    expert_of_block = np.concatenate([np.arange(shared * N), further])
    slots_of = [[] for _ in range(N)]
    for token, place in np.ndindex(TOKENS, K):
        slot = int(plan.slot_of_choice[token, place])
        if not MASK[token]:
            assert slot == slots
            continue
        assert plan.choice_of_slot[slot] == token * K + place
        assert expert_of_block[slot // capacity] == chosen[token, place]
        assert slot // capacity < shared * N + ends[-1]
        slots_of[chosen[token, place]].append(slot)
    assert all(one == sorted(set(one)) for one in slots_of)
    assert np.sum(plan.choice_of_slot.numpy() < TOKENS * K) == 28 and plan.dropped == 0
    assert slots % capacity == 0 and slots <= (N + 1) * capacity + TOKENS * K
    assert slots == len(
        plan_dispatch(tf.zeros_like(chosen, tf.int32), 1 - MASK, N, capacity, False, shared)[1]
    )
    assert (plan.choices.numpy() == np.bincount(chosen[MASK > 0].flat, minlength=N)).all()


def plan_with_drops():
    chosen = np.stack([np.arange(TOKENS) % 3, np.full(TOKENS, 5)], axis=1)
    return plan_dispatch(tf.constant(chosen, tf.int32), MASK, N, 4, drops=True)


@pytest.mark.parametrize("training", [True, False])
def test_dispatch_and_its_gradient_are_those_of_a_gather(training):
    plan, x = plan_with_drops(), tf.cast(tiny.noise(TOKENS, 3), tf.float64)
    token = np.append(np.repeat(np.arange(TOKENS), K), TOKENS)[plan.choice_of_slot]
    plain = lambda x: tf.gather(tf.concat([x, tf.zeros([1, 3], x.dtype)], 0), token)  # noqa: E731
    assert_same_with_gradient(lambda x: dispatch.dispatch(x, plan, training), plain, x)


@pytest.mark.parametrize("training", [True, False])
def test_undispatch_and_its_gradient_are_those_of_a_gather(training):
    plan, y = plan_with_drops(), tf.cast(tiny.noise(N * 4, 3), tf.float64)
    plain = lambda y: tf.gather(tf.concat([y, tf.zeros([1, 3], y.dtype)], 0), plan.slot_of_choice)  # noqa: E731
    assert_same_with_gradient(lambda y: dispatch.undispatch(y, plan, training), plain, y)


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
    plan, function = plan_with_drops(), getattr(dispatch, what)
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
