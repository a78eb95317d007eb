"""The vocabulary of some problems, learned once from a balanced sample of their training splits."""

import contextlib
import hashlib
import itertools
import json
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

from t2tlite.data import records
from t2tlite.data.vocabulary import Vocabulary
from t2tlite.errors import UserError
from t2tlite.features.named import flatten
from t2tlite.problem import Problem

LIMIT = 400_000  # texts
LIMIT_BYTES = 64 << 20  # of UTF-8 in all, so that learning takes seconds, and some hundred megabytes at most
LONGEST = 1 << 16  # characters read of a text, so that no document takes the share of many
_LOOK = 100  # texts of each corpus that the fingerprint looks at


def build(
    problems: Sequence[Problem],
    data_dir,
    size: int,
    limit: int = LIMIT,
    limit_bytes: int = LIMIT_BYTES,
) -> Vocabulary:
    """One vocabulary for all text of some problems; the same data gives the same vocabulary.

    It is kept in `data_dir/vocabularies`, where it is found again as long as nothing that it was learned from
    has changed: the prepared data, the symbols, the size and limits, and how learning works. It is learned
    again where it was damaged, and each time where nothing can be written.

    Args:
      problems: whose prepared data to read, and whose symbols become units.
      data_dir: where the prepared data is.
      size: most units.
      limit, limit_bytes: most texts, and most bytes of them; each corpus with text gets an equal share.

    Raises:
      UserError: data is missing, or has no text to learn from.
    """
    digest = _digest(problems, data_dir, size, limit, limit_bytes)
    folder = pathlib.Path(data_dir) / "vocabularies"
    kept = _kept(folder, digest)
    if kept is not None:
        return kept
    learned = Vocabulary.train(sample(problems, data_dir, limit, limit_bytes), size, symbols(problems))
    with contextlib.suppress(OSError):  # data that many share is often read-only
        learned.save(folder / f"{digest}-{learned.fingerprint}.model")
    return learned


def symbols(problems: Sequence[Problem]) -> list[str]:
    """What becomes whole units: the symbols of all problems, each once."""
    return list(dict.fromkeys(symbol for problem in problems for symbol in problem.symbols))


def sample(
    problems: Sequence[Problem], data_dir, limit: int = LIMIT, limit_bytes: int = LIMIT_BYTES
) -> Iterator[str]:
    """Yields the texts; a corpus that several problems share is read once, all its languages alike."""
    distinct = _distinct(problems)
    for problem in distinct:
        left = limit_bytes // len(distinct)
        for text in itertools.islice(_texts(problem, data_dir), limit // len(distinct)):
            left -= len(text.encode("utf-8"))
            if left < 0:
                break
            yield text


def _distinct(problems: Sequence[Problem]) -> list[Problem]:
    """A problem for each corpus with text."""
    distinct: dict[str, Problem] = {}
    for problem in problems:
        if problem.has_text():
            distinct.setdefault(records.corpus_name(problem), problem)
    return list(distinct.values())


def _texts(problem: Problem, data_dir) -> Iterator[str]:
    # A training split is shuffled when it is written, so its start is a fair sample.
    for example in records.raw_examples(problem, "train", data_dir):
        values = flatten(problem.to_text(example), problem.features())
        for name, feature in problem.features().items():
            for text in feature.texts(values[name]) if name in values else ():
                yield text[:LONGEST]


def _digest(problems: Sequence[Problem], data_dir, *limits: int) -> str:
    """Hexadecimal digest of all that the vocabulary depends on."""
    corpora: list[Any] = []
    for problem in _distinct(problems):
        files = records.manifest(problem, data_dir)["splits"]["train"]["sha256"]
        # Of to_text there is no checksum, but texts that it made tell whether it is the same as it was.
        texts = list(itertools.islice(_texts(problem, data_dir), _LOOK))
        corpora.append([records.corpus_name(problem), files, texts])
    known = [Vocabulary.settings(), limits, LONGEST, symbols(problems), corpora]
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode("utf-8")).hexdigest()[:16]


def _kept(folder: pathlib.Path, digest: str) -> Vocabulary | None:
    for path in folder.glob(f"{digest}-*.model"):
        with contextlib.suppress(UserError):
            found = Vocabulary.load(path)
            if path.stem.endswith(f"-{found.fingerprint}"):
                return found
    return None
