"""Trees are balanced whatever the model would rather write, and no tree of the data is left out."""

import re

import numpy as np
import pytest
import tensorflow as tf

from t2tlite import registry
from t2tlite.data.vocabulary import Vocabulary
from t2tlite.decoding.constraints import Rules
from t2tlite.decoding.outputs import EOS, Outputs
from t2tlite.decoding.sampling import Noise, greedy, sample
from t2tlite.decoding.search import search
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
    return Vocabulary.train([trees.linear(tree) for tree in examples] + ["some words"], 420, trees.SYMBOLS)


@pytest.fixture(scope="module")
def constraint(vocabulary):
    return registry.get_problem("wsj_parsing").constraint(vocabulary)


def is_balanced(text):
    """Whether it is one tree: brackets close by label, each holds something, and one TOP holds all."""
    stack, done = [], False
    for token in text.split():
        if done:
            return False
        if token.startswith("("):
            if bool(stack) == (token == "(TOP"):
                return False
            stack.append([token[1:], 0])
        elif token.startswith(")"):
            if not stack or stack[-1][0] != token[1:] or not stack.pop()[1]:
                return False
            done = not stack
        elif not stack or "(" in token or ")" in token:
            return False
        if stack and not token.startswith("("):
            stack[-1][1] += 1
    return done


WAYS = {
    "greedy": lambda model, rows, rules: greedy(model, rows, rules),
    "beam": lambda model, rows, rules: search(model, rows, rules, 4, 0.6, True),
    "samples": lambda model, rows, rules: sample(
        model, rows, rules, Noise(tf.constant([1, 2]), rows), 3, 1.5
    ),
}


def decoded(way, model, constraint, rows=24, min_length=0):
    rules = Rules(model.length, min_length, constraint)
    run = tf.function(lambda numbers: WAYS[way](model, numbers, rules), autograph=False)
    found = Outputs(*(x.numpy() for x in run(tf.range(rows))))
    return found.ids[found.score > -np.inf]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("length", [4, 5, 9, 40])
def test_whatever_the_model_a_tree_is_written(vocabulary, constraint, way, length):
    brackets = [i for i in range(vocabulary.size) if set("()") & set(vocabulary.piece(i))]
    model = RandomModel(length, vocabulary.size, brackets, 4.0)
    ids = decoded(way, model, constraint)
    texts = {vocabulary.decode(row) for row in ids}
    assert len(texts) > 3
    for text in texts:
        assert is_balanced(text), text
    assert all(EOS in row for row in ids), "there is always room to close what is open"
    assert max(np.count_nonzero(row) for row in ids) <= length
    depth = max(text.count("(") for text in texts)
    assert depth > 2 or length < 9, "or else no bracket inside another was tried"


def test_without_it_no_tree_is_written(vocabulary):
    texts = [vocabulary.decode(row) for row in decoded("samples", RandomModel(20, vocabulary.size), None)]
    assert not any(map(is_balanced, texts))


@pytest.mark.parametrize("favoured", ["opening", "tags"])
def test_a_model_that_never_closes(vocabulary, constraint, favoured):
    pieces = [vocabulary.piece(i) for i in range(vocabulary.size)]
    kinds = {"opening": r"\u2581\([A-Z]+", "tags": r"\u2581[A-Z]+"}
    wanted = [i for i, piece in enumerate(pieces) if re.fullmatch(kinds[favoured], piece)]
    for length in (12, 300):
        for row in decoded("greedy", RandomModel(length, vocabulary.size, wanted), constraint, 4):
            assert EOS in row and is_balanced(vocabulary.decode(row))
            assert np.count_nonzero(row) == length, "it goes on as long as it can"


def test_the_least_length_gives_way(vocabulary, constraint):
    """A tree that is complete can only end."""
    for row in decoded("samples", RandomModel(30, vocabulary.size), constraint, min_length=30):
        assert EOS in row and is_balanced(vocabulary.decode(row))


def test_every_tree_of_the_data_may_be_written(vocabulary, constraint, examples):
    for tree in examples[:60]:
        ids = [*vocabulary.encode(trees.linear(tree)), EOS]
        state = constraint.initial(1)
        for i, entry in enumerate(ids):
            allowed = constraint.allowed(state, len(ids) - i)  # no more room than it takes
            assert allowed[0, entry], (tree, vocabulary.piece(entry))
            state = constraint.advance(state, tf.constant([entry]))


def test_tags_may_be_spelled(constraint, vocabulary):
    """A tag that is no entry of its own, as another corpus may have it."""
    ids = vocabulary.encode("(TOP (NP DTx )NP )TOP")
    state = constraint.initial(1)
    for i, entry in enumerate(ids):
        assert constraint.allowed(state, 40 - i)[0, entry], vocabulary.piece(entry)
        state = constraint.advance(state, tf.constant([entry]))
    spelled = [vocabulary.piece(i) for i in ids if vocabulary.piece(i) not in ("(TOP", "\u2581)TOP")]
    assert len(spelled) > 3


def test_a_vocabulary_without_brackets_as_entries():
    plain = Vocabulary.train(["(TOP (NP DT NN )NP )TOP", "the dog"], 280)
    assert registry.get_problem("wsj_parsing").constraint(plain) is None
    assert tree_constraint.make(None) is None
    assert registry.get_problem("wmt_ende").constraint(plain) is None
