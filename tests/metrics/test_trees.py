"""Brackets by EVALB's rules: each row was counted by hand, and has the counts that EVALB would print."""

import pytest

from t2tlite import registry
from t2tlite.metrics.trees import RepairedTree, bracketing_f1, full_trees, repaired_trees
from t2tlite.problems import trees

REFERENCE = (
    "(TOP (S (NP (DT the) (NN dog)) (, ,) (VP (VBZ eats) (NP (NN meat)) (PRT (RP up))"
    " (PP (IN with) (NP (NN joy)))) (. .)))"
)
CHANGES = [  # (what is changed into what, matched brackets, brackets of the output); the reference has 7
    ("", "", 7, 7),
    ("(NN meat)", "(NNS meat)", 7, 7),  # tags don't count
    ("(PRT (RP up))", "(ADVP (RP up))", 7, 7),  # one label
    ("(NP (NN meat))", "(NP-SBJ (NN meat))", 7, 7),  # function tags are cut off
    ("(NP (DT the)", "(NP-1 (DT the)", 7, 7),
    ("(NP (DT the)", "(NP=1 (DT the)", 7, 7),  # and so is what tells which phrases of a gap are parallel
    ("(TOP (S", "(TOP (SINV", 6, 7),
    ("(NP (NN meat))", "(NN meat)", 6, 6),
    ("(NP (NN meat))", "(NP (NP (NN meat)))", 7, 8),  # the second bracket of two has no partner
    ("(NP (DT the) (NN dog)) (, ,)", "(NP (DT the) (NN dog) (, ,))", 7, 7),  # where a comma hangs
    ("(, ,)", "(NN ,)", 7, 7),  # and whether it is known for one
    ("(DT the) (NN dog)", "(DT the) (: dog)", 7, 7),
    ("(, ,)", "(PRN (, ,))", 7, 7),  # nothing that counts is in it
]


@pytest.mark.parametrize(("old", "new", "matched", "actual"), CHANGES)
def test_counts(old, new, matched, actual):
    assert old in REFERENCE
    output = REFERENCE.replace(old, new, 1) if old else REFERENCE
    assert bracketing_f1([[output]], [[REFERENCE]]) == pytest.approx(100 * 2 * matched / (7 + actual))


@pytest.mark.parametrize("tag", [",", ":", "``", "''", "."])
def test_punctuation_may_hang_anywhere(tag):
    """These are the tags of COLLINS.prm; brackets and signs such as # and $ count."""
    reference = "(TOP (S (NP (NN dogs)) ({} x) (VP (VBP run))))"
    output = "(TOP (S (NP (NN dogs) ({} x)) (VP (VBP run))))"
    assert bracketing_f1([[output.format(tag)]], [[reference.format(tag)]]) == 100
    for counted in ("-LRB-", "#", "$", "NN"):
        score = bracketing_f1([[output.format(counted)]], [[reference.format(counted)]])
        assert score == pytest.approx(100 * 2 * 2 / (3 + 3))


def test_corpus_level():
    """Counts are summed over the sentences: 7 + 4 of 7 + 7 wanted, 7 + 5 found."""
    half = "(TOP (S (NP (DT the) (NN dog)) (, ,) (VP (VBZ eats) (NN meat) (RP up)"
    half += " (PP (IN with) (NN joy))) (X (. .))))"
    assert bracketing_f1([[half]], [[REFERENCE]]) == pytest.approx(100 * 2 * 4 / (7 + 4))
    both = bracketing_f1([[REFERENCE], [half]], [[REFERENCE], [REFERENCE]])
    assert both == pytest.approx(100 * 2 * 11 / (14 + 11))


@pytest.mark.parametrize(
    ("output", "actual"),
    [
        ("", 0),
        ("words without brackets", 0),
        ("(TOP (S (NP (DT the)", 0),
        (REFERENCE + ")", 0),
        (REFERENCE[:-1], 0),
        ("(TOP (S) )", 0),
        (REFERENCE.replace("meat", "bread"), 7),
        ("(TOP (S (NP (DT the) (NN dog))))", 2),
    ],
)
def test_what_is_no_tree_of_this_sentence_has_no_right_bracket(output, actual):
    assert bracketing_f1([[output]], [[REFERENCE]]) == 0
    score = bracketing_f1([[output], [REFERENCE]], [[REFERENCE], [REFERENCE]])
    assert score == pytest.approx(100 * 2 * 7 / (14 + 7 + actual))


def test_a_top_without_label():
    assert bracketing_f1([["( (S (NN x)))"]], [["(TOP (S (NN x)))"]]) == 100


def test_a_reference_must_be_a_tree():
    with pytest.raises(ValueError, match="the reference is no tree: 'a dog'"):
        bracketing_f1([["(S (NN x))"]], [["a dog"]])


def test_full_trees():
    wrong_tag = REFERENCE.replace("(NN meat)", "(NNS meat)")
    other_spaces = REFERENCE.replace(" (", "  (").replace("))", ") )")
    assert full_trees([[REFERENCE], [wrong_tag], [other_spaces], [""]], [[REFERENCE]] * 4) == 50
    assert registry.get("metric", "full_trees")([], []) == 0
    assert registry.get("metric", "bracketing_f1")([], []) == 0


def test_traces_of_a_reference_do_not_count():
    traced = REFERENCE.replace("(NN meat))", "(NN meat)) (SBAR (-NONE- 0) (S (-NONE- *T*-1)))")
    traced = traced.replace("(TOP", "(")
    assert bracketing_f1([[REFERENCE]], [[traced]]) == 100


@pytest.mark.parametrize(
    ("linear", "matched", "actual"),
    [
        ("(TOP (S (NP DT NN )NP , (VP VBZ (NP NN )NP (PRT RP )PRT (PP IN (NP NN", 7, 7),  # ends too early
        ("(TOP (S (NP DT NN , VBZ )NP )S )TOP", 0, 2),  # S over 4 words, not 8; NP over 3, not 2
        ("(S (NP DT NN )NP , )S (VP VBZ (NP NN )VP", 2, 4),  # both NPs; S and VP end too early
        ("", 0, 0),
    ],
)
def test_a_repaired_tree_is_scored_by_the_brackets_it_has(linear, matched, actual):
    """The reference has 7 brackets; the closing ones that are missing are added at the end."""
    sentence = "the dog , eats meat up with joy ."
    output = RepairedTree(trees.unlinear(sentence, linear))
    assert trees.words(output) == sentence.split()
    assert bracketing_f1([[output]], [[REFERENCE]]) == pytest.approx(100 * 2 * matched / (7 + actual))
    assert repaired_trees([[output]], [[REFERENCE]]) == 100


def test_repaired_trees():
    outputs = [[REFERENCE], [RepairedTree(REFERENCE)], ["(TOP (NN the))"], ["no tree"], []]
    assert repaired_trees(outputs, [[REFERENCE]] * 5) == 80
    assert repaired_trees([[REFERENCE.replace("NP", "X")]], [[REFERENCE]]) == 0, "wrong, but whole"
