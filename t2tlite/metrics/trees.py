"""Constituency trees in one-line brackets: whole trees, and labeled brackets by EVALB's rules."""

import re
from collections import Counter
from typing import NamedTuple

from t2tlite import registry
from t2tlite.metrics import Texts, first, lower_is_better, percent

# EVALB's COLLINS.prm: labels that don't count, whose words don't either, and a pair that counts as one.
_DELETED = frozenset(["TOP", "-NONE-", ",", ":", "``", "''", "."])
_SAME = {"PRT": "ADVP"}


class RepairedTree(str):
    """A tree that was made of an output which was none: what `from_text` returns to have it counted."""


class _Tree(NamedTuple):
    words: list[str]
    tags: list[str]
    spans: list[tuple[str, int, int]]  # label, and the words it covers: from, to (exclusive)


@registry.register_metric
def full_trees(outputs: Texts, references: Texts) -> float:
    """Percent of outputs that are the reference tree in every bracket and tag, higher is better."""
    pairs = list(zip(first(outputs), first(references), strict=True))
    return percent(sum(_tokens(output) == _tokens(reference) for output, reference in pairs), len(pairs))


@registry.register_metric
def bracketing_f1(outputs: Texts, references: Texts) -> float:
    """Labeled bracket F1 over the corpus in percent, higher is better, as EVALB with COLLINS.prm counts it.

    Tags, TOP, traces and empty brackets don't count, nor does punctuation (by the reference's tags, so that
    a wrong tag doesn't put a sentence out of the count, as it does in EVALB). ADVP and PRT are one label, and
    function tags are cut off. An output that is no tree, or has other words, has no right bracket.
    """
    right = predicted = expected = 0
    for output, reference in zip(first(outputs), first(references), strict=True):
        gold, tree = _read(reference), _read(output)
        if gold is None:
            raise ValueError(f"the reference is no tree: {reference!r:.80}")
        counted = [tag not in _DELETED for tag in gold.tags]
        brackets = _brackets(gold, counted)
        expected += brackets.total()
        if tree is not None and tree.words == gold.words:
            written = _brackets(tree, counted)
            predicted += written.total()
            right += (brackets & written).total()
        elif tree is not None:
            predicted += _brackets(tree, [tag not in _DELETED for tag in tree.tags]).total()
    return percent(2 * right, predicted + expected)


@registry.register_metric
@lower_is_better
def repaired_trees(outputs: Texts, references: Texts) -> float:
    """Percent of outputs that were no tree of their sentence, repaired since or not; lower is better.

    Repaired ones are known by being a `RepairedTree`, as `from_text` gives them.
    """
    pairs = list(zip(first(outputs), first(references), strict=True))
    return percent(sum(not _is_whole(output, reference) for output, reference in pairs), len(pairs))


def _is_whole(output: str, reference: str) -> bool:
    gold, tree = _read(reference), _read(output)
    same = tree is not None and gold is not None and tree.words == gold.words
    return same and not isinstance(output, RepairedTree)


def _brackets(tree: _Tree, counted: list[bool]) -> Counter:
    """The labeled spans over the words that count."""
    place = [0]
    for one in counted:
        place.append(place[-1] + one)
    spans: Counter = Counter()
    for label, start, end in tree.spans:
        label = re.split("[-=]", label)[0]
        if label not in _DELETED and place[start] < place[end]:
            spans[_SAME.get(label, label), place[start], place[end]] += 1
    return spans


def _tokens(line: str) -> list[str]:
    return re.findall(r"[()]|[^()\s]+", line)


def _read(line: str) -> _Tree | None:
    """Reads one tree; None where the line is none."""
    tree = _Tree([], [], [])
    tokens = _tokens(line)
    open_brackets: list[tuple[str, int]] = []
    i = 0
    while i < len(tokens):
        if tokens[i] == "(" and not _is_symbol(tokens, i + 2) and _is_symbol(tokens, i + 1):
            open_brackets.append((tokens[i + 1], len(tree.words)))
            i += 2
        elif tokens[i] == "(" and _is_symbol(tokens, i + 1) and tokens[i + 3 : i + 4] == [")"]:
            if tokens[i + 1] != "-NONE-":
                tree.tags.append(tokens[i + 1])
                tree.words.append(tokens[i + 2])
            i += 4
        elif tokens[i] == "(" and tokens[i + 1 : i + 2] == ["("]:
            open_brackets.append(("", len(tree.words)))  # files of the Treebank have no label at the top
            i += 1
        elif tokens[i] == ")" and open_brackets:
            label, start = open_brackets.pop()
            if label:
                tree.spans.append((label, start, len(tree.words)))
            i += 1
        else:
            return None
    return tree if tree.words and not open_brackets else None


def _is_symbol(tokens: list[str], i: int) -> bool:
    return i < len(tokens) and tokens[i] not in "()"
