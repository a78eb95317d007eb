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
_TOPS = frozenset(["", TOP, "ROOT", "S1"])  # the Treebank's own files, and what programs write for them
_UNKNOWN_TAG = "XX"  # the Treebank's tag for a word of unknown class
_BRACKETS = {"(": "-LRB-", ")": "-RRB-"}
_WORD = r"[^()\s]+"
_TOKEN = re.compile(rf"[()]|{_WORD}")
_PART = re.compile(rf"\(({_WORD}) {_WORD}\)|\(({_WORD})|\)")  # a tag with its word, an opening, a closing


class NoTree(UserError):
    """A text is not what was expected of trees.

    Attributes:
      reason: what is wrong, in the same words for all of its kind.
    """

    def __init__(self, reason: str, text: str):
        super().__init__(f"{reason}: {text!r:.80}")
        self.reason = reason


def read(text: str) -> list[str]:
    """All trees of a text, each as it is scored: a line of brackets under one TOP.

    As usual, traces (-NONE-) are left out with the constituents that they leave empty, and labels lose their
    functions and indices: NP-SBJ-1 and NP=2 become NP, PRT|ADVP becomes PRT. Tags and words stay as they are.

    Args:
      text: trees in brackets, over any number of lines; with or without a label at the top.

    Returns:
      A line for each tree, "" for one without words.

    Raises:
      NoTree: brackets do not balance, or something is not in brackets.
    """
    stack: list[list[str | list[str]]] = [[]]  # of open brackets: `str` as read, lists of closed constituents
    for token in _TOKEN.findall(text):
        if token == "(":
            stack.append([])
        elif token != ")":
            stack[-1].append(token)
        elif len(stack) > 1:
            done = stack.pop()
            stack[-1].append(_constituents(done, text))
        else:
            raise NoTree("a tree closes a bracket that it did not open", text)
    if len(stack) > 1:
        raise NoTree("a tree leaves brackets open", text)
    if any(isinstance(x, str) for x in stack[0]):
        raise NoTree("expected trees in brackets", text)
    return [_bracket([TOP, *parts]) if parts else "" for parts in stack[0]]


def canonical(line: str) -> str:
    """The one tree of a text as `read` gives it.

    Raises:
      NoTree: there is not one tree, or it has no words.
    """
    found = read(line)
    if len(found) != 1:
        raise NoTree("expected one tree in brackets", line)
    if not found[0]:
        raise NoTree("a tree has no words", line)
    return found[0]


def words(line: str) -> list[str]:
    """The words of a tree in brackets, from left to right."""
    return re.findall(rf"({_WORD})\s*\)", line)


def linear(line: str) -> str:
    """The linear form of a tree.

    Raises:
      NoTree: the line is not one tree with words.
    """
    tokens, labels = [], []
    for tag, label in _PART.findall(canonical(line)):
        if label:
            labels.append(label)
        tokens.append(tag or (f"({label}" if label else f"){labels.pop()}"))
    return " ".join(tokens)


def unlinear(sentence: str, text: str) -> str:
    """The tree that a linear form stands for, as one line; whatever the text is, the result is a tree.

    A closing bracket closes what was opened since its label was opened, and is left out where it was not.
    Tags beyond the last word are left out, words beyond the last tag are given the tag XX.

    Args:
      sentence: its words, separated by spaces.
      text: the linear form, as a model wrote it; `well_formed` tells whether it was one.
    """
    left = [re.sub("[()]", lambda found: _BRACKETS[found[0]], word) for word in reversed(sentence.split())]
    stack = [[TOP]]
    for token in text.split():
        label = re.sub("[()]", "", token) or _UNKNOWN_TAG
        if token.startswith("("):
            if label != TOP:
                stack.append([label])
        elif token.startswith(")"):
            if label in [part[0] for part in stack[1:]]:
                while _close(stack) != label:
                    pass
        elif left:
            stack[-1].append(f"({label} {left.pop()})")
    while left:
        stack[-1].append(f"({_UNKNOWN_TAG} {left.pop()})")
    while len(stack) > 1:
        _close(stack)
    return _bracket(stack[0])


def wordless(text: str) -> str:
    """The tree that a linear form stands for, with "_" for each word, where the words are not known."""
    tags = [token for token in text.split() if not token.startswith(("(", ")"))]
    return unlinear(" ".join("_" for _ in tags), text)


def well_formed(tree: str, text: str) -> bool:
    """Whether a text was the linear form of a tree as it stands, so that `unlinear` had nothing to repair.

    Args:
      tree: what `unlinear` made of the text.
      text: as a model wrote it; how many spaces are between its parts does not matter.
    """
    try:
        return linear(tree) == " ".join(text.split())
    except NoTree:  # of no words
        return False


def _bracket(parts: list[str]) -> str:
    return f"({' '.join(parts)})"


def _close(stack: list[list[str]]) -> str:
    done = stack.pop()
    if len(done) > 1:  # a bracket without a word is no constituent
        stack[-1].append(_bracket(done))
    return done[0]


def _constituents(parts: list[str | list[str]], text: str) -> list[str]:
    """What becomes of a bracket: one constituent, none for a trace, and of an inner TOP its parts."""
    label, rest = "", parts
    if parts and isinstance(parts[0], str):
        label, rest = parts[0], parts[1:]
    if len(rest) == 1 and isinstance(rest[0], str):
        return [] if label == "-NONE-" else [_bracket([label, rest[0]])]
    if any(isinstance(x, str) for x in rest):
        raise NoTree("a word stands beside other parts of a constituent; it needs a tag", text)
    inner = [constituent for part in rest for constituent in part]
    label = re.sub(r"^([^-=|]+)[-=|].*", r"\1", label)
    return inner if label in _TOPS or not inner else [_bracket([label, *inner])]
