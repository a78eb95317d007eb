import collections
import fractions

import pytest

from t2tlite.data.reading import mixing as mixing_module
from t2tlite.data.reading.mixing import Mixing, parse_rates
from t2tlite.errors import UserError

NAMES = ("speech", "imagenet", "wmt_ende")
SIZES = {"speech": 100, "imagenet": 400, "wmt_ende": 3600}


def shares(text):
    return parse_rates(text, NAMES, SIZES).at(0)


def counts(mixing, steps):
    counter = collections.Counter(mixing.problem_at(step) for step in steps)
    return [counter[name] for name in NAMES]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("uniform", (1 / 3, 1 / 3, 1 / 3)),
        ("proportional", (100 / 4100, 400 / 4100, 3600 / 4100)),
        ("proportional temperature=2", (10 / 90, 20 / 90, 60 / 90)),
        ("proportional cap=400", (100 / 900, 400 / 900, 400 / 900)),
        ("proportional cap=400 temperature=2", (10 / 50, 20 / 50, 20 / 50)),
        ("wmt_ende:1 imagenet:3", (0, 0.75, 0.25)),
    ],
)
def test_rates(text, expected):
    assert shares(text) == pytest.approx(expected)


def test_a_linear_schedule_goes_in_a_straight_line():
    rates = parse_rates("linear @0 wmt_ende:1 @1000 uniform", NAMES, SIZES)
    assert rates.at(0) == (0, 0, 1)
    assert rates.at(500) == pytest.approx((1 / 6, 1 / 6, 2 / 3))
    assert rates.at(1000) == rates.at(10**9) == pytest.approx((1 / 3, 1 / 3, 1 / 3))


def test_a_linear_schedule_is_at_each_knot_what_the_knot_says():
    rates = parse_rates("linear @0 speech:1 @10 imagenet:1 @30 wmt_ende:1", NAMES)
    assert [rates.at(step) for step in (0, 10, 30)] == [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
    assert rates.at(9) == pytest.approx((0.1, 0.9, 0))
    assert rates.at(11) == pytest.approx((0, 0.95, 0.05))
    assert rates.at(29) == pytest.approx((0, 0.05, 0.95))


@pytest.mark.parametrize("order", ["random", "round_robin"])
def test_knots_count_updates_whatever_the_number_of_micro_steps(order):
    rates = parse_rates("constant @0 speech:1 @10 wmt_ende:1", NAMES)
    mixing = Mixing(rates, order, 0, NAMES, micro_steps=3)
    assert counts(mixing, range(30)) == [30, 0, 0]
    assert counts(mixing, range(30, 60)) == [0, 0, 30]
    rates = parse_rates("linear @0 speech:1 @10 wmt_ende:1", NAMES)
    shares = [Mixing(rates, order, 0, NAMES, micro_steps=4).shares(step)["speech"] for step in range(41)]
    assert shares == pytest.approx([1 - step / 40 for step in range(41)])


def test_a_constant_schedule_holds_until_the_next_knot():
    rates = parse_rates("constant @0 speech:1 @10 wmt_ende:1 speech:1 @20 uniform", NAMES, SIZES)
    assert rates.at(9) == (1, 0, 0) and rates.at(10) == rates.at(19) == (0.5, 0, 0.5)
    assert rates.at(20) == pytest.approx((1 / 3, 1 / 3, 1 / 3))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "can't be read; expected `uniform`"),
        ("evenly", "`evenly` can't be read"),
        ("wmt_ende:1 imagenet", "can't be read"),
        ("wmt_eden:1", "`wmt_eden` is not one of this run's problems; did you mean `wmt_ende`"),
        ("wmt_ende:1 wmt_ende:2", "`wmt_ende` is given more than once"),
        ("wmt_ende:0", "`wmt_ende:0` needs a number above 0"),
        ("wmt_ende:nan", "needs a number above 0"),
        ("wmt_ende:inf", "needs a number above 0"),
        ("proportional temperature=-1", "`temperature=-1` needs a number above 0"),
        ("proportional heat=2", "unknown option `heat=2`; expected temperature=T or cap=K"),
        ("linear", "a schedule starts at @0"),
        ("linear uniform", "a schedule starts at @0"),
        ("linear @5 uniform", "a schedule starts at @0"),
        ("linear @0 uniform @x speech:1", "`@x` is not a step"),
        ("linear @0 uniform @10 speech:1 @10 uniform", "step @10 must come after @10"),
        ("linear @0 @10 uniform", "can't be read"),
    ],
)
def test_errors(text, message):
    with pytest.raises(UserError, match=message):
        shares(text)


def test_proportional_needs_sizes():
    with pytest.raises(UserError, match="needs the number of examples"):
        parse_rates("proportional", NAMES)


def test_an_unknown_order_is_refused():
    with pytest.raises(UserError, match="unknown order `round-robin`; did you mean `round_robin`"):
        Mixing(parse_rates("uniform", NAMES), "round-robin", 0, NAMES)


@pytest.mark.parametrize("order", ["random", "round_robin"])
@pytest.mark.parametrize("text", ["uniform", "proportional", "wmt_ende:5 speech:2"])
def test_realised_shares_come_to_the_rates(order, text):
    rates = parse_rates(text, NAMES, SIZES)
    steps = 20_000
    realised = counts(Mixing(rates, order, 3, NAMES), range(steps))
    for count, share in zip(realised, rates.at(0), strict=True):
        # Four standard deviations of a draw; a round robin is never more than a few steps off.
        off = 4 * (steps * share * (1 - share)) ** 0.5 if order == "random" else 3
        assert abs(count - steps * share) <= off


@pytest.mark.parametrize("order", ["random", "round_robin"])
def test_a_schedule_is_followed(order):
    mixing = Mixing(parse_rates("linear @0 speech:1 @4000 wmt_ende:1", NAMES), order, 3, NAMES)
    realised = counts(mixing, range(4000))
    assert realised[1] == 0 and abs(realised[0] - 2000) < 130
    assert counts(mixing, range(200))[2] < 20 < 180 < counts(mixing, range(3800, 4000))[2]
    assert mixing.shares(2000) == {"speech": 0.5, "imagenet": 0.0, "wmt_ende": 0.5}


def test_equal_rates_cycle():
    mixing = Mixing(parse_rates("uniform", NAMES), "round_robin", 0, NAMES)
    assert [mixing.problem_at(step) for step in range(7)] == [*NAMES, *NAMES, NAMES[0]]
    assert mixing.problem_at(3 * 10**12) == NAMES[0]


def test_unequal_rates_are_spread_evenly():
    mixing = Mixing(parse_rates("speech:1 wmt_ende:3", NAMES), "round_robin", 0, NAMES)
    for start in range(0, 400, 4):
        assert counts(mixing, range(start, start + 4)) == [1, 0, 3]


@pytest.mark.parametrize("order", ["random", "round_robin"])
@pytest.mark.parametrize(
    "text", ["uniform", "proportional temperature=3", "linear @0 uniform @50 speech:1 imagenet:1"]
)
def test_the_problem_is_a_function_of_the_step_alone(order, text):
    rates = parse_rates(text, NAMES, SIZES)
    whole = Mixing(rates, order, 3, NAMES)
    forward = [whole.problem_at(step) for step in range(100)]
    fresh = Mixing(rates, order, 3, NAMES)
    assert [fresh.problem_at(step) for step in reversed(range(100))] == forward[::-1]


def test_the_draw_depends_on_the_seed():
    rates = parse_rates("uniform", NAMES)
    draws = [[Mixing(rates, "random", seed, NAMES).problem_at(step) for step in range(50)] for seed in (1, 2)]
    assert draws[0] != draws[1]
    numbers = [[mixing.problem_at(step) for step in steps] for mixing, steps in (
        (Mixing(rates, "random", 1, NAMES), range(10, 20)), (Mixing(rates, "random", 11, NAMES), range(10)),
    )]  # fmt: skip
    assert numbers[0] != numbers[1], "seed and step are not one number"


def test_draws_of_consecutive_steps_are_independent():
    """Each pair of problems is a ninth of all, whether the first step is even or odd."""
    mixing = Mixing(parse_rates("uniform", NAMES), "random", 5, NAMES)
    drawn = [mixing.problem_at(step) for step in range(3600)]
    for first in (0, 1):
        pairs = collections.Counter(zip(drawn[first::2], drawn[first + 1 :: 2], strict=False))
        assert len(pairs) == 9 and all(abs(count - 200) < 4 * 200**0.5 for count in pairs.values())


@pytest.mark.parametrize("point", [0.0, 0.5, 1 - 2**-53, 1.0])
def test_a_problem_without_a_share_is_never_drawn(point, monkeypatch):
    """The last is 1 - 2**-64, rounded."""
    monkeypatch.setattr(mixing_module, "_uniform", lambda seed, step: point)
    for name in NAMES:
        mixing = Mixing(parse_rates(f"{name}:1", NAMES), "random", 0, NAMES)
        assert mixing.problem_at(0) == name


def furthest_behind(rates, steps):
    """Round robin by its definition, in fractions."""
    owed, turns = [fractions.Fraction(0)] * len(NAMES), []
    for step in range(steps):
        shares = [fractions.Fraction(share).limit_denominator(10**6) for share in rates.at(step)]
        owed = [a + b for a, b in zip(owed, shares, strict=True)]
        turns.append(owed.index(max(owed)))
        owed[turns[-1]] -= 1
    return [NAMES[turn] for turn in turns]


@pytest.mark.parametrize(
    "text",
    [
        "speech:1 imagenet:1",
        "speech:1 imagenet:1 wmt_ende:5",
        "speech:2 imagenet:3 wmt_ende:3",
        "proportional temperature=2",
        "constant @0 uniform @7 speech:1 wmt_ende:2 @100 uniform",
        "linear @0 uniform @64 imagenet:1 wmt_ende:3",
    ],
)
def test_a_round_robin_takes_who_is_furthest_behind_and_of_several_the_first(text):
    rates = parse_rates(text, NAMES, SIZES)
    mixing = Mixing(rates, "round_robin", 0, NAMES)
    assert [mixing.problem_at(step) for step in range(300)] == furthest_behind(rates, 300)
