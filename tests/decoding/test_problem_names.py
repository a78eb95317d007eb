"""Names of a run's problems: which is meant, and what is refused."""

import pytest

from t2tlite.decoding import problem_names
from t2tlite.errors import UserError

TWO = ["imagenet", "wmt_ende"]


def test_sides():
    assert problem_names.sides("wmt_ende") == ("wmt_ende", "wmt_ende")
    assert problem_names.sides("imagenet>wmt_ende") == ("imagenet", "wmt_ende")
    assert problem_names.sides("imagenet>") == ("imagenet", "")


def test_both_sides_are_checked():
    problem_names.check_sides("imagenet>wmt_ende", TWO, "run")
    for name in ("wmt_endd", "imagenet>wmt_endd", "wmt_endd>imagenet"):
        with pytest.raises(UserError, match="the run run has no problem `wmt_endd`; did you mean `wmt_ende`"):
            problem_names.check_sides(name, TWO, "run")
    for name in ("imagenet>", ">wmt_ende", "imagenet>imagenet>wmt_ende"):
        with pytest.raises(UserError, match="has no problem"):
            problem_names.check_sides(name, TWO, "run")


def test_the_problem_that_is_meant():
    assert problem_names.chosen("imagenet>wmt_ende", TWO, "run") == "imagenet>wmt_ende"
    assert problem_names.chosen(None, TWO[:1], "run") == "imagenet"
    assert problem_names.chosen(None, TWO, "run", any_will_do=True) == "imagenet"
    with pytest.raises(UserError, match="--problem is missing; run was trained on imagenet, wmt_ende"):
        problem_names.chosen(None, TWO, "run")
    with pytest.raises(UserError, match="run was trained on nothing"):
        problem_names.chosen(None, [], "run", any_will_do=True)


def test_a_broken_description_lists_none():
    assert problem_names.of_run({"problems": TWO}) == TWO
    assert problem_names.of_run({}) == problem_names.of_run({"problems": "imagenet"}) == []
