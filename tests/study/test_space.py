"""Spaces of sweeps: how they are read, and that draws are spread as they say."""

import numpy as np
import pytest

from t2tlite import hparam, registry
from t2tlite.errors import UserError
from t2tlite.study import space


def value_of(name, text):
    return hparam.changes("multimodel_tiny", f"{name}={text}", problems=registry.problems("wmt_ende"))[name]


def parse(text):
    return space.parse(text, value_of)


def numbers(text, count=4000, seed=0):
    [one] = parse(text)
    return np.array([float(one.draw(seed, trial)) for trial in range(count)])


def test_ranges_and_choices():
    assert parse("dropout=0..0.3, num_encoder_layers=1..4,learning_rate=1e-4..1e-2:log, moe=top_k|none") == (
        space.Dimension("dropout", low=0.0, high=0.3),
        space.Dimension("num_encoder_layers", low=1, high=4),
        space.Dimension("learning_rate", low=1e-4, high=1e-2, logarithmic=True),
        space.Dimension("moe", ("top_k", "none")),
    )
    assert parse("image_widths=8;8;8;8|4;8;16;16")[0].choices == ("8;8;8;8", "4;8;16;16")


def test_draws_are_even():
    drawn = numbers("dropout=0.1..0.3")
    assert 0.1 <= drawn.min() < 0.101 and 0.299 < drawn.max() <= 0.3
    assert abs(drawn.mean() - 0.2) < 0.005  # five standard deviations
    logarithms = np.log10(numbers("learning_rate=1e-4..1e-2:log"))
    assert abs(logarithms.mean() + 3) < 0.05 and abs(logarithms.std() - 2 / 12**0.5) < 0.03


def test_whole_numbers_and_choices_come_alike_often():
    for text, expected in (("num_encoder_layers=1..4", {"1", "2", "3", "4"}), ("moe=top_k|none|dense", None)):
        [one] = parse(text)
        drawn = [one.draw(0, trial) for trial in range(2000)]
        counts = {each: drawn.count(each) for each in set(drawn)}
        assert set(counts) == (expected or set(one.choices))
        assert max(counts.values()) < 1.25 * min(counts.values())
    assert {one.draw(0, trial) for trial in range(99) for one in parse("moe_num_experts=2..64:log")} <= set(
        map(str, range(2, 65))
    )


def test_a_draw_follows_from_seed_trial_and_name_alone():
    both, one = parse("dropout=0..0.3,learning_rate=1e-4..1e-2"), parse("learning_rate=1e-4..1e-2")
    assert space.draw(both, 3, 5)["learning_rate"] == space.draw(one, 3, 5)["learning_rate"]
    assert space.draw(one, 3, 5) == space.draw(parse("learning_rate=1e-4..1e-2"), 3, 5)
    assert len({space.draw(one, seed, trial)["learning_rate"] for seed in (0, 1) for trial in (1, 2, 3)}) == 6
    assert space.draw(both, 3, 0) == {}  # the set as it is
    # Not those of another process's hashes either.
    assert space.draw(one, 0, 1) == {"learning_rate": "0.006592"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "nothing is searched"),
        ("dropout", "cannot read `dropout`"),
        ("dropout=", "cannot read `dropout=`"),
        ("dropuot=0..1", "did you mean `dropout`"),
        ("dropout=0..1", "dropout must be"),
        ("dropout=0.3..0.1", "LOW must be below HIGH"),
        ("dropout=0..0.3:log", "above 0"),
        ("dropout=0..0.1..0.2", "cannot read dropout"),
        ("dropout=0.1", "no choice between different values"),
        ("dropout=0.1|0.10", "no choice between different values"),
        ("dropout=0.1|0.2,dropout=0..0.1", "searched twice"),
        ("attention=true..false", "is no number"),
    ],
)
def test_mistakes(text, message):
    with pytest.raises(UserError, match=message) as caught:
        parse(text)
    assert "\n" not in str(caught.value)
