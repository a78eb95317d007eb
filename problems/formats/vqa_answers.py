"""Answers of VQA in one spelling."""

import re

_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_DIGITS = {word: str(number) for number, word in enumerate(_NUMBERS)} | {"none": "0"}
_ARTICLES = ("a", "an", "the")
_PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
_THOUSANDS = re.compile(r"\d,\d")
_FULL_STOP = re.compile(r"\.(?!\d)")


def spelled(answer: str) -> str:
    """The answer in lower case, with digits for the numbers up to ten, without articles and punctuation.

    These are the rules of the challenge's evaluation (https://visualqa.org/evaluation.html), but for its list
    of contractions: "dont" stays as it is. What the rules leave nothing of is kept, in lower case.

    Args:
      answer: as the annotator gave it.
    """
    text = " ".join(answer.lower().split())
    words = [_DIGITS.get(word, word) for word in _without_punctuation(text).split()]
    return " ".join(word for word in words if word not in _ARTICLES) or text


def _without_punctuation(text: str) -> str:
    """A mark between letters becomes a space, one beside a space is dropped; all are where "1,000" occurs."""
    drop_all = _THOUSANDS.search(text)
    left = text
    for mark in _PUNCTUATION:
        dropped = drop_all or f"{mark} " in text or f" {mark}" in text
        left = left.replace(mark, "" if dropped else " ")
    return _FULL_STOP.sub("", left)
