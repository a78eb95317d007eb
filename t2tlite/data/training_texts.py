"""The texts that a vocabulary is learned from: a balanced sample of the training splits of some problems."""

import itertools
from collections.abc import Iterator, Sequence

from t2tlite.data import records
from t2tlite.data.vocabulary import Vocabulary
from t2tlite.problem import Problem

LIMIT = 400_000  # texts, so that learning takes a minute and a few hundred megabytes at most


def build(problems: Sequence[Problem], data_dir, size: int, limit: int = LIMIT) -> Vocabulary:
    """Learns one vocabulary for all text of some problems; the same data gives the same vocabulary.

    Args:
      problems: whose prepared data to read, and whose symbols become units.
      data_dir: where the prepared data is.
      size: most units.
      limit: most texts; each problem with text gets an equal share.

    Raises:
      UserError: data is missing, or has no text to learn from.
    """
    symbols = [symbol for problem in problems for symbol in problem.symbols]
    return Vocabulary.train(sample(problems, data_dir, limit), size, symbols)


def sample(problems: Sequence[Problem], data_dir, limit: int = LIMIT) -> Iterator[str]:
    """Yields the texts; a corpus that several problems share is read once."""
    distinct = {}
    for problem in problems:
        if any(feature.kind == "text" for feature in problem.features().values()):
            distinct.setdefault(records.corpus_name(problem), problem)
    for problem in distinct.values():
        yield from itertools.islice(_texts(problem, data_dir), limit // len(distinct))


def _texts(problem: Problem, data_dir) -> Iterator[str]:
    # A training split is shuffled when it is written, so its start is a fair sample.
    names = [name for name, feature in problem.features().items() if feature.kind == "text"]
    for example in records.raw_examples(problem, "train", data_dir):
        example = problem.to_text(example)
        for name in names:
            yield from [example[name]] if isinstance(example[name], str) else example[name]
