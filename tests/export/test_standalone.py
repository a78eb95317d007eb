"""Source that stands alone does what the function does."""

import functools
import random
import re

import pytest

from t2tlite.errors import UserError
from t2tlite.export import standalone
from t2tlite.problems import trees

_TABLE = {"a": (1, 2), "b": (3, frozenset({"x"}))}
_WORD = re.compile(r"[a-z]+", re.IGNORECASE)
_BY_NAME = {"trees": trees.unlinear}


def _helper(text, depth=0):
    return text if depth > 2 else "".join(map(lambda word: _helper(word, depth + 1), _WORD.findall(text)))


def example(inputs, output):
    return f"{_helper(inputs)} {[_TABLE[c] for c in output if c in _TABLE]}"


def uses_others(inputs, output):
    return trees.unlinear(inputs, output)


def uses_a_package(inputs, output):
    return str(pytest.approx(output))


def uses_a_table_of_functions(inputs, output):
    return _BY_NAME[output](inputs, output)


def defined(source, name):
    namespace = {}
    exec(compile(source, "alone.py", "exec"), namespace)
    return namespace[name]


def test_what_a_function_uses_comes_along():
    alone = defined(standalone.source(example, "from_text"), "from_text")
    assert alone("Ab, cd!", "abc") == example("Ab, cd!", "abc") == f"Abcd [{_TABLE['a']}, {_TABLE['b']}]"


def test_a_function_of_that_name_stands_under_it_once():
    source = standalone.source(example, "example")
    assert defined(source, "example")("a", "b") == example("a", "b")
    assert "example = " not in source


def test_trees_are_made_alike():
    alone = defined(standalone.source(trees.unlinear, "from_text"), "from_text")
    rng = random.Random(0)
    tokens = ["(TOP", ")TOP", "(NP", ")NP", "(VP", ")VP", "NN", "VB", "(", ")", "-LRB-"]
    for _ in range(200):
        text = " ".join(rng.choices(tokens, k=rng.randrange(12)))
        sentence = " ".join(rng.choices(["the", "(", "dog"], k=rng.randrange(5)))
        assert alone(sentence, text) == trees.unlinear(sentence, text)


@pytest.mark.parametrize(
    ("function", "name"),
    [(uses_others, "trees"), (uses_a_package, "pytest"), (uses_a_table_of_functions, "_BY_NAME")],
)
def test_what_can_not_come_along(function, name):
    message = f"`{function.__name__}` of .*test_standalone uses `{name}`, which can't be"
    with pytest.raises(UserError, match=message):
        standalone.source(function, "from_text")


def test_what_is_no_function_of_a_module():
    with pytest.raises(UserError, match="must be a function of a module; received functools.partial"):
        standalone.source(functools.partial(trees.unlinear, ""), "from_text")
