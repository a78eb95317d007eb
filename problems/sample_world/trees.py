"""Parse trees in the Penn Treebank's brackets: nested tuples, their text, and back."""

from t2tlite.problems.sample_world import writing

# A tree is (label, child, child, ...); a child is a tree, or the word under a tag.
Tree = tuple


def bracket(tree: Tree) -> str:
    """One line: (S (NP (DT the) (NN dog)) ...)."""
    label, *children = tree
    return f"({label} {' '.join(child if isinstance(child, str) else bracket(child) for child in children)})"


def leaves(tree: Tree) -> list[str]:
    """The words, from left to right."""
    words = []
    for child in tree[1:]:
        words.extend([child] if isinstance(child, str) else leaves(child))
    return words


def capitalised(tree: Tree) -> Tree:
    """The tree with a capital at its first word."""
    label, first, *rest = tree
    return (label, writing.capital(first) if isinstance(first, str) else capitalised(first), *rest)


def labels(tree: Tree) -> list[str]:
    """All labels and tags, from the top."""
    found = [tree[0]]
    for child in tree[1:]:
        if not isinstance(child, str):
            found.extend(labels(child))
    return found


def parse(text: str) -> Tree:
    """The tree that `bracket` wrote.

    Raises:
      ValueError: the brackets do not balance.
    """
    tokens = text.replace("(", " ( ").replace(")", " ) ").split()
    stack: list[list] = [[]]
    for token in tokens:
        if token == "(":
            stack.append([])
        elif token != ")":
            stack[-1].append(token)
        elif len(stack) < 2:
            raise ValueError(f"A bracket is closed that was not opened. Received: {text!r}.")
        else:
            finished = tuple(stack.pop())
            stack[-1].append(finished)
    if len(stack) != 1 or len(stack[0]) != 1:
        raise ValueError(f"The brackets do not balance. Received: {text!r}.")
    return stack[0][0]
