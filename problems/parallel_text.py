"""Translations: problems over two files of sentences, a line each, that run in parallel."""

import gzip
import itertools
import logging
import pathlib
import zlib
from collections.abc import Iterator

from t2tlite import problem
from t2tlite.errors import UserError

_LOG = logging.getLogger(__name__)
_STEMS = {"train": ("train",), "validation": ("validation", "dev"), "test": ("test",)}
_LANGUAGES = {"en": "english", "de": "german", "fr": "french"}


class Translation(problem.Problem):
    """Base of translations between two languages.

    The reverse of a translation is a subclass with `swap = True`.

    Attributes:
      languages: codes of the corpus's inputs and targets, which are also the endings of its files.
    """

    inputs = problem.Text()
    targets = problem.Text()
    metrics = ("bleu",)
    sources = ("files", "sample")
    languages: tuple[str, str] = ("en", "de")

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        target = cls.languages[0 if cls.swap else 1]
        if "command" not in vars(cls):
            cls.command = f"to_{_LANGUAGES.get(target, target)}"

    def examples(self, split, source, source_dir=None):
        """Sentence pairs, from the sample world or from files in `source_dir`.

        The files are train.en and train.de (for English and German), dev.* or validation.*, and test.*,
        each of them also as .gz: UTF-8, a sentence a line.
        """
        self.check_source(source)
        if source == "sample":
            from t2tlite.problems import sample_world

            return sample_world.translation(split, *self.languages)
        return pairs(source_dir, split, self.languages)

    def count(self, split, source, source_dir=None):
        if source == "files":
            return _count_lines(_find(source_dir, split, self.languages[0]))
        from t2tlite.problems.sample_world import corpora

        return corpora.COUNTS["translation"][split]


def pairs(source_dir: str | None, split: str, endings: tuple[str, str]) -> Iterator[dict[str, str]]:
    """Yields the pairs of two parallel files; those with an empty line are left out, and counted.

    Raises:
      UserError: no folder or files, different numbers of lines, or a line that is not UTF-8.
    """
    paths = [_find(source_dir, split, ending) for ending in endings]
    counts = [_count_lines(path) for path in paths]
    if counts[0] != counts[1]:
        raise UserError(
            f"{paths[0]} has {counts[0]} lines and {paths[1]} has {counts[1]}; expected equal numbers"
        )
    if not counts[0]:
        raise UserError(f"{paths[0]} is empty; expected a sentence a line")
    empty = 0
    for first, second in zip(_lines(paths[0]), _lines(paths[1]), strict=True):
        if first and second:
            yield {"inputs": first, "targets": second}
        else:
            empty += 1
    if empty:
        _LOG.warning("%s: left out %d of %d pairs with an empty line", paths[0], empty, counts[0])


def _find(source_dir: str | None, split: str, ending: str) -> pathlib.Path:
    names = [f"{stem}.{ending}{gz}" for stem in _STEMS[split] for gz in ("", ".gz")]
    if not source_dir:
        raise UserError(
            f"source `files` needs --source_dir=DIR, a folder with {names[0]} and so on: a file for each "
            "split and language, a sentence a line"
        )
    folder = pathlib.Path(source_dir).expanduser()
    if not folder.is_dir():
        raise UserError(f"--source_dir={source_dir} is no folder; expected one with {names[0]} and so on")
    found = [folder / name for name in names if (folder / name).is_file()]
    if not found:
        raise UserError(f"no {split} file for `{ending}` in {source_dir}; expected one of {', '.join(names)}")
    if len(found) > 1:
        raise UserError(f"both {found[0]} and {found[1]} are there; keep the one to be used")
    return found[0]


def _open(path: pathlib.Path):
    return gzip.open(path, "rb") if path.suffix == ".gz" else open(path, "rb")


def _count_lines(path: pathlib.Path) -> int:
    lines, last = 0, b"\n"
    try:
        with _open(path) as file:
            while block := file.read(1 << 20):
                lines += block.count(b"\n")
                last = block[-1:]
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{path} is damaged or not a gzip file: {error}") from None
    return lines + (last != b"\n")


def _lines(path: pathlib.Path) -> Iterator[str]:
    with _open(path) as file:
        for number, line in zip(itertools.count(1), file, strict=False):
            try:
                # Only a line feed ends a line: U+2028 and the like are part of a sentence.
                yield line.decode("utf-8").removeprefix("\ufeff" if number == 1 else "").strip()
            except UnicodeDecodeError as error:
                message = (
                    f"{path}:{number}: not UTF-8 at byte {error.start + 1} of the line; convert the file"
                )
                raise UserError(message) from None
