"""Patterns of variables' paths, what is frozen by them, and the table of parts."""

import types

import pytest

from t2tlite.errors import UserError
from t2tlite.training import paths

PATHS = [
    "multimodel/encoder/block0/norm/gamma",
    "multimodel/encoder/block0/conv/kernel",
    "multimodel/encoder/block1/conv/kernel",
    "multimodel/encoder2/kernel",
    "multimodel/image/norm/gamma",
    "multimodel/language_0123/softmax",
    "multimodel/command_to_german",
]


def frozen(*patterns):
    return [PATHS.index(path) for path in sorted(paths.frozen(patterns, PATHS), key=PATHS.index)]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ([], []),
        (["encoder"], [0, 1, 2]),
        (["encoder*"], [0, 1, 2, 3]),
        (["encoder/block0"], [0, 1]),
        (["encoder/block0/conv/kernel"], [1]),
        (["*/norm"], [0, 4]),
        (["*/gamma"], [0, 4]),
        (["encoder/*/conv"], [1, 2]),
        (["command_*", "image"], [4, 6]),
        (["*", "-image"], [0, 1, 2, 3, 5, 6]),
        (["*", "-encoder", "encoder/block1"], [2, 3, 4, 5, 6]),
        (["language_0123"], [5]),
    ],
)
def test_what_is_frozen(patterns, expected):
    assert frozen(*patterns) == expected


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        (["encodr"], "freeze=encodr matches no variable of the model; did you mean `encoder`.*; parts are"),
        (["block0"], "freeze=block0 matches no variable of the model.*command_to_german, encoder, encoder2"),
        (["image.norm"], "matches no variable"),
        (["image", "-encoder"], "freeze=-encoder matches no variable of what is frozen.*parts are image"),
        (["-image"], "freeze=-image matches no variable of what is frozen"),
        (["*"], r"freeze=\* leaves nothing to train"),
    ],
)
def test_what_can_not_be_meant_is_refused(patterns, message):
    with pytest.raises(UserError, match=message) as caught:
        frozen(*patterns)
    assert "\n" not in str(caught.value)


def test_the_model_may_have_any_name_or_none():
    assert paths.within("a/b/c") == "b/c" and paths.within("b") == "b"
    assert [paths.part(path) for path in ("a/b/c", "a/b", "b")] == ["b", "b", "b"]
    assert paths.frozen(["encoder"], ["mine/encoder/kernel", "mine/decoder/kernel"])


def test_a_table_of_parts():
    variables = [types.SimpleNamespace(path=path, shape=(10, 100 + i)) for i, path in enumerate(PATHS)]
    counts = paths.counts(variables, lambda path: "frozen" if path == PATHS[1] else "trained")
    lines = paths.table("title:", ("trained", "frozen"), counts).splitlines()
    assert lines[:2] == ["title:", "  part               trained  frozen"]
    assert "  encoder              2,020   1,010" in lines and "  command_to_german    1,060       -" in lines
    assert lines[-1] == "  all                  6,200   1,010"
