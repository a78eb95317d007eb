"""Every training makes exactly as many batches of a problem as the joint one."""

import collections

import pytest

from t2tlite import hparam
from t2tlite.data.reading import mixing
from t2tlite.errors import UserError
from t2tlite.study import updates

NAMES = ("a", "b", "c", "d")
SIZES = {"a": 1000, "b": 77, "c": 5000, "d": 310}


def counted(names, mixed, order, seed, steps):
    rates = mixing.parse_rates(mixed, names, SIZES)
    turns = mixing.Mixing(rates, order, seed, names)
    return collections.Counter(turns.problem_at(step) for step in range(steps))


@pytest.mark.parametrize("order", ["round_robin", "random"])
@pytest.mark.parametrize(
    "mixed",
    ["uniform", "a:1 b:2 c:3 d:0.5", "proportional temperature=2", "linear @0 a:1 b:1 c:1 d:1 @50 d:1 a:3"],
)
@pytest.mark.parametrize("seed", [0, 3])
def test_subsets_make_the_joint_runs_updates(order, mixed, seed):
    hparams = hparam.get("multimodel_tiny").replace(mixing=mixed, order=order)
    quota = updates.quotas(NAMES, hparams, seed, 25, SIZES)
    assert quota == counted(NAMES, mixed, order, seed, 100)
    assert updates.mixed(NAMES, quota) == {}
    for names in (("a",), ("b", "c"), ("a", "c", "d")):
        total = sum(quota[name] for name in names)
        changes = updates.mixed(names, quota)
        found = counted(names, changes["mixing"], changes["order"], seed + 1, total)
        assert found == {name: quota[name] for name in names}


def test_a_problem_without_a_share_is_refused():
    hparams = hparam.get("multimodel_tiny").replace(mixing="a:1 b:1 c:1")
    with pytest.raises(UserError, match="gives `d` no update"):
        updates.quotas(NAMES, hparams, 0, 25, SIZES)


def test_a_schedule_fits_its_run():
    hparams = hparam.get("multimodel_tiny")  # a cosine of 12,000, 200 to warm up
    assert updates.scheduled(hparams, 12000) == {}
    assert updates.scheduled(hparams, 6000) == {"learning_rate_decay_steps": 6000}
    assert updates.scheduled(hparams, 500) == {
        "learning_rate_decay_steps": 500,
        "learning_rate_warmup_steps": 50,
    }
    assert updates.scheduled(hparams.replace(learning_rate_schedule="noam"), 500) == {}
    assert updates.scheduled(hparams, 3)["learning_rate_warmup_steps"] == 1
    constant = hparams.replace(learning_rate_schedule="rsqrt", learning_rate_warmup_steps=10)
    assert updates.scheduled(constant, 500) == {}
