import pytest

from t2tlite.errors import UserError
from t2tlite.problems import trees

TREE = "(TOP (S (NP (DT the) (JJ old) (NN dog)) (VP (VBZ sees) (NP (NNP Ann))) (. .)))"
LINEAR = "(TOP (S (NP DT JJ NN )NP (VP VBZ (NP NNP )NP )VP . )S )TOP"
SENTENCE = "the old dog sees Ann ."


def test_there_and_back():
    assert trees.linear(TREE) == LINEAR
    assert trees.unlinear(SENTENCE, LINEAR) == TREE
    assert trees.words(trees.parse(TREE)) == SENTENCE.split()


@pytest.mark.parametrize(
    "line",
    [
        "(S (NP (DT the) (NN dog)) (VP (VBZ runs)))",
        "( (S (NP (DT the) (NN dog)) (VP (VBZ runs))) )",
        "(TOP (S (NP-SBJ-1 (DT the) (NN dog)) (VP (VBZ runs) (NP (-NONE- *-1)))))",
        "(S (NP=2 (DT the) (NN dog))\n   (VP|X (VBZ runs)))",
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
    assert trees.words(trees.parse(made)) == ["a", "b"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("(S (NN a)", "leaves 1 brackets open"),
        ("(S (NN a)))", "closes a bracket that it did not open"),
        ("", "expected one tree in brackets"),
        ("(NN a) (NN b)", "expected one tree"),
        ("dog", "expected one tree"),
        ("(S a (NN b))", "the word 'a' stands beside other parts of S"),
        ("(S (-NONE- *))", "has no words"),
    ],
)
def test_what_is_no_tree_is_refused(line, message):
    with pytest.raises(UserError, match=message):
        trees.canonical(line)
