"""How people write and speak: the words and marks of a sentence as one text, or its words alone."""

MARKS = (".", "?", ",")
_ATTACHED = (*MARKS, "'s")


def written(words: list[str], apart: tuple[str, ...] = ()) -> str:
    """A sentence as people write it: a capital first, marks and "'s" attached to the word before.

    Args:
      words: words and marks, from left to right; not empty.
      apart: marks that the language sets apart by a space.
    """
    text = capital(words[0])
    for word in words[1:]:
        text += word if word in _ATTACHED and word not in apart else f" {word}"
    return text


def capital(word: str) -> str:
    """The word with a capital, as the first of a sentence has."""
    return word[0].upper() + word[1:]


def spoken(words: list[str]) -> list[str]:
    """What is said of words and marks: the words, in lower case."""
    return [word.lower() for word in words if word not in MARKS]
