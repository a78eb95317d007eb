"""Bounds that follow the data: how many are left out, which bounds are added, and what is said of it."""

import numpy as np
import pytest

from t2tlite import hparam
from t2tlite.data.inspection import bounds
from t2tlite.data.inspection.lengths import Lengths
from t2tlite.errors import UserError

HPARAMS = hparam.get("multimodel_tiny").replace(
    length_bounds=(8, 16), seconds_bounds=(0.5, 1.0), batch_tokens=4096, batch_seconds=64.0
)
RATE = 16000
NAMES = bounds.names()


def of(text=None, seconds=None, size=None):
    values = {} if text is None else {"length_bounds": np.array(text)}
    if seconds is not None:
        values["seconds_bounds"] = np.round(np.array(seconds) * RATE).astype(np.int64)
    examined = len(next(iter(values.values()), ()))
    return Lengths(values, examined, examined if size is None else size)


def extended(*lengths, hparams=HPARAMS, names=NAMES, replicas=1):
    lengths = {f"p{number}": one for number, one in enumerate(lengths)}
    return bounds.extended(hparams, lengths, names, replicas)


def long_tail(seed, number=1000):
    return 1 + np.random.default_rng(seed).geometric(1 / 30, number)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1])
@pytest.mark.parametrize("seed", range(3))
def test_at_most_a_share_is_left_out_and_no_more_is_added_than_that_takes(seed, share):
    text = long_tail(seed)
    length_bounds = extended(of(text), hparams=HPARAMS.replace(max_left_out=share)).length_bounds
    assert length_bounds[:2] == (8, 16) and all(bound % 8 == 0 for bound in length_bounds)
    assert (text > length_bounds[-1]).mean() <= share
    needed = np.sort(text)[::-1][int(share * len(text))]
    assert needed <= length_bounds[-1] < needed + 8
    for low, high in zip(length_bounds[1:], length_bounds[2:], strict=False):
        assert low < high <= 1.5 * low + 8


def test_bounds_stay_where_few_are_too_long():
    text = [16] * 990 + [400] * 10
    assert extended(of(text)) == HPARAMS
    assert extended(of([16] * 989 + [17] * 11)).length_bounds == (8, 16, 24)
    assert extended(of([])) == extended(of(None)) == extended() == HPARAMS


def test_an_outlier_makes_no_bound_of_its_own():
    text = [30] * 150 + [10] * 849 + [10_000]
    assert extended(of(text)).length_bounds == (8, 16, 24, 32)


def test_all_or_nothing():
    text = long_tail(0)
    assert extended(of(text), hparams=HPARAMS.replace(max_left_out=1)).length_bounds == (8, 16)
    assert extended(of(text), hparams=HPARAMS.replace(max_left_out=0.0)).length_bounds[-1] >= text.max()
    for share in (-0.1, 1.1):
        with pytest.raises(UserError, match=r"max_left_out must be in \[0, 1\]"):
            HPARAMS.replace(max_left_out=share)


def test_the_neediest_problem_decides():
    extended_hparams = extended(of([10] * 100), of([40] * 100), of([30] * 100), of(None, [0.2] * 100))
    assert extended_hparams.length_bounds[-1] == 40 and extended_hparams.seconds_bounds == (0.5, 1.0)


def test_what_was_given_is_kept():
    one = of([40] * 100, [3.0] * 100)
    assert extended(one, names=()) == HPARAMS
    assert extended(one, names=["seconds_bounds"]) == HPARAMS  # all of it has too long a text
    limited = HPARAMS.replace(max_length=12)
    assert extended(one, hparams=limited).length_bounds == (8, 16)
    assert extended(of([10] * 100, [3.0] * 100), hparams=limited).seconds_bounds[-1] == 3.0


@pytest.mark.parametrize("seed", range(3))
def test_sounds_and_their_transcripts_together(seed):
    """An example is left out if either is too long, and at most a hundredth is."""
    rng = np.random.default_rng(seed)
    one = of(long_tail(seed, 2000), rng.gamma(2.0, 1.0, 2000))
    extended_hparams = extended(one)
    assert one.too_long(HPARAMS).share > 0.5 and one.too_long(extended_hparams).share <= 0.01
    assert extended_hparams.seconds_bounds[:2] == (0.5, 1.0) and all(
        2 * bound % 1 == 0 for bound in extended_hparams.seconds_bounds
    )
    for low, high in zip(
        extended_hparams.seconds_bounds[1:], extended_hparams.seconds_bounds[2:], strict=False
    ):
        assert low < high <= 1.5 * low + 0.5


def test_a_batch_has_an_example_for_each_replica():
    text = [100] * 100
    small = HPARAMS.replace(batch_tokens=160)
    assert extended(of(text), hparams=small).length_bounds[-1] == 104
    assert extended(of(text), hparams=small, replicas=2).length_bounds[-1] == 80
    assert extended(of(text), hparams=small, replicas=10).length_bounds == (8, 16)
    assert extended(of(text), hparams=small, replicas=20).length_bounds == (8, 16)
    sounds = of(None, [9.0] * 100)
    assert extended(sounds, hparams=HPARAMS.replace(batch_seconds=8.0), replicas=2).seconds_bounds[-1] == 4.0


def test_a_sample_leaves_room_for_chance():
    """A share that is just below the limit in a sample may be above it in all."""
    text = [10] * 4960 + [40] * 40
    assert extended(of(text)).length_bounds == (8, 16)  # 0.8% of all
    assert extended(of(text, size=10**6)).length_bounds[-1] == 40
    assert extended(of([10] * 4970 + [40] * 30, size=10**6)).length_bounds == (8, 16)


def described_lines(*lengths, hparams=HPARAMS, names=NAMES, replicas=1):
    lengths = {f"p{number}": one for number, one in enumerate(lengths)}
    after = bounds.extended(hparams, lengths, names, replicas)
    return bounds.describe(hparams, after, lengths, names, replicas)


def test_what_is_told():
    assert described_lines(of([16] * 100), of(None, [1.0] * 100), of(None)) == []
    assert described_lines(of([16] * 999 + [17])) == [
        "p0: 1 of 1,000 examples (0.1%) is too long and left out; "
        "--max_length or --hparams=length_bounds= changes that"
    ]
    text = [10] * 860 + [30] * 135 + [99] * 5
    assert described_lines(of([10] * 100), of(text)) == [
        "length_bounds: added 24, 32, since 14.0% of p1 are longer than 16 units of text "
        "(max_left_out=0.01; --max_length or --hparams=length_bounds= sets bounds)",
        "p1: 5 of 1,000 examples (0.5%) are too long and left out; "
        "--max_length or --hparams=length_bounds= changes that",
    ]
    assert described_lines(of(text), names=()) == [
        "p0: 140 of 1,000 examples (14.0%) are too long and left out; "
        "--max_length or --hparams=length_bounds= changes that"
    ]
    assert described_lines(of(None, [2.5] * 9 + [0.1], size=99), names=()) == [
        "p0: 9 of the first 10 of 99 examples (90.0%) are too long and left out; "
        "--hparams=seconds_bounds= changes that"
    ]


def test_where_a_batch_is_too_small_that_is_told():
    [added, left] = described_lines(of([10] * 50 + [300] * 50), hparams=HPARAMS.replace(batch_tokens=100))
    assert added.startswith("length_bounds: added ") and "100, since 50.0% of p0" in added
    assert left == (
        "p0: 50 of 100 examples (50.0%) are too long and left out; "
        "a larger --hparams=batch_tokens= changes that"
    )
