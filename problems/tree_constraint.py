"""TreeConstraint: linear forms of trees have balanced brackets, and end when the tree is complete."""

import numpy as np
import tensorflow as tf

from t2tlite.decoding.constraints import Constraint
from t2tlite.decoding.outputs import EOS
from t2tlite.problems import trees

_DEEPEST = 100  # open brackets; the Treebank's trees have fewer than 40
_START, _OPENED, _WORD, _CLOSED, _END = range(5)  # what came last
_SPACE = "\u2581"


class TreeConstraint(Constraint):
    """For a vocabulary in which brackets are whole entries.

    The top is opened first. Then a bracket may be opened while there is room to write a tag in it and to
    close all that is open; a bracket that holds something may be closed, by its own label; and any entry
    without brackets may come, since tags may be spelled, though none may add to the name of a bracket. After
    the top is closed comes the end.

    The state is (labels of the open brackets `[rows, _DEEPEST]`, their number `[rows]`, what came last
    `[rows]`), int32.

    Args:
      pieces: the vocabulary's entries, spaces written as U+2581.
      opening, closing: `{entry: entry}` of the brackets, without the top's.
      top: the entries that open and close the top.
    """

    def __init__(self, pieces: list[str], opening: dict[int, int], top: tuple[int, int]):
        size = len(pieces)
        brackets = {**opening, top[0]: top[1]}
        self._closing_of = tf.constant([brackets.get(i, -1) for i in range(size)])  # [size]
        closing = np.isin(np.arange(size), list(brackets.values()))
        words = np.array([_is_word(piece) for piece in pieces]) & ~closing & (self._closing_of.numpy() < 0)
        words[: EOS + 1] = False
        starts = words & np.array([piece.startswith(_SPACE) and piece != _SPACE for piece in pieces])
        kinds = np.select([self._closing_of >= 0, words, closing], [_OPENED, _WORD, _CLOSED], default=_END)
        self._kinds = tf.constant(kinds, tf.int32)  # [size]
        self._opens = tf.constant(np.isin(np.arange(size), list(opening)))
        only = np.arange(size)
        # What may come after each kind of entry, but for opening and closing: bool [5, size].
        self._next = tf.constant(np.stack([only == top[0], starts, words, starts, only == EOS]))

    def initial(self, rows):
        none = tf.zeros([rows], tf.int32)
        return tf.zeros([rows, _DEEPEST], tf.int32), none, none + _START

    def allowed(self, state, remaining):
        """See `Constraint.allowed`."""
        labels, depth, last = state
        inside = (last != _START) & (last != _END)
        # Behind a tag must come as many entries as brackets are open, and the end.
        word = ~inside | (last == _OPENED) | (remaining - 1 >= depth + 1)
        opened = inside & (remaining - 1 >= depth + 3) & (depth < _DEEPEST)
        innermost = tf.gather(labels, tf.maximum(depth - 1, 0), batch_dims=1)
        closed = tf.where(inside & (last != _OPENED), tf.gather(self._closing_of, innermost), -1)
        return (
            (tf.gather(self._next, last) & word[:, None])
            | (self._opens & opened[:, None])
            | (tf.range(tf.shape(self._kinds)[0]) == closed[:, None])
        )

    def advance(self, state, ids):
        """See `Constraint.advance`."""
        labels, depth, last = state
        kind = tf.gather(self._kinds, ids)
        here = (tf.range(_DEEPEST) == depth[:, None]) & (kind == _OPENED)[:, None]
        labels = tf.where(here, ids[:, None], labels)
        depth += tf.cast(kind == _OPENED, tf.int32) - tf.cast(kind == _CLOSED, tf.int32)
        return labels, depth, tf.where(depth > 0, kind, _END)


def make(vocabulary) -> TreeConstraint | None:
    """The constraint for a vocabulary; None where a bracket is no whole entry of it."""
    if vocabulary is None:
        return None
    pieces = [vocabulary.piece(i) for i in range(vocabulary.size)]
    entry = {piece: i for i, piece in enumerate(pieces)}
    top = (f"({trees.TOP}", f"{_SPACE}){trees.TOP}")
    pairs = [(f"{_SPACE}({label}", f"{_SPACE}){label}") for label in trees.LABELS]
    if any(piece not in entry for pair in (top, *pairs) for piece in pair):
        return None
    opening = {entry[opened]: entry[closed] for opened, closed in pairs}
    return TreeConstraint(pieces, opening, (entry[top[0]], entry[top[1]]))


def _is_word(piece: str) -> bool:
    """Whether an entry holds no bracket, nor is the byte of one or the unknown token."""
    return not set("()") & set(piece) and piece not in ("<0x28>", "<0x29>", "<unk>")
