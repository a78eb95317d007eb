"""The constraint and the search under it against all outputs of a small vocabulary, one by one."""

import functools
import itertools
import re

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.decoding.search.beam_search import beam_search
from t2tlite.decoding.search.constraints import Rules
from t2tlite.decoding.search.incremental import gather_rows
from t2tlite.decoding.search.outputs import Outputs
from t2tlite.ids import EOS
from t2tlite.problems import tree_constraint, trees

from ..decoding.search.toy import Toy, assert_same, penalty, rows

_SPECIAL = ["<pad>", "</s>", "<unk>", "(TOP", "\u2581)TOP"]
SPELLED = [*_SPECIAL, "\u2581(S", "\u2581)S", "\u2581(NP", "\u2581)NP", "\u2581NN", "x", "\u2581"]
WHOLE = [*_SPECIAL, "\u2581(S", "\u2581)S", "\u2581NN"]
_OPENED = 2  # brackets before a word, fewer than usual so that the bound is met


@pytest.fixture(autouse=True)
def few_opened(monkeypatch):
    monkeypatch.setattr(tree_constraint, "MOST_OPENED", _OPENED)


def constraint_of(pieces):
    opening = {i: i + 1 for i, piece in enumerate(pieces) if piece.startswith("\u2581(")}
    return tree_constraint.TreeConstraint(pieces, opening, (3, 4))


def words_of(pieces, ids):
    """How many words the tree has that the entries stand for; 0 where they stand for none."""
    text = "".join(pieces[i] for i in ids).replace("\u2581", " ")
    tokens = text.split()
    words = sum(not set("()") & set(token) for token in tokens)
    sentence = " ".join(["a"] * words)
    known = {token[1:] for token in tokens if token[0] in "()"} <= {"TOP", "S", "NP"}
    chains = re.findall(r"(?:\(\S+ )+", text.removeprefix("(TOP "))
    bounded = all(chain.count("(") <= _OPENED for chain in chains)
    whole = known and bounded and text == " ".join(tokens)
    return words if whole and trees.well_formed(trees.unlinear(sentence, text), text) else 0


@functools.cache
def all_trees(pieces, most):
    """`{words: outputs}` of at most so many entries, the end among them, by trying every sequence."""
    found: dict[int, set] = {}
    for count in range(most - 2):
        for inner in itertools.product(range(3, len(pieces)), repeat=count):
            ids = (3, *inner, 4)
            if words := words_of(pieces, ids):
                found.setdefault(words, set()).add((*ids, EOS))
    return found


def allowed_outputs(constraint, length, words):
    """All outputs that the constraint leaves, by following every entry that it allows."""
    conditions = {} if words is None else {"words": tf.constant([words])}
    state, live, ended = constraint.initial(1, conditions, length), [()], set()
    for position in range(length):
        parents, chosen = np.nonzero(constraint.allowed(state, length - position).numpy())
        assert set(parents) == set(range(len(live))), "there is always something that may come"
        made = [(*live[parent], int(entry)) for parent, entry in zip(parents, chosen, strict=True)]
        ended |= {ids for ids in made if ids[-1] == EOS}
        going = [i for i, ids in enumerate(made) if ids[-1] != EOS]
        state = gather_rows(state, parents[going])
        state = constraint.advance(state, tf.constant(chosen[going], tf.int32))
        live = [made[i] for i in going]
    assert not live, "whatever was begun has ended"
    return ended


@pytest.mark.parametrize(("pieces", "most"), [(SPELLED, 8), (WHOLE, 10)])
def test_it_allows_the_trees_of_the_sentence_and_nothing_else(pieces, most):
    trees_of = all_trees(tuple(pieces), most)
    assert len(trees_of) == most - 3 and min(len(trees_of[words]) for words in (1, 2, 3)) > 2
    constraint = constraint_of(pieces)
    for length in (4, 5, most - 1, most):
        fit = {words: {x for x in found if len(x) <= length} for words, found in trees_of.items()}
        for words in range(1, length - 2):
            assert allowed_outputs(constraint, length, words) == fit[words], (length, words)
        assert allowed_outputs(constraint, length, None) == set.union(*fit.values())
        too_many = allowed_outputs(constraint, length, length)
        assert too_many == {(3, *[pieces.index("\u2581NN")] * (length - 3), 4, EOS)}


def searched(toy, constraint, words, beam_size, alpha):
    def body(numbers, conditions):
        rules = Rules(toy.length, 0, constraint, conditions)
        return beam_search(toy, numbers, rules, beam_size, alpha, True)

    numbers = np.arange(len(words), dtype=np.int32)
    found = tf.function(body, autograph=False)(numbers, {"words": tf.constant(words)})
    return Outputs(*(x.numpy() for x in found))


def log_probability(toy, number, ids):
    return sum(toy.next(number, ids[:i])[entry] for i, entry in enumerate(ids))


WORDS = [1, 2, 3, 4, 9]


@pytest.mark.parametrize("alpha", [-1.0, 0.0, 0.6])
def test_with_full_width_the_search_finds_all_trees_in_their_order(alpha):
    toy = Toy(10, len(WHOLE), seed=3)
    found = searched(toy, constraint_of(WHOLE), WORDS, 300, alpha)
    for number, words in enumerate(WORDS):
        # Of a sentence of 9 words 7 have room.
        outputs = all_trees(tuple(WHOLE), toy.length)[min(words, 7)]
        totals = {ids: log_probability(toy, number, ids) for ids in outputs}
        expected = [(total / penalty(len(ids), alpha), total, ids) for ids, total in totals.items()]
        assert len(expected) < 300
        assert_same(rows(found, number), sorted(expected, reverse=True))


@pytest.mark.parametrize("beam_size", [1, 2, 3, 5])
def test_every_beam_is_the_plain_search_among_the_trees(beam_size):
    """So the state of each sequence moves with it."""
    toy = Toy(10, len(WHOLE), seed=4)
    found = searched(toy, constraint_of(WHOLE), WORDS, beam_size, 0.6)
    for number, words in enumerate(WORDS):
        outputs = all_trees(tuple(WHOLE), toy.length)[min(words, 7)]
        begun = {ids[:i] for ids in outputs for i in range(len(ids))}
        live, ended = [(0.0, ())], []
        for _ in range(toy.length):
            logs = [(total, ids, toy.next(number, ids)) for total, ids in live]
            made = [(total + log[i], (*ids, i)) for total, ids, log in logs for i in range(toy.size)]
            ended += [(total / penalty(len(ids), 0.6), total, ids) for total, ids in made if ids in outputs]
            live = sorted(((total, ids) for total, ids in made if ids in begun), reverse=True)[:beam_size]
        assert_same(rows(found, number), sorted(ended, reverse=True)[:beam_size])
