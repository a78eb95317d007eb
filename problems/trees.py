"""Penn Treebank trees: one-line brackets to the linear form a model writes, and back.

The linear form (Vinyals et al. 2015, "Grammar as a Foreign Language", arXiv 1412.7449) leaves the words out,
since they stand in the sentence, and closes each bracket by its label:

    (TOP (S (NP (DT the) (NN dog)) (VP (VBZ runs)) (. .)))
    (TOP (S (NP DT NN )NP (VP VBZ )VP . )S )TOP
"""

import re

from t2tlite.errors import UserError

TOP = "TOP"
LABELS = tuple(
    "ADJP ADVP CONJP FRAG INTJ LST NAC NP NX PP PRN PRT QP RRC S SBAR SBARQ SINV SQ UCP VP WHADJP WHADVP WHNP"
    " WHPP X".split()
)
TAGS = tuple(
    "CC CD DT EX FW IN JJ JJR JJS LS MD NN NNS NNP NNPS PDT POS PRP PRP$ RB RBR RBS RP SYM TO UH VB VBD VBG"
    " VBN VBP VBZ WDT WP WP$ WRB # $ . , : `` '' -LRB- -RRB-".split()
)
SYMBOLS = (
    f"({TOP}",
    f" ){TOP}",
    *(f" ({label}" for label in LABELS),
    *(f" ){label}" for label in LABELS),
    *(f" {tag}" for tag in TAGS),
)
_UNKNOWN_TAG = "XX"  # the Treebank's tag for a word of unknown class
_BRACKETS = {"(": "-LRB-", ")": "-RRB-"}

# A tree is a list: its label, then trees or, for a tag, one word.


def parse(line: str) -> list:
    """Reads a tree from one line.

    Raises:
      UserError: the brackets do not balance, or the line is not one tree.
    """
    stack = [[]]
    for token in re.findall(r"[()]|[^()\s]+", line):
        if token == "(":
            stack.append([])
        elif token != ")":
            stack[-1].append(token)
        elif len(stack) == 1:
            raise UserError(f"a tree closes a bracket that it did not open: {line!r:.80}")
        else:
            done = stack.pop()
            if not done or isinstance(done[0], list):
                done.insert(0, "")  # files of the Treebank have no label at the top
            stack[-1].append(done)
    if len(stack) > 1:
        raise UserError(f"a tree leaves {len(stack) - 1} brackets open: {line!r:.80}")
    if len(stack[0]) != 1 or isinstance(stack[0][0], str):
        raise UserError(f"expected one tree in brackets, got {line!r:.80}")
    return stack[0][0]


def bracket(tree: list) -> str:
    """Writes a tree as one line."""
    return f"({' '.join([tree[0], *(x if isinstance(x, str) else bracket(x) for x in tree[1:])])})"


def words(tree: list) -> list[str]:
    """The words of a tree, from left to right."""
    return [w for x in tree[1:] for w in ([x] if isinstance(x, str) else words(x))]


def canonical(line: str) -> str:
    """A tree as it is scored: under one TOP, without traces, function tags and coindices."""
    tree = _bare(parse(line))
    if tree is None:
        raise UserError(f"a tree has no words: {line!r:.80}")
    return bracket(tree if tree[0] == TOP else [TOP, tree])


def linear(line: str) -> str:
    """The linear form of a tree."""
    return " ".join(_tokens(parse(canonical(line))))


def unlinear(sentence: str, text: str) -> str:
    """The tree that a linear form stands for, as one line; whatever the text is, the result is a tree.

    A closing bracket closes what was opened since its label was opened, and is left out where it was not.
    Tags beyond the last word are left out, words beyond the last tag are given the tag XX.

    Args:
      sentence: its words, separated by spaces.
      text: the linear form, as a model wrote it.
    """
    left = [_BRACKETS.get(word, word) for word in reversed(sentence.split())]
    stack = [[TOP]]
    for token in text.split():
        label = re.sub(r"[()]", "", token) or _UNKNOWN_TAG
        if token.startswith("("):
            if label != TOP:
                stack.append([label])
        elif token.startswith(")"):
            if label in [tree[0] for tree in stack[1:]]:
                while _close(stack) != label:
                    pass
        elif left:
            stack[-1].append([label, left.pop()])
    while left:
        stack[-1].append([_UNKNOWN_TAG, left.pop()])
    while len(stack) > 1:
        _close(stack)
    return bracket(stack[0])


def _close(stack: list[list]) -> str:
    done = stack.pop()
    if len(done) > 1:  # a bracket without a word is no constituent
        stack[-1].append(done)
    return done[0]


def _tokens(tree: list) -> list[str]:
    if _is_tag(tree):
        return [tree[0]]
    return [f"({tree[0]}", *(token for x in tree[1:] for token in _tokens(x)), f"){tree[0]}"]


def _is_tag(tree: list) -> bool:
    return len(tree) == 2 and isinstance(tree[1], str)


def _bare(tree: list) -> list | None:
    if _is_tag(tree):
        return None if tree[0] == "-NONE-" else tree
    kept = []
    for x in tree[1:]:
        if isinstance(x, str):
            raise UserError(f"the word {x!r} stands beside other parts of {tree[0] or TOP}; it needs a tag")
        bare = _bare(x)
        if bare is not None:
            kept.append(bare)
    return [re.sub(r"(?<=.)[-=|].*", "", tree[0]) or TOP, *kept] if kept else None
