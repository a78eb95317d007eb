"""TreeConstraint: outputs are linear forms of trees, with exactly the words of their sentence."""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from t2tlite.data.text.vocabulary import SPACE
from t2tlite.data.text.words import WHITESPACE, count_words
from t2tlite.decoding.search.constraints import Constraint
from t2tlite.ids import EOS
from t2tlite.problems import trees

MOST_OPENED = 16  # brackets opened between two words; a unary chain is no longer than that
_DEEPEST = 100  # open brackets; the Treebank's trees have fewer than 40
_ROOM = 4  # entries a word; a tree of the Treebank has 2.6 on average
_ANY = 2**30  # words, where there is no sentence to say how many
_START, _OPENED, _SPACED, _TAG, _CLOSED, _END = range(6)  # what came last
_CONTROL = 3  # padding, the end and the unknown token come first


class _State(NamedTuple):
    """Of each row, int32.

    Attributes:
      labels: `[rows, _DEEPEST]`, the open brackets.
      depth: their number.
      opened: brackets opened since the last word, without the top.
      last: what came last.
      least, most: words that must and that may still come.
    """

    labels: Any
    depth: Any
    opened: Any
    last: Any
    least: Any
    most: Any


class TreeConstraint(Constraint):
    """For a vocabulary in which brackets are whole entries.

    A tree has exactly as many tags as its sentence has words, those that `trees.unlinear` gives them to. The
    top is opened first and closed last. A bracket is closed by its own label, once it holds a word. At most
    `MOST_OPENED` brackets are opened between two words, and none where there would be no room left for the
    words and for closing what is open. Tags may be spelled, by entries without brackets or white space in
    them, while there is room.

    Where there is no sentence (the input is a picture), a tree has one word or more. The greatest length must
    hold the words and three entries more: the top's two brackets and the end. Where it doesn't, the tree has
    as many of the first words as fit, so that it is told to be none of its sentence and repaired.

    Args:
      pieces: the vocabulary's entries, spaces written as U+2581; "" for one that is not part of any text.
      opening: `{entry: entry}` of the brackets and what closes them, without the top's.
      top: the entries that open and close the top.
    """

    spec = {"words": tf.TensorSpec([None], tf.int32)}

    def __init__(self, pieces: list[str], opening: dict[int, int], top: tuple[int, int]):
        size = len(pieces)
        entries = np.arange(size)
        brackets = {**opening, top[0]: top[1]}
        closes = np.isin(entries, list(brackets.values()))
        ordinary = np.array([_may_spell(piece) for piece in pieces]) & (entries >= _CONTROL)
        spaced = np.array([piece.startswith(SPACE) for piece in pieces])
        lone = np.array([piece == SPACE for piece in pieces])
        tags, goes_on = ordinary & spaced & ~lone, ordinary & ~spaced
        kinds = np.select(
            [np.isin(entries, list(brackets)), closes, lone, tags | goes_on],
            [_OPENED, _CLOSED, _SPACED, _TAG],
            _END,
        )
        self._kinds = tf.constant(kinds, tf.int32)  # [size]
        self._closing_of = tf.constant([brackets.get(i, -1) for i in range(size)])
        self._opens = tf.constant(np.isin(entries, list(opening)))
        self._tags, self._lone, self._goes_on = map(tf.constant, (tags, lone, goes_on))
        self._first, self._end = tf.constant(entries == top[0]), tf.constant(entries == EOS)

    def conditions(self, texts):
        """See `Constraint.conditions`."""
        return {"words": count_words(texts)}

    def positions(self, texts):
        """See `Constraint.positions`."""
        return _ROOM * count_words(texts)

    def initial(self, rows, conditions, length):
        """See `Constraint.initial`."""
        none = tf.zeros([rows], tf.int32)
        least, most = none + 1, none + _ANY
        if conditions:
            least = most = tf.clip_by_value(conditions["words"], 1, max(length - 3, 1))
        return _State(tf.zeros([rows, _DEEPEST], tf.int32), none, none, none + _START, least, most)

    def allowed(self, state, remaining):
        """See `Constraint.allowed`."""
        labels, depth, opened, last, least, most = state
        inside = (last != _START) & (last != _SPACED) & (last != _END)
        spelling = tf.cast(last == _SPACED, tf.int32)
        spare = remaining - (least + spelling + depth + 1)  # entries beyond those that it takes to end
        optional = tf.cast(least == 0, tf.int32)  # another word costs room only where none has to come
        word = inside & ((least > 0) | ((most > 0) & (spare >= 1)))
        spaced = inside & (most > 0) & (spare >= optional + 1)
        bracket = spaced & (spare >= optional + 2) & (depth < _DEEPEST) & (opened < MOST_OPENED)
        more = (last == _SPACED) | ((last == _TAG) & (spare >= 1))
        closed = inside & (last != _OPENED) & ((depth > 1) | (least == 0))
        innermost = tf.gather(labels, tf.maximum(depth - 1, 0), batch_dims=1)
        closing = tf.where(closed, tf.gather(self._closing_of, innermost), -1)
        may = [
            (last == _START, self._first),
            (word, self._tags),
            (spaced, self._lone),
            (bracket, self._opens),
            (more, self._goes_on),
            (last == _END, self._end),
        ]
        found = tf.range(tf.size(self._kinds)) == closing[:, None]  # [rows, size]
        for here, entries in may:
            found |= here[:, None] & entries
        return found

    def advance(self, state, ids):
        """See `Constraint.advance`."""
        labels, depth, opened, last, least, most = state
        kind = tf.gather(self._kinds, ids)
        opens, closes = kind == _OPENED, kind == _CLOSED
        begun = tf.cast(tf.gather(self._tags | self._lone, ids), tf.int32)
        here = (tf.range(_DEEPEST) == depth[:, None]) & opens[:, None]
        least = tf.maximum(least - begun, tf.cast(opens, tf.int32))
        opened = tf.where(opens & (depth > 0), opened + 1, 0)
        depth += tf.cast(opens, tf.int32) - tf.cast(closes, tf.int32)
        last = tf.where(depth > 0, kind, _END)
        return _State(tf.where(here, ids[:, None], labels), depth, opened, last, least, most - begun)


def make(vocabulary) -> TreeConstraint | None:
    """The constraint for a vocabulary; None where a bracket or tag is no whole entry of it."""
    if vocabulary is None:
        return None
    pieces = [_piece(vocabulary, i) for i in range(vocabulary.size)]
    entry = {piece: i for i, piece in enumerate(pieces)}
    if any(symbol.replace(" ", SPACE) not in entry for symbol in trees.SYMBOLS):
        return None
    opening = {entry[f"{SPACE}({label}"]: entry[f"{SPACE}){label}"] for label in trees.LABELS}
    return TreeConstraint(pieces, opening, (entry[f"({trees.TOP}"], entry[f"{SPACE}){trees.TOP}"]))


def _piece(vocabulary, i: int) -> str:
    """An entry as it stands in a text; "" for one that does not, such as a beginning of a sentence."""
    piece = vocabulary.piece(i)
    return piece if piece == SPACE or vocabulary.decode([i]) else ""


# First bytes of what ends a tag, brackets and white space, in UTF-8: entries for bytes could spell one.
_ENDS = {f"<0x{character.encode()[0]:02X}>" for character in f"(){WHITESPACE[1:-1]}"}


def _may_spell(piece: str) -> bool:
    """Whether an entry, but for a space at its beginning, can be part of a tag."""
    text = piece.removeprefix(SPACE)
    whole = not any(character in f"(){SPACE}" or character.isspace() for character in text)
    return whole and text != "" and piece not in _ENDS
