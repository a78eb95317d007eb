import random

import pytest

from t2tlite.errors import UserError
from t2tlite.problems import trees

TREE = "(TOP (S (NP (DT the) (JJ old) (NN dog)) (VP (VBZ sees) (NP (NNP Ann))) (. .)))"
LINEAR = "(TOP (S (NP DT JJ NN )NP (VP VBZ (NP NNP )NP )VP . )S )TOP"
SENTENCE = "the old dog sees Ann ."


def test_there_and_back():
    assert trees.linear(TREE) == LINEAR
    assert trees.unlinear(SENTENCE, LINEAR) == TREE
    assert trees.words(TREE) == SENTENCE.split()


@pytest.mark.parametrize(
    "line",
    [
        "(S (NP (DT the) (NN dog)) (VP (VBZ runs)))",
        "( (S (NP (DT the) (NN dog)) (VP (VBZ runs))) )",
        "(TOP (S (NP-SBJ-1 (DT the) (NN dog)) (VP (VBZ runs) (NP (-NONE- *-1)))))",
        "(S (NP=2 (DT the) (NN dog))\n   (VP|X (VBZ runs)))",
        "(ROOT (S (NP-TMP=3 (DT the) (NN dog)) (VP (VBZ runs) (SBAR (-NONE- 0) (S (-NONE- *T*-1))))))",
        "(S1 (TOP (S (NP (DT the) (NN dog)) (NP) (VP (VBZ runs)))))",
    ],
)
def test_the_canonical_tree_has_one_top_and_no_traces_or_functions(line):
    assert trees.canonical(line) == "(TOP (S (NP (DT the) (NN dog)) (VP (VBZ runs))))"


def test_tags_of_brackets_and_punctuation_stay():
    line = "(TOP (S (-LRB- -LRB-) (NN dog) (-RRB- -RRB-) (`` ``) ('' '') ($ $) (: --) (PRP$ its)))"
    assert trees.canonical(line) == line
    assert trees.linear(line) == "(TOP (S -LRB- NN -RRB- `` '' $ : PRP$ )S )TOP"
    assert trees.unlinear("( dog ) `` '' $ -- its", trees.linear(line)) == line


def test_every_part_of_a_linear_tree_is_a_symbol():
    text = LINEAR
    for symbol in sorted(trees.SYMBOLS, key=len, reverse=True):
        text = text.replace(symbol, "|")
    assert set(text) == {"|"}
    assert len(set(trees.SYMBOLS)) == len(trees.SYMBOLS) == 2 + 2 * 26 + 45


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", "(TOP (XX a) (XX b))"),
        ("DT NN", "(TOP (DT a) (NN b))"),
        ("(TOP (S (NP DT NN", "(TOP (S (NP (DT a) (NN b))))"),
        ("(TOP (S DT NN )S )TOP )TOP )NP", "(TOP (S (DT a) (NN b)))"),
        (")S )NP DT )TOP NN", "(TOP (DT a) (NN b))"),
        ("(S (NP DT )S NN", "(TOP (S (NP (DT a))) (NN b))"),
        ("(S (NP )NP DT (VP )VP NN )S", "(TOP (S (DT a) (NN b)))"),
        ("(S DT NN VBZ IN )S", "(TOP (S (DT a) (NN b)))"),
        ("(S DT )S", "(TOP (S (DT a)) (XX b))"),
        ("(TOP (TOP DT NN )TOP )TOP", "(TOP (DT a) (NN b))"),
        ("( ) () DT NN (( ))", "(TOP (XX (DT a) (NN b)))"),
        ("(S (S (S DT NN )S )S )S", "(TOP (S (S (S (DT a) (NN b)))))"),
    ],
)
def test_whatever_the_model_writes_becomes_a_tree_over_all_words(text, tree):
    made = trees.unlinear("a b", text)
    assert made == tree
    assert trees.words(made) == ["a", "b"]


@pytest.mark.parametrize(("label", "bare"), [("PRT|ADVP", "PRT"), ("ADVP|PRT", "ADVP"), ("NP-SBJ-1", "NP")])
def test_labels_lose_what_follows_them_and_tags_keep_it(label, bare):
    line = f"(TOP ({label} (NN|JJ dog) (-RRB- -RRB-)))"
    assert trees.canonical(line) == f"(TOP ({bare} (NN|JJ dog) (-RRB- -RRB-)))"


def test_all_trees_of_a_text():
    text = "( (S \n (NN a) ))\n\n((X (-NONE- *)))(NP (NN b)) (NN c)"
    assert trees.read(text) == ["(TOP (S (NN a)))", "", "(TOP (NP (NN b)))", "(TOP (NN c))"]
    assert trees.read(" \n") == []


def random_tree(rng, depth=0):
    """Unary chains, a label within itself, flat ones and deep ones."""
    if depth and (depth > 9 or rng.random() < 0.45):
        tag, word = rng.choice(trees.TAGS), rng.choice(WORDS)
        return f"({tag} {word})"
    children = [random_tree(rng, depth + 1) for _ in range(rng.choice([1, 1, 2, 3]))]
    return f"({rng.choice(['NP', 'S', 'VP', *trees.LABELS])} {' '.join(children)})"


WORDS = r"dog -LRB- -RRB- -LCB- 1\/2 and\/or \* `` '' ... a=b x-1 * 0 -NONE- Ünïcode | ,".split()


def test_random_trees_come_back():
    rng = random.Random(0)
    for _ in range(500):
        tree = f"(TOP {' '.join(random_tree(rng) for _ in range(rng.choice([1, 1, 2])))})"
        assert trees.canonical(tree) == tree
        text = trees.linear(tree)
        sentence = " ".join(trees.words(tree))
        assert sentence.split() == [part.split(")")[0] for part in tree.split(" ") if ")" in part]
        assert trees.unlinear(sentence, text) == tree
        assert trees.well_formed(tree, text)
        assert not {*sentence.split()} & {"(", ")"}
        broken = text.split(" ")
        del broken[rng.randrange(len(broken))]
        repaired = trees.unlinear(sentence, " ".join(broken))
        assert trees.words(repaired) == sentence.split()
        assert trees.canonical(repaired) == repaired
        assert not trees.well_formed(repaired, " ".join(broken))


def test_brackets_in_words_that_a_user_gives():
    tree = trees.unlinear(":-) (or f(x) )", "(NP NN NN NN NN )NP")
    assert tree == "(TOP (NP (NN :--RRB-) (NN -LRB-or) (NN f-LRB-x-RRB-) (NN -RRB-)))"
    assert trees.canonical(tree) == tree


def test_any_depth():
    tree = trees.unlinear("a b", "(TOP " + "(S " * 5000 + "NN NN " + ")S " * 5000 + ")TOP")
    assert tree == "(TOP " + "(S " * 5000 + "(NN a) (NN b)" + ")" * 5001
    assert trees.canonical(tree) == tree
    assert trees.unlinear("a", "(S " * 5000) == "(TOP " + "(S " * 5000 + "(XX a)" + ")" * 5001


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("(TOP (S DT NN )S )TOP", True),
        (" (TOP  (S DT NN )S )TOP ", True),
        ("(S DT NN )S", False),
        ("(TOP (S DT NN )S", False),
        ("(TOP (S DT NN )TOP", False),
        ("(TOP (S DT )S )TOP", False),
        ("(TOP (S DT NN NN )S )TOP", False),
        ("(TOP (S DT NN )NP )TOP", False),
        ("(TOP (S DT NN (NP )NP )S )TOP", False),
        ("(TOP (S DT NN )S )TOP )TOP", False),
        ("", False),
    ],
)
def test_what_is_well_formed(text, whole):
    assert trees.well_formed(trees.unlinear("a b", text), text) is whole


def test_nothing_is_not_well_formed():
    assert not trees.well_formed(trees.unlinear("", ""), "")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("(S (NN a)", "leaves brackets open: '\\(S \\(NN a\\)'"),
        ("(S (NN a)))", "closes a bracket that it did not open"),
        ("", "expected one tree in brackets"),
        ("(NN a) (NN b)", "expected one tree"),
        ("dog", "expected trees in brackets"),
        ("(NN a) dog", "expected trees in brackets"),
        ("(S a (NN b))", "a word stands beside other parts of a constituent; it needs a tag"),
        ("(NN a b)", "a word stands beside"),
        ("(S (-NONE- *))", "has no words"),
        ("(())", "has no words"),
    ],
)
def test_what_is_no_tree_is_refused(line, message):
    with pytest.raises(UserError, match=message):
        trees.canonical(line)
