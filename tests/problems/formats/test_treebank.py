import gzip

import pytest

from t2tlite.errors import UserError
from t2tlite.problem import Broken, Dropped
from t2tlite.problems.formats import lines, treebank

MERGED = rb"""
( (S
    (NP-SBJ-1 (NNP Pierre) (NNP Vinken) )
    (VP (MD will)
      (VP (VB join)
        (NP (DT the) (NN board) )
        (SBAR (-NONE- 0)
          (S (-NONE- *T*-1) ))
        (PRT|ADVP (RP up) )))
    (. .) ))
( (NP (CD 1\/2) (-LRB- -LRB-) (NN dog) (-RRB- -RRB-) ))

( (FRAG
    (NP=2 (NNP \*))
    (. ?) ))
"""
TREES = [
    "(TOP (S (NP (NNP Pierre) (NNP Vinken)) (VP (MD will) (VP (VB join) (NP (DT the) (NN board))"
    " (PRT (RP up)))) (. .)))",
    r"(TOP (NP (CD 1\/2) (-LRB- -LRB-) (NN dog) (-RRB- -RRB-)))",
    r"(TOP (FRAG (NP (NNP \*)) (. ?)))",
]


def write(tmp_path, content, name="wsj_0001.mrg"):
    path = tmp_path / name
    path.write_bytes(content)
    return str(path)


def read(tmp_path, content):
    return list(treebank.read([lines.Range(write(tmp_path, content))]))


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_trees_over_several_lines(tmp_path, end):
    assert read(tmp_path, MERGED.replace(b"\n", end)) == TREES


def test_several_files_one_of_them_compressed(tmp_path):
    first = write(tmp_path, b"\xef\xbb\xbf(NN a)", "a.mrg")
    second = write(tmp_path, gzip.compress(b"(NN b)\n(NN c)\n"), "b.mrg.gz")
    found = treebank.read([lines.Range(first), lines.Range(second)])
    assert list(found) == ["(TOP (NN a))", "(TOP (NN b))", "(TOP (NN c))"]


def test_several_trees_a_line_and_lines_that_begin_with_space(tmp_path):
    assert read(tmp_path, b"(NN a) (NN b)\n  (NN c)\n") == ["(TOP (NN a))", "(TOP (NN b))", "(TOP (NN c))"]


BROKEN = {  # (what stands in place of the second tree, why it can't be read, the line that is named)
    "left open": (b"( (S\n  (NP (NN a) )\n  (VP (VB b)\n", "a tree leaves brackets open", 12),
    "one too many": (b"( (S\n  (NN a) )))\n", "a tree closes a bracket that it did not open", 12),
    "closed early": (b"( (S\n  (NN a) )) )\n  (VP (VB b) ))\n", "a tree closes a bracket that it did", 12),
    "a word alone": (b"( (S\n  a (NN b) ))\n", "a word stands beside other parts of a constituent", 12),
    "text": (b"(NN a)\nand some text\n", "expected trees in brackets", 12),
    "Latin-1": (b"\n( (S\n  (NN caf\xe9) ))\n", "not UTF-8", 13),
}


@pytest.mark.parametrize("name", BROKEN)
def test_after_a_tree_that_can_not_be_read_the_next_one_is(tmp_path, name):
    text, reason, line = BROKEN[name]
    first, second, third = MERGED.split(b"\n( ")[1:]
    content = b"\n( " + first + b"\n\n" + text + b"( " + third
    found = read(tmp_path, content)
    assert [found[0], found[2]] == [TREES[0], TREES[2]] and len(found) == 3
    assert isinstance(found[1], Broken) and found[1].reason.startswith(reason)
    assert found[1].where == f"{tmp_path}/wsj_0001.mrg:{line}"


def test_a_file_without_trees(tmp_path):
    path = f"{tmp_path}/wsj_0001.mrg"
    assert read(tmp_path, b"\n") == []
    assert read(tmp_path, b"\nsome text\nand more\n") == [Broken("expected trees in brackets", f"{path}:2")]
    assert read(tmp_path, b" (NN a)\n" * 600_000 + b"(NN b)\n") == [
        Broken("no tree begins at the start of a line for 4 MiB", f"{path}:1"),
        "(TOP (NN b))",
    ]


def test_a_tree_without_words_is_dropped(tmp_path):
    found = read(tmp_path, b"( (S (-NONE- *) ))\n(())\n(NN a)\n")
    assert found == [Dropped("a tree without words")] * 2 + ["(TOP (NN a))"]


def test_a_damaged_file_is_named(tmp_path):
    path = write(tmp_path, gzip.compress(b"(NN a)\n" * 1000)[:-9], "a.gz")
    with pytest.raises(UserError, match="a.gz is damaged or not a gzip file"):
        list(treebank.read([lines.Range(path)]))


@pytest.mark.parametrize("size", [1, 7, 50, 1000])
def test_ranges_together_have_each_tree_once(tmp_path, size):
    """Wherever the lines are cut, and a tree that can't be read keeps the number of its line."""
    path = write(tmp_path, (MERGED + b"( (S\n(NN x)\n\n") * 3)
    whole = list(treebank.read([lines.Range(path)]))
    assert whole[:3] == TREES and len(whole) == 15
    starts, start = [], 0
    for number, line in enumerate(open(path, "rb"), 1):
        if not starts or start - starts[-1][0] >= size:
            starts.append((start, number))
        start += len(line)
    ends = [byte for byte, _ in starts[1:]] + [start]
    ranges = [lines.Range(path, s, e, n) for (s, n), e in zip(starts, ends, strict=True)]
    assert [tree for part in ranges for tree in treebank.read([part])] == whole
