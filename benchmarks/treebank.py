"""A corpus like the Penn Treebank, to learn parsing from few trees: invented words, real constructions.

    python benchmarks/treebank.py --output_dir=/tmp/treebank
    t2t-datagen --problems=wsj_parsing --source=files --source_dir=/tmp/treebank --data_dir=/tmp/data
    t2t-train --problems=wsj_parsing --source=files --data_dir=/tmp/data --output_dir=/tmp/run

The sample world's trees are small and soon learned. These are as long as those of the Wall Street Journal: 23
words, and up to 105. They have phrases that attach to a verb or to a noun by what these words like,
coordination, relative clauses, traces and functions. Words follow Zipf's law, so that 6% of those in the test
trees are in no training tree. The files are the Treebank's sections: 02 to 21 are training, 22 is
validation, 23 is test.
"""

import pathlib
import random
from collections import Counter

import numpy as np
from treebank_grammar import Grammar
from treebank_lexicon import Lexicon

from t2tlite import cli, tables
from t2tlite.errors import UserError
from t2tlite.problems import trees

COMMAND = cli.Command(
    "treebank",
    "Writes trees of invented sentences in the Penn Treebank's format, for --source=files of wsj_parsing.",
    examples=[("3,000 trees to train on", "python benchmarks/treebank.py --output_dir=/tmp/treebank")],
)
COMMAND.group("Flags")
COMMAND.string("output_dir", None, "a new or empty folder", required=True)
COMMAND.integer("trees", 3000, "in sections 02 to 21", at_least=20)
COMMAND.integer("held_out", 300, "in section 22, and again in 23", at_least=1)
COMMAND.integer("seed", 0, "of words and trees", at_least=0)
_TRAINING = range(2, 22)


def write(flags):
    folder = pathlib.Path(flags.output_dir)
    if folder.exists() and any(folder.iterdir()):
        raise UserError(f"--output_dir={folder} is not empty; give a new folder")
    lexicon = Lexicon(flags.seed)
    sizes = {number: flags.trees // len(_TRAINING) for number in _TRAINING}
    for number in range(flags.trees % len(_TRAINING)):
        sizes[_TRAINING[number]] += 1
    sizes |= {22: flags.held_out, 23: flags.held_out}
    sections = {}
    for number, size in sizes.items():
        grammar = Grammar(lexicon, random.Random(f"section {flags.seed} {number}"))
        sections[number] = [grammar.tree() for _ in range(size)]
        path = folder / f"{number:02d}" / f"wsj_{number:02d}00.mrg"
        path.parent.mkdir(parents=True)
        path.write_text("".join(f"{tree}\n" for tree in sections[number]))
    _show(sections)


def _show(sections: dict[int, list[str]]):
    """Prints how long sentences and trees are, and how many words were never seen."""
    splits = {"training": _TRAINING, "validation": [22], "test": [23]}
    lines = {
        split: [trees.canonical(x) for i in numbers for x in sections[i]] for split, numbers in splits.items()
    }
    known = Counter(word for line in lines["training"] for word in trees.words(line))
    rows = []
    for split, tree_lines in lines.items():
        words = [trees.words(line) for line in tree_lines]
        lengths, units = map(len, words), [len(trees.linear(line).split()) for line in tree_lines]
        lengths = [*lengths]
        unseen = np.mean([word not in known for sentence in words for word in sentence])
        cells = [
            f"{np.mean(lengths):.1f}",
            max(lengths),
            f"{np.mean(units):.1f}",
            max(units),
            f"{unseen:.1%}",
        ]
        rows.append((split, f"{len(tree_lines):,}", *map(str, cells)))
    tables.show(
        f"Trees, with {len(known):,} words in training",
        ("split", "trees", "words", "most", "symbols", "most", "unseen words"),
        rows,
    )


if __name__ == "__main__":
    raise SystemExit(COMMAND.main(write))
