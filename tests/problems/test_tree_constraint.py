"""Whatever the model prefers, it writes a tree of the sentence; and every tree of the data may be written."""

import re

import numpy as np
import pytest
import tensorflow as tf

from t2tlite import registry
from t2tlite.data.text.vocabulary import Vocabulary
from t2tlite.decoding.search.beam_search import beam_search
from t2tlite.decoding.search.constraints import Rules
from t2tlite.decoding.search.outputs import Outputs
from t2tlite.decoding.search.sampling import Noise, Truncation, greedy, sample
from t2tlite.decoding.zero_shot import ZeroShotProblem
from t2tlite.ids import EOS
from t2tlite.problems import sample_world, tree_constraint, trees


class RandomModel:
    """Stands in for an `Incremental`: at every position and row any entry is as likely as another."""

    def __init__(self, length, size, favoured=(), much=9.0):
        self.length = length
        draw = np.random.default_rng(length)
        logits = 4 * draw.normal(size=(64, size))
        logits[:, list(favoured)] += much
        self._logs = tf.nn.log_softmax(tf.constant(logits, tf.float32))

    def start(self, features, copies=1, moves=False):
        state = tf.repeat(features, copies)
        return (), state, tf.zeros_like(state)

    def step(self, x, memory, state, going):
        state = (7 * state + x + 1) % 64
        return tf.gather(self._logs, state), state

    def embed(self, ids):
        return ids

    def select(self, state, parents):
        return tf.gather(state, parents)


@pytest.fixture(scope="module")
def examples():
    return [example["targets"] for example, _ in zip(sample_world.parsing("train"), range(400), strict=False)]


@pytest.fixture(scope="module")
def vocabulary(examples):
    return Vocabulary.train(
        [trees.linear(tree) for tree in examples] + 9 * ["some words"], 420, trees.SYMBOLS
    )


@pytest.fixture(scope="module")
def constraint(vocabulary):
    return registry.get_problem("wsj_parsing").constraint(vocabulary)


def assert_tree(text, words):
    """It is a tree of so many words as it stands, of known brackets, not too many of which open at a time.

    Args:
      words: how many, or None for any number from one on.
    """
    tokens = text.split()
    if words is None:
        words = sum(not set(token) & set("()") for token in tokens)
    sentence = " ".join(f"w{i}" for i in range(words))
    tree = trees.unlinear(sentence, text)
    assert words and trees.well_formed(tree, text), (words, text)
    assert trees.words(tree) == sentence.split()
    assert {token[1:] for token in tokens if token[0] in "()"} <= {trees.TOP, *trees.LABELS}
    chains = re.findall(r"(?:\(\S+ )+", text.removeprefix("(TOP "))
    assert max((chain.count("(") for chain in chains), default=0) <= tree_constraint.MOST_OPENED


WAYS = {
    "greedy": lambda model, rows, rules: greedy(model, rows, rules),
    "beam": lambda model, rows, rules: beam_search(model, rows, rules, 4, 0.6, True),
    "samples": lambda model, rows, rules: sample(
        model, rows, rules, Noise(tf.constant([1, 2]), rows), 3, 1.5, Truncation(50, 0.99)
    ),
}


def decoded(way, model, constraint, words=None, rows=24, min_length=0):
    """The outputs of each row, whose sentences have so many words each."""

    def run(numbers, conditions):
        return WAYS[way](model, numbers, Rules(model.length, min_length, constraint, conditions))

    conditions = {} if words is None else {"words": tf.constant(words, tf.int32)}
    found = tf.function(run, autograph=False)(tf.range(rows), conditions)
    found = Outputs(*(x.numpy() for x in found))
    return [ids[score > -np.inf] for ids, score in zip(found.ids, found.score, strict=True)]


def brackets_of(vocabulary):
    return [i for i in range(vocabulary.size) if set("()") & set(vocabulary.piece(i))]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("length", [4, 5, 9, 40, 120])
def test_whatever_the_model_a_tree_of_the_sentence_is_written(vocabulary, constraint, way, length):
    model = RandomModel(length, vocabulary.size, brackets_of(vocabulary), 4.0)
    words = np.random.default_rng(length).integers(1, length - 2, 24)
    texts = []
    for number, outputs in zip(words, decoded(way, model, constraint, words), strict=True):
        for ids in outputs:
            assert EOS in ids, "there is always room to close what is open"
            assert np.count_nonzero(ids) <= length
            texts.append(vocabulary.decode(ids))
            assert_tree(texts[-1], number)
    assert len({*texts}) > 3
    depth = max(text.count("(") for text in texts)
    assert depth > 2 or length < 9, "or else no bracket inside another was tried"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("length", [4, 9, 40])
def test_of_a_picture_any_tree_is_written(vocabulary, constraint, way, length):
    model = RandomModel(length, vocabulary.size, brackets_of(vocabulary), 4.0)
    texts = {vocabulary.decode(ids) for outputs in decoded(way, model, constraint) for ids in outputs}
    for text in texts:
        assert_tree(text, None)
    numbers = {sum(token[0] not in "()" for token in text.split()) for text in texts}
    assert len(numbers) > 1 or length == 4


@pytest.mark.parametrize("way", WAYS)
def test_without_it_no_tree_is_written(vocabulary, way):
    for ids in (ids for outputs in decoded(way, RandomModel(20, vocabulary.size), None) for ids in outputs):
        text = vocabulary.decode(ids)
        assert not any(trees.well_formed(trees.unlinear("a " * n, text), text) for n in range(1, 20))


@pytest.mark.parametrize("length", [1, 2, 3, 6, 20])
def test_where_no_tree_of_the_sentence_fits(vocabulary, constraint, length):
    """As many of the first words as there is room for; it is told to be none of the sentence."""
    numbers = [max(length - 2, 2), length + 1, length + 30]
    outputs = decoded("greedy", RandomModel(length, vocabulary.size), constraint, numbers, 3)
    for number, [ids] in zip(numbers, outputs, strict=True):
        text = vocabulary.decode(ids)
        assert np.count_nonzero(ids) == length
        if length > 3:
            assert EOS in ids
            assert_tree(text, length - 3)
        tree = trees.unlinear("a " * number, text)
        assert not trees.well_formed(tree, text) and len(trees.words(tree)) == number


@pytest.mark.parametrize("words", [None, 5])
@pytest.mark.parametrize("favoured", ["opening", "tags", "letters"])
def test_a_model_that_never_closes(vocabulary, constraint, favoured, words):
    pieces = [vocabulary.piece(i) for i in range(vocabulary.size)]
    kinds = {"opening": r"\u2581\([A-Z]+", "tags": r"\u2581[A-Z]+", "letters": r"[a-z]+"}
    wanted = [i for i, piece in enumerate(pieces) if re.fullmatch(kinds[favoured], piece)]
    for length in (12, 300):
        model = RandomModel(length, vocabulary.size, wanted, 99.0)
        for [ids] in decoded("greedy", model, constraint, words and [words] * 4, 4):
            text = vocabulary.decode(ids)
            assert_tree(text, words)
            opened = len(re.match(r"\(TOP (\(\S+ )*", text)[0].split()) - 1
            if favoured == "opening" and length == 300:
                assert opened == tree_constraint.MOST_OPENED, "no more of them before a word"
            elif favoured == "letters" or words is None:
                assert np.count_nonzero(ids) == length, "it goes on as long as it can"


def test_the_least_length_gives_way(vocabulary, constraint):
    """A tree that is complete can only end."""
    model = RandomModel(30, vocabulary.size)
    for ids in (
        ids for some in decoded("samples", model, constraint, [2] * 24, min_length=30) for ids in some
    ):
        assert EOS in ids
        assert_tree(vocabulary.decode(ids), 2)


@pytest.fixture(scope="module")
def may_write(constraint, vocabulary):
    """A function that says whether a text may be written, with no more room than it takes."""

    def go_on(ids, words, i, allowed, state):
        allowed &= constraint.allowed(state, tf.size(ids) - i)[0, ids[i]]
        return ids, words, i + 1, allowed, constraint.advance(state, tf.reshape(ids[i], [1]))

    def run(ids, words):
        state = constraint.initial(1, {"words": words[None]}, 999)
        start = ids, words, tf.constant(0), tf.constant(True), state
        return tf.while_loop(lambda ids, words, i, *_: i < tf.size(ids), go_on, start)[3]

    spec = tf.TensorSpec([None], tf.int32), tf.TensorSpec([], tf.int32)
    function = tf.function(run, input_signature=spec, autograph=False)
    return lambda text, words: bool(function([*vocabulary.encode(text), EOS], words))


def test_every_tree_of_the_data_may_be_written(may_write, examples):
    for tree in examples[:100]:
        words = len(trees.words(tree))
        allowed = [may_write(trees.linear(tree), number) for number in (words - 1, words, words + 1)]
        assert allowed == [False, True, False], tree


@pytest.mark.parametrize("tag", ["DTx", "xDT", "\u00e9t\u00e9", "=x|", "\U0001f600"])
def test_tags_may_be_spelled(may_write, vocabulary, tag):
    """A tag that is no entry of its own, as another corpus may have it."""
    text = f"(TOP (NP {tag} NN )NP )TOP"
    assert may_write(text, 2)
    assert len(vocabulary.encode(text)) > 6, "or else it is an entry"


@pytest.mark.parametrize("mark", ["\n", "\u00a0", "\u2003", "\u3000", "(", ")", "\u2028"])
def test_nothing_that_ends_a_tag_is_spelled(may_write, mark):
    """Neither by an entry nor by bytes."""
    assert not any(may_write(f"(TOP (NP NN{mark}x NN )NP )TOP", words) for words in (1, 2, 3))


def test_a_vocabulary_without_brackets_as_entries():
    plain = Vocabulary.train(["(TOP (NP DT NN )NP )TOP", "the dog"], 280)
    assert registry.get_problem("wsj_parsing").constraint(plain) is None
    assert tree_constraint.make(None) is None
    assert registry.get_problem("wmt_ende").constraint(plain) is None


def test_zero_shot_problems_have_the_constraint_of_what_they_write(vocabulary):
    parsing, pictures = registry.get_problem("wsj_parsing"), registry.get_problem("imagenet")
    assert isinstance(
        ZeroShotProblem(pictures, parsing).constraint(vocabulary), tree_constraint.TreeConstraint
    )
    assert ZeroShotProblem(parsing, registry.get_problem("wmt_ende")).constraint(vocabulary) is None
