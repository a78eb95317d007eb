"""The vocabulary of some problems, learned once from a balanced sample of their training splits."""

import contextlib
import hashlib
import itertools
import json
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from t2tlite.data.stored.prepared import PreparedSplit
from t2tlite.data.text.vocabulary import Vocabulary
from t2tlite.errors import UserError
from t2tlite.features.named import flatten
from t2tlite.problem import Problem

LIMIT = 400_000  # texts
LIMIT_BYTES = 64 << 20  # of UTF-8 in all, so that learning takes seconds, and some hundred megabytes at most
LONGEST = 1 << 16  # characters read of a text, so that no document takes the share of many
SIZES = (512, 1024, 2048, 4096, 8192, 16384, 32768)  # of a vocabulary that is to suit its texts
_OFTEN = 100  # times that a unit has to stand in the texts
_FREQUENT = 0.95  # share of the units of which that is asked
_BLOCK = 10_000  # texts tokenized together
_LOOK = 100  # texts of each corpus that the fingerprint looks at


def build(
    splits: Sequence[PreparedSplit], size: int, limit: int = LIMIT, limit_bytes: int = LIMIT_BYTES
) -> Vocabulary:
    """One vocabulary for all text of some problems; the same data gives the same vocabulary.

    It is kept in `data_dir/vocabularies`, where it is found again as long as nothing that it was learned from
    has changed: the prepared data, the symbols, the size and limits, and how learning works. It is learned
    again where it was damaged, and each time where nothing can be written.

    Args:
      splits: the training splits of some problems in one data_dir; the symbols of the problems become units.
      size: most units; 0: as many as the texts are large enough for, see `suitable`.
      limit, limit_bytes: most texts, and most bytes of them; each corpus with text gets an equal share.

    Raises:
      UserError: the data is damaged, or has no text to learn from.
    """
    digest = _digest(splits, size, limit, limit_bytes)
    folder = splits[0].folder.parent / "vocabularies"
    cached = _cached(folder, digest)
    if cached is not None:
        return cached
    every = symbols(split.problem for split in splits)
    if size:
        learned = Vocabulary.train(sample(splits, limit, limit_bytes), size, every)
    else:
        learned = suitable(list(sample(splits, limit, limit_bytes)), every)
    with contextlib.suppress(OSError):  # data that many share is often read-only
        learned.save(folder / f"{digest}-{learned.fingerprint}.model")
    return learned


def suitable(texts: Sequence[str], symbols: Sequence[str] = (), sizes: Sequence[int] = SIZES) -> Vocabulary:
    """The largest vocabulary of which 95% of the merges stand in the texts 100 times or more.

    That is what Gowda and May (2020, "Finding the Optimal Vocabulary Size for Neural Machine Translation",
    arXiv 2004.02334, section 6) found to be near the best size for translation, on corpora of 30,000 to 4.5
    million pairs. The smallest is taken where none is so. Only merges count: bytes, characters and symbols
    are there in any case.

    Args:
      texts: that it is learned from.
      symbols: what becomes whole units.
      sizes: to choose from, rising; those that hold no more than bytes and symbols are left out.

    Raises:
      UserError: there is no text.
    """
    possible = [size for size in sizes if size > 2 * Vocabulary.least(symbols)] or list(sizes[-1:])
    best = Vocabulary.train(texts, possible[0], symbols)
    low, high = 1, len(possible)  # all before low are suitable, and of those from high on none is
    while low < high:
        middle = (low + high) // 2
        larger = Vocabulary.train(texts, possible[middle], symbols)
        if larger.size > best.size and frequent(larger, texts, symbols) >= _FREQUENT:
            best, low = larger, middle + 1
        else:
            high = middle
    return best


def frequent(vocabulary: Vocabulary, texts: Sequence[str], symbols: Sequence[str] = ()) -> float:
    """The share of the merges, units of two characters or more, that stand in the texts 100 times or more."""
    counts = np.zeros(vocabulary.size, np.int64)
    for start in range(0, len(texts), _BLOCK):
        ids = vocabulary.tokenize(texts[start : start + _BLOCK]).flat_values.numpy()
        counts += np.bincount(ids, minlength=vocabulary.size)
    first = Vocabulary.least(symbols)
    merges = [number for number in range(first, vocabulary.size) if len(vocabulary.piece(number)) > 1]
    return float(np.mean(counts[merges] >= _OFTEN)) if merges else 0.0


def symbols(problems: Iterable[Problem]) -> list[str]:
    """What becomes whole units: the symbols of all problems, each once."""
    return list(dict.fromkeys(symbol for problem in problems for symbol in problem.symbols))


def sample(
    splits: Sequence[PreparedSplit], limit: int = LIMIT, limit_bytes: int = LIMIT_BYTES
) -> Iterator[str]:
    """Yields the texts; a corpus that several problems share is read once, all its languages alike."""
    distinct = _distinct(splits)
    for split in distinct:
        left = limit_bytes // len(distinct)
        for text in itertools.islice(_texts(split), limit // len(distinct)):
            left -= len(text.encode("utf-8"))
            if left < 0:
                break
            yield text


def _distinct(splits: Sequence[PreparedSplit]) -> list[PreparedSplit]:
    """The first split of each corpus with text, or that which reads most of it."""
    distinct: dict[pathlib.Path, PreparedSplit] = {}
    for split in splits:
        other = distinct.get(split.folder)
        if split.problem.has_text() and (other is None or split.size > other.size):
            distinct[split.folder] = split
    return list(distinct.values())


def _texts(split: PreparedSplit) -> Iterator[str]:
    problem = split.problem
    # A training split is shuffled when it is written, so its start is a fair sample.
    for example in split.examples():
        values = flatten(problem.to_text(example), problem.features())
        for name, feature in problem.features().items():
            for text in feature.texts(values[name]) if name in values else ():
                yield text[:LONGEST]


def _digest(splits: Sequence[PreparedSplit], *limits: int) -> str:
    """Hexadecimal digest of all that the vocabulary depends on."""
    corpora: list[Any] = []
    for split in _distinct(splits):
        # Of to_text there is no checksum, but texts that it made tell whether it is the same as it was.
        texts = list(itertools.islice(_texts(split), _LOOK))
        part = [] if split.size == split.stored else [split.size]
        corpora.append([split.folder.name, split.checksums, texts, *part])
    every = symbols(split.problem for split in splits)
    known = [Vocabulary.settings(), limits, LONGEST, every, corpora]
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode("utf-8")).hexdigest()[:16]


def _cached(folder: pathlib.Path, digest: str) -> Vocabulary | None:
    for path in folder.glob(f"{digest}-*.model"):
        with contextlib.suppress(UserError):
            vocabulary = Vocabulary.load(path)
            if path.stem.endswith(f"-{vocabulary.fingerprint}"):
                return vocabulary
    return None
