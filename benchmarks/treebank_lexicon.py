"""The words of `treebank.py`: thousands of invented ones, drawn by Zipf's law, with their habits."""

import bisect
import dataclasses
import itertools
import random

_ONSETS = "b br c ch cl d dr f fl g gr h j k l m n p pl pr qu r s sh sl sp st str t th tr v w".split()
_NUCLEI = "a e i o u ai ea ee ou oa".split()
_CODAS = ["", "", "", *"n r l s t d m ck nd nt st rt ll ss".split()]
_ENDINGS = {
    "noun": ["", "", "", "er", "tion", "ment", "ity", "ness", "ance"],
    "verb": ["", "", "", "ate", "ize", "ify"],
    "adjective": ["", "", "al", "ive", "ous", "ic", "able", "ful"],
    "name": ["", "", "son", "man", "co", "ton"],
}
COUNTS = {"noun": 3000, "verb": 1200, "adjective": 900, "name": 2500}
PREPOSITIONS = "in for on with at by from about as against through under between over into".split()
FRAMES = "object object nothing place that to_do gives quality particle".split()
_SHIFT = 2.7  # of the ranks in Zipf's law (Mandelbrot)


@dataclasses.dataclass(frozen=True)
class Word:
    """A stem, and how it likes to be used.

    Attributes:
      stem: as it is written, without an ending of its form.
      preposition: that of its phrases.
      frame: what follows it, for a verb.
    """

    stem: str
    preposition: str
    frame: str


class Lexicon:
    """Words of each kind in `COUNTS`, the first ones used most.

    Args:
      seed: the same one gives the same words.
    """

    def __init__(self, seed: int):
        draw = random.Random(f"words {seed}")
        taken: set[str] = set()
        self._words = {
            kind: [_invent(draw, kind, rank / n, taken) for rank in range(n)] for kind, n in COUNTS.items()
        }
        self._below = {
            kind: [*itertools.accumulate(1 / (rank + _SHIFT) for rank in range(n))]
            for kind, n in COUNTS.items()
        }

    def draw(self, draw: random.Random, kind: str) -> Word:
        """A word of a kind."""
        below = self._below[kind]
        return self._words[kind][bisect.bisect_left(below, draw.random() * below[-1])]


def _invent(draw, kind, rareness, taken) -> Word:
    """A word that is not taken; frequent ones are short."""
    while True:
        syllables = 1 + (draw.random() < 4 * rareness) + (draw.random() < 0.4 * rareness)
        stem = "".join(draw.choice(part) for _ in range(syllables) for part in (_ONSETS, _NUCLEI, _CODAS))
        stem += draw.choice(_ENDINGS[kind]) if draw.random() < 5 * rareness else ""
        if 2 <= len(stem) <= 13 and stem not in taken:
            taken.add(stem)
            preposition = "of" if kind == "noun" and draw.random() < 0.5 else draw.choice(PREPOSITIONS)
            return Word(stem.title() if kind == "name" else stem, preposition, draw.choice(FRAMES))


def plural(stem: str) -> str:
    return f"{stem}es" if stem.endswith(("s", "sh", "ch")) else f"{stem}s"


def past(stem: str) -> str:
    return f"{stem}d" if stem.endswith("e") else f"{stem}ed"


def gerund(stem: str) -> str:
    return f"{stem.removesuffix('e')}ing"
