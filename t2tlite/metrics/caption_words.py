"""Words of captions, about as COCO's caption evaluation splits them."""

import re
from collections import Counter
from collections.abc import Sequence

_ABBREVIATIONS = "mr|mrs|ms|dr|st|jr|sr|vs|etc|mt"
_WORD = re.compile(
    rf"""
    \w+(?=n't\b) | n't\b | '(?:s|m|d|re|ve|ll)\b    # does n't, man 's
    | can(?=not\b) | gon(?=na\b) | got(?=ta\b) | wan(?=na\b) | (?<=gon|wan)na\b | (?<=got)ta\b
    | o'clock
    | \d+(?:[.,:]\d+)+                              # 3.5, 1,000, 10:30
    | (?:[^\W\d_]\.){{2,}}                          # a.m.
    | (?:{_ABBREVIATIONS})\.
    | \w+(?:[-/&]\w+)*                              # t-shirt, and/or
    | \S
    """,
    re.VERBOSE,
)
_PUNCTUATION = frozenset("'`.?!,:-;\"…–—“”‘")


def words(caption: str) -> list[str]:
    """The words of a caption, in lower case and without punctuation.

    COCO's evaluation (Chen et al. 2015, arXiv 1504.00325, section 3.1) takes Stanford's PTBTokenizer, a
    program in Java, and drops the tokens '' ' `` ` . ? ! , : - -- ... ; from what it gives. This follows its
    rules for what captions are made of: contractions are split off, and hyphenated words, numbers and
    abbreviations are whole; brackets and signs such as $ and % are words. It knows fewer
    abbreviations, and no addresses of the Internet, fractions or smileys.
    """
    tokens = _WORD.findall(caption.lower().replace("’", "'"))
    return [word for word in tokens if word not in _PUNCTUATION]


def ngrams(tokens: Sequence[str], n: int) -> Counter:
    """How often each run of `n` tokens occurs."""
    return Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))
