"""The rules for training pairs, against Moses' clean-corpus-n: words by spaces, and their ratio."""

import pytest

from t2tlite.problem import Broken, Dropped
from t2tlite.problems.formats import cleaning

MOSES = cleaning.Rules(max_words=250, max_ratio=9.0)
NONE = cleaning.Rules()


def words(number, space=" "):
    return space.join(["word"] * number)


def clean(first, second, rules=MOSES):
    (made,) = cleaning.examples([(first, second)], rules)
    return made


@pytest.mark.parametrize("rules", [MOSES, NONE])
@pytest.mark.parametrize(
    "pair", [("", "b"), ("a", ""), (" \u3000\r", "b"), ([" ", ""], "b"), ("", ["b", "c"])]
)
def test_an_empty_side_is_dropped_whatever_the_rules(pair, rules):
    assert clean(*pair, rules) == Dropped("an empty line")


@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        ((250, 250), None),
        ((251, 250), "more than 250 words"),
        ((30, 251), "more than 250 words"),
        ((9, 1), None),
        ((1, 9), None),
        ((10, 1), "a ratio of lengths above 9"),
        ((3, 28), "a ratio of lengths above 9"),
    ],
)
def test_the_rules(numbers, reason):
    pair = [words(number) for number in numbers]
    expected = {"inputs": pair[0], "targets": pair[1]}
    assert clean(*pair) == (Dropped(reason) if reason else expected)
    assert clean(*pair, NONE) == expected


def test_doubled_spaces_are_one():
    assert isinstance(clean(words(9, "   "), "one"), dict)
    assert isinstance(clean(words(250, "  "), words(250)), dict)
    assert clean(words(10, "  "), "one") == Dropped("a ratio of lengths above 9")


def test_the_rules_tell_their_own_numbers():
    rules = cleaning.Rules(max_words=4, max_ratio=1.5)
    assert clean(words(5), words(5), rules) == Dropped("more than 4 words")
    assert clean(words(4), words(2), rules) == Dropped("a ratio of lengths above 1.5")


def test_faults_stand_for_their_pair_and_the_rest_goes_on():
    broken, dropped = Broken("not UTF-8", "train.de:2"), Dropped("a rule")
    pairs = [("a ", " b\r"), ("a", broken), (broken, broken), (dropped, ""), ("c", "d")]
    assert list(cleaning.examples(pairs, MOSES)) == [
        {"inputs": "a", "targets": "b"},
        broken,
        broken,
        dropped,
        {"inputs": "c", "targets": "d"},
    ]


def test_several_references_stay_a_list():
    assert clean("a", [" b ", "", "c"]) == {"inputs": "a", "targets": ["b", "c"]}
    assert clean("a", ["", "c"]) == {"inputs": "a", "targets": "c"}
    assert clean(["a", "b"], "c") == {"inputs": ["a", "b"], "targets": "c"}
