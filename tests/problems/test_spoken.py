"""Speech to trees: scored by what can be known without words."""

import itertools

from t2tlite import registry
from t2tlite.metrics.trees import RepairedTree

LINEAR = "(TOP (S (NP DT NN )NP (VP VBZ )VP . )S )TOP"
TREE = "(TOP (S (NP (DT _) (NN _)) (VP (VBZ _)) (. _)))"


def test_trees_of_speech_have_no_words():
    problem = registry.get_problem("wsj_speech_trees")
    for example in itertools.islice(problem.examples("test", "sample"), 5):
        assert "(. _)" in example["targets"]
        assert problem.from_text(None, problem.to_text(example)["targets"]) == example["targets"]


def test_an_output_is_scored_as_any_tree():
    problem = registry.get_problem("wsj_speech_trees")
    tree = problem.from_text(None, LINEAR)
    assert tree == TREE and not isinstance(tree, RepairedTree)
    scores = {name: registry.get("metric", name) for name in problem.metrics}
    assert {name: score([[tree]], [[TREE]]) for name, score in scores.items()} == {
        "full_trees": 100.0,
        "bracketing_f1": 100.0,
        "repaired_trees": 0.0,
    }
    longer = problem.from_text(None, LINEAR.replace("DT NN", "DT JJ NN"))
    assert scores["full_trees"]([[longer]], [[TREE]]) == 0
    assert scores["bracketing_f1"]([[longer]], [[TREE]]) == 0  # it has other words
    assert isinstance(problem.from_text(None, "(TOP (S NN"), RepairedTree)
