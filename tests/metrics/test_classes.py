"""Accuracies of ranked classes."""

from t2tlite import registry

RANKED = [list("abcdef"), list("bacdef"), list("fedcab"), list("cdefba")]
RIGHT = [["a"], ["a"], ["a"], ["a"]]


def test_places():
    assert registry.get("metric", "top1")(RANKED, RIGHT) == 25
    assert registry.get("metric", "top5")(RANKED, RIGHT) == 75


def test_bounds():
    for name in ("top1", "top5"):
        metric = registry.get("metric", name)
        assert metric(RIGHT, RIGHT) == 100
        assert metric([["a"]], [["b", "a"]]) == 100
        assert metric([[]], [["a"]]) == 0
        assert metric([], []) == 0
