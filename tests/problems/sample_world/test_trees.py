"""Parse trees: they cover their sentences and use the Penn Treebank's labels."""

import pytest

from t2tlite.problems import sample_world
from t2tlite.problems import trees as treebank
from t2tlite.problems.sample_world import english, trees
from t2tlite.problems.sample_world.scene import Clause, Entity


@pytest.fixture(scope="module")
def examples():
    return list(sample_world.parsing("test"))


def test_leaves_are_the_words(examples):
    for example in examples:
        assert " ".join(trees.leaves(trees.parse(example["targets"]))) == example["inputs"]


def test_brackets_balance_and_come_back(examples):
    for example in examples:
        assert trees.bracket(trees.parse(example["targets"])) == example["targets"]


def test_labels_are_penn(examples):
    allowed = {treebank.TOP, *treebank.LABELS, *treebank.TAGS}
    for example in examples:
        assert set(trees.labels(trees.parse(example["targets"]))) <= allowed


def test_a_sentence_has_one_tree(examples):
    found = {}
    for example in examples:
        assert found.setdefault(example["inputs"], example["targets"]) == example["targets"]


def test_unbalanced_brackets_are_refused():
    with pytest.raises(ValueError, match="closed that was not opened"):
        trees.parse("(S (NP (DT the))))")
    with pytest.raises(ValueError, match="do not balance"):
        trees.parse("(S (NP (DT the))")


def test_a_simple_tree():
    clause = Clause("sleep", Entity("dog", adjectives=("small",)), frequency="often")
    assert trees.bracket(english.tree(clause)) == (
        "(TOP (S (NP (DT The) (JJ small) (NN dog)) (ADVP (RB often)) (VP (VBZ sleeps)) (. .)))"
    )


def test_what_is_only_named_is_a_noun_phrase():
    clause = Clause("", Entity("tree", "a", adjectives=("big", "green"), place=("on", Entity("water"))))
    assert trees.bracket(english.tree(clause)) == (
        "(TOP (NP (NP (DT A) (JJ big) (JJ green) (NN tree)) (PP (IN on) (NP (DT the) (NN water))) (. .)))"
    )


def test_a_tree_with_owner_particle_and_place():
    clause = Clause(
        "pick",
        Entity(determiner="she"),
        Entity("hat", owner=Entity("man")),
        place=("in", Entity("train station")),
        past=True,
    )
    assert trees.bracket(english.tree(clause)) == (
        "(TOP (S (NP (PRP She)) (VP (VBD picked) (PRT (RP up))"
        " (NP (NP (DT the) (NN man) (POS 's)) (NN hat))"
        " (PP (IN in) (NP (DT the) (NN train) (NN station)))) (. .)))"
    )


def test_a_question():
    clause = Clause("find", Entity("boy"), Entity("key", "a"), question=True)
    assert trees.bracket(english.tree(clause)) == (
        "(TOP (SQ (VBZ Does) (NP (DT the) (NN boy)) (VP (VB find) (NP (DT a) (NN key))) (. ?)))"
    )
