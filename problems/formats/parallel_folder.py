"""Finds the files of parallel text in a folder, by their names."""

import collections
import dataclasses
import logging
import pathlib
import re

from t2tlite.errors import UserError

_LOG = logging.getLogger(__name__)
_BEGINNINGS = {"train": ("train",), "validation": ("valid", "dev"), "test": ("test",)}
_FOLDERS = {"train": ("train", "training"), "validation": ("validation", "valid", "dev"), "test": ("test",)}
_STEMS = {"train": ("train",), "validation": ("validation", "dev"), "test": ("test",)}


@dataclasses.dataclass(frozen=True)
class Found:
    """One corpus of parallel text.

    Attributes:
      format: "lines", "sgm" (two files: inputs, targets), "tsv" or "tmx" (one).
      paths: the files.
      order: for "tsv", the languages' codes in the order that the name says (x.de-en.tsv), or that of the
        inputs and targets.
    """

    format: str
    paths: tuple[str, ...]
    order: tuple[str, str]


@dataclasses.dataclass(frozen=True)
class _File:
    path: pathlib.Path
    stem: str
    format: str
    role: str = ""
    language: str = ""


def find(source_dir: str | None, split: str, languages: tuple[str, str], homepage: str = "") -> list[Found]:
    """The corpora of a split, in the order of their names.

    They lie in `source_dir`, with names that begin with that of the split, or all in a folder of that name.
    Files of other pairs of languages beside them (x.cs-en.en and x.cs-en.cs) are left out, with a warning.

    Args:
      source_dir: the folder; `~` is the user's home.
      split: "train", "validation" or "test".
      languages: codes of the inputs and of the targets.
      homepage: where the corpus comes from, for the errors.

    Raises:
      UserError: no folder, no files, one language without the other, or two files where one is expected.
    """
    expected = _expected(split, languages, homepage)
    if not source_dir:
        raise UserError(f"source `files` needs --source_dir=DIR, a folder with {expected}")
    folder = pathlib.Path(source_dir).expanduser()
    if not folder.is_dir():
        raise UserError(f"--source_dir={source_dir} is no folder; expected one with {expected}")
    places = [_corpora(folder, split, languages, beginning) for beginning in _BEGINNINGS[split]]
    places += [_corpora(folder / n, split, languages) for n in _FOLDERS[split] if (folder / n).is_dir()]
    places = [place for place in places if place]
    if not places:
        raise UserError(f"no {split} files in {source_dir}; expected {expected}")
    if len(places) > 1:
        raise _both(places[0][0].paths[0], places[1][0].paths[0])
    return places[0]


def _expected(split, languages, homepage):
    first, second = languages
    names = " or ".join(f"{stem}.{first} and {stem}.{second}" for stem in _STEMS[split])
    folders = " or ".join(f"{name}/" for name in _FOLDERS[split])
    origin = f"; the corpus comes from {homepage}" if homepage else ""
    return (
        f"{names} (a sentence a line), {_STEMS[split][0]}.tsv, .tmx, or -src.{first}.sgm and "
        f"-ref.{second}.sgm, or such files of any names in {folders}{origin}"
    )


def _corpora(folder, split, languages, beginning=""):
    stems = collections.defaultdict(list)
    for path in sorted(folder.iterdir()):
        file = _file(path, languages)
        if file and path.name.startswith(beginning) and path.is_file():
            stems[file.stem].append(file)
    foreign = [stem for stem, files in stems.items() if _is_foreign(files, languages)]
    if foreign:
        names = ", ".join(file.path.name for stem in foreign[:3] for file in stems[stem])
        _LOG.warning("%s: left out %d corpora of other languages (%s ...)", folder, len(foreign), names)
    return [_corpus(files, split, languages) for stem, files in stems.items() if stem not in foreign]


def _file(path, languages):
    """None for what is no parallel text."""
    stem, _, ending = path.name.removesuffix(".gz").rpartition(".")
    if ending in ("tsv", "tmx"):
        return _File(path, stem, ending)
    if ending == "sgm":
        match = re.fullmatch(r"(.+?)(?:-(src|ref))?\.([^.]+)", stem)
        return match and _File(path, match[1], "sgm", match[2] or "", match[3])
    if stem and (ending in languages or re.fullmatch("[a-z]{2}", ending)):
        return _File(path, stem, "lines", language=ending)
    return None


def _is_foreign(files, languages):
    expected, others = set(languages), {file.language for file in files} - {""}
    if others:
        return not expected & others or bool(len(expected & others) == 1 and others - expected)
    named = _named(files[0].stem)
    return expected not in named and any(expected & pair for pair in named)


def _named(stem):
    """The pairs of languages that a name may mean: {de, en} for europarl.de-en."""
    pairs = re.findall(r"(?<![A-Za-z])(?=([a-z]{2})[-_]([a-z]{2})(?![A-Za-z]))", stem)
    return [set(pair) for pair in pairs]


def _corpus(files, split, languages):
    by_kind = {}
    for file in files:
        if file.format in ("tsv", "tmx") or file.language in languages:
            earlier = by_kind.setdefault((file.format, file.role, file.language), file)
            if earlier is not file or file.format != next(iter(by_kind.values())).format:
                other = earlier if earlier is not file else next(iter(by_kind.values()))
                raise _both(other.path, file.path)
    first = next(iter(by_kind.values()))
    if first.format in ("tsv", "tmx"):
        return Found(first.format, (str(first.path),), _order(first.stem, languages))
    for roles in (("src", "ref"), ("ref", "src"), ("", "")):
        pair = [by_kind.get((first.format, *key)) for key in zip(roles, languages, strict=True)]
        if all(pair):
            return Found(first.format, tuple(str(file.path) for file in pair), languages)
    raise _lacking(first, split, languages)


def _order(stem, languages):
    """The languages as a name like europarl.de-en has them."""
    swapped = f"(?<![A-Za-z]){re.escape(languages[1])}[-_]{re.escape(languages[0])}(?![A-Za-z])"
    return tuple(reversed(languages)) if re.search(swapped, stem) else tuple(languages)


def _both(first, second):
    return UserError(f"both {first} and {second} are there; keep the one to be used, or rename one")


def _lacking(file, split, languages):
    other = languages[file.language == languages[0]]
    role = {"src": "-ref", "ref": "-src", "": ""}[file.role]
    name = f"{file.stem}{role}.{other}" + (".sgm" if file.format == "sgm" else "")
    return UserError(
        f"no {split} file for `{other}` in {file.path.parent}; expected one of {name}, {name}.gz, "
        f"beside {file.path.name}"
    )
