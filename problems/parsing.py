"""Penn Treebank WSJ: the constituency trees of sentences."""

import os
import pathlib
from collections.abc import Iterator
from typing import Any

from t2tlite import problem, registry
from t2tlite.errors import UserError
from t2tlite.problems import trees
from t2tlite.problems.formats import lines, treebank
from t2tlite.problems.formats.source_folder import source_folder
from t2tlite.problems.treebank_words import treebank_words

_SECTIONS = {"train": range(2, 22), "validation": range(22, 23), "test": range(23, 24)}
_FOLDERS = ("", "wsj", "mrg/wsj", "parsed/mrg/wsj", "combined/wsj", "treebank_3/parsed/mrg/wsj")
_STEMS = {"train": ("train",), "validation": ("validation", "valid", "dev"), "test": ("test",)}
_SOURCE = "Penn Treebank 3, https://catalog.ldc.upenn.edu/LDC99T42"
_EXPECTED = (
    "the sections of the Treebank, 02/wsj_0201.mrg and so on (also below "
    f"{', '.join(filter(None, _FOLDERS))}), from {_SOURCE}, or with train.trees, validation.trees and "
    "test.trees, a tree a line"
)


@registry.register_problem
class WsjParsing(problem.Problem):
    """An English sentence to its tree, Penn Treebank WSJ.

    Prepared data and predictions are trees in one-line brackets; the model reads and writes the linear form
    of `trees`, whose brackets and tags are whole vocabulary entries.
    """

    inputs = problem.Text()
    targets = problem.Text()
    command = "to_parse_tree"
    metrics = ("full_trees", "bracketing_f1", "repaired_trees")
    symbols = trees.SYMBOLS
    sources = ("files", "sample")
    from_text_function = staticmethod(trees.unlinear)
    paper_row = 4

    def examples_from_files(self, split, source_dir):
        """Sentences with their trees; the words of the inputs are separated by spaces, as the tree has them.

        `source_dir` holds either the Treebank's folders or a file for each split.

        The Treebank (Penn Treebank 3, LDC99T42) has a folder for each section, `02/wsj_0201.mrg` and so on,
        which is looked for in `source_dir` itself and in its `wsj`, `mrg/wsj`, `parsed/mrg/wsj`,
        `combined/wsj` and `treebank_3/parsed/mrg/wsj`; upper and lower case are the same. Sections 02 to 21
        are train, 22 is validation, 23 is test.

        The files are `train.trees`, `validation.trees` (or `valid.trees`, `dev.trees`) and `test.trees`,
        each also as .gz: UTF-8, a tree a line (or over several, of which the first starts with a bracket).

        Traces, the constituents they leave empty, functions and indices are left out, and the top is
        called TOP, whatever it was called.
        """
        return problem.Pieces(read_part, *_parts(source_dir, split))

    def examples_from_sample(self, split, source_dir):
        from t2tlite.problems import sample_world

        return sample_world.parsing(split)

    def to_text(self, example):
        """The words of the sentence as the Treebank parts them, and the linear form of the tree.

        A sentence that is given as people write it is parted by `treebank_words`; one that consists of its
        tree's words stays as it is.
        """
        if "targets" not in example:
            return {**example, "inputs": treebank_words(example["inputs"])}
        tree = example["targets"]
        if example["inputs"].split() != trees.words(tree):
            example = {**example, "inputs": treebank_words(example["inputs"])}
        return {**example, "targets": trees.linear(tree)}

    def constraint(self, vocabulary):
        """Trees of the sentence, where the vocabulary has brackets and tags as whole entries."""
        from t2tlite.problems import tree_constraint  # imports TensorFlow

        return tree_constraint.make(vocabulary)

    def from_text(self, inputs, output):
        """The tree; a `RepairedTree`, which is counted, where the output was none of this sentence."""
        from t2tlite.metrics.trees import RepairedTree

        tree = trees.unlinear(inputs, output)
        return tree if trees.well_formed(tree, output) else RepairedTree(tree)


def read_part(part: tuple[lines.Range, ...]) -> Iterator[dict[str, Any] | problem.Broken | problem.Dropped]:
    """The examples of some files, or of a range of one."""
    for tree in treebank.read(part):
        if isinstance(tree, str):
            yield {"inputs": " ".join(trees.words(tree)), "targets": tree}
        else:
            yield tree


def _parts(source_dir: str | None, split: str) -> tuple[list[tuple[lines.Range, ...]], int | None]:
    """The parts of a split, and the number of trees where that is cheaply known."""
    folder = source_folder(source_dir, _EXPECTED)
    sections = _sections(folder)
    files = {one: _split_files(folder, one) for one in _STEMS}
    if sections and any(files.values()):
        raise UserError(
            f"{folder} has both the Treebank's sections and {next(filter(None, files.values()))[0]}; "
            "keep what is to be used"
        )
    if sections:
        return [_section(folder, sections, number) for number in _SECTIONS[split]], None
    if not any(files.values()):
        raise UserError(f"no trees in --source_dir={source_dir}; expected a folder with {_EXPECTED}")
    return _ranges(folder, split, files[split])


def _sections(folder: pathlib.Path) -> dict[int, pathlib.Path]:
    """The folders of sections by their numbers, from the first place that has any."""
    for place in _FOLDERS:
        found = [folder]
        for name in filter(None, place.split("/")):
            found = [path for parent in found for path in _entries(parent) if path.name.lower() == name]
        sections = {
            int(path.name): path
            for parent in found
            for path in _entries(parent)
            if len(path.name) == 2 and path.name.isdecimal() and path.is_dir()
        }
        if sections:
            return sections
    return {}


def _entries(folder: pathlib.Path) -> list[pathlib.Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _section(folder, sections, number) -> tuple[lines.Range, ...]:
    name = f"{number:02d}"
    files = _entries(sections[number]) if number in sections else []
    files = [path for path in files if path.name.lower().startswith(f"wsj_{name}") and _is_merged(path)]
    if not files:
        place = sections.get(number) or next(iter(sections.values())).parent / name
        raise UserError(
            f"section {name} of the Treebank is missing: no {place / f'wsj_{name}*.mrg'}; "
            f"expected sections 02 to 23 of {_SOURCE}"
        )
    return tuple(lines.Range(str(path)) for path in files)


def _is_merged(path: pathlib.Path) -> bool:
    return path.name.lower().removesuffix(".gz").endswith(".mrg")


def _split_files(folder: pathlib.Path, split: str) -> list[pathlib.Path]:
    names = [f"{stem}.trees{gz}" for stem in _STEMS[split] for gz in ("", ".gz")]
    return [folder / name for name in names if (folder / name).is_file()]


def _ranges(folder, split, files):
    if not files:
        names = " or ".join(f"{stem}.trees" for stem in _STEMS[split])
        raise UserError(f"no {split} trees in {folder}; expected {names}, also as .gz, a tree a line")
    if len(files) > 1:
        raise UserError(f"both {files[0]} and {files[1]} are there; keep the one to be used")
    path = os.fspath(files[0])
    lines.check_not_empty(path)
    if path.endswith(".gz"):
        return [(lines.Range(path),)], None
    ranges, count = lines.cut(path)
    return [(one,) for one in ranges], count
