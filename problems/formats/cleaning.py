"""The rules that leave sentence pairs out, and the examples made of those that stay."""

import dataclasses
from collections.abc import Iterable, Iterator

from t2tlite.problem import Broken, Dropped

Side = str | list[str] | Broken | Dropped


@dataclasses.dataclass(frozen=True)
class Rules:
    """Which pairs to leave out of training, as Moses' `clean-corpus-n.perl` does.

    Attributes:
      max_words: the most words that either side may have, counted by the spaces; None: any number.
      max_ratio: how many times as many words one side may have as the other; None: any.
    """

    max_words: int | None = None
    max_ratio: float | None = None


def examples(pairs: Iterable[tuple[Side, Side]], rules: Rules) -> Iterator[dict | Broken | Dropped]:
    """Examples of the pairs, with the space around each sentence taken off.

    A pair with an empty side is dropped, whatever the rules. A list on a side is several references: empty
    ones are left out, and the rules look at the first. `Broken` or `Dropped` on a side stands for the pair.
    """
    max_words = float("inf") if rules.max_words is None else rules.max_words
    max_ratio = float("inf") if rules.max_ratio is None else rules.max_ratio
    empty = Dropped("an empty line")
    long = Dropped(f"more than {max_words} words")
    uneven = Dropped(f"a ratio of lengths above {max_ratio:g}")
    for first, second in pairs:
        if first.__class__ is not str or second.__class__ is not str:
            if fault := _fault(first) or _fault(second):
                yield fault
                continue
            first, second = _plain(first), _plain(second)
            if first.__class__ is list or second.__class__ is list:
                yield {"inputs": first, "targets": second} if first and second else empty
                continue
        first, second = first.strip(), second.strip()
        if not first or not second:
            yield empty
            continue
        # Doubled spaces are rare, and counting spaces is many times faster than splitting.
        words = len(first.split()) if "  " in first else first.count(" ") + 1
        others = len(second.split()) if "  " in second else second.count(" ") + 1
        if words > max_words or others > max_words:
            yield long
        elif words > others * max_ratio or others > words * max_ratio:
            yield uneven
        else:
            yield {"inputs": first, "targets": second}


def _fault(side):
    return side if isinstance(side, Broken | Dropped) else None


def _plain(side):
    """One sentence, or a list of several references, without empty ones."""
    if isinstance(side, str):
        return side.strip()
    stripped = [text for text in (text.strip() for text in side) if text]
    return stripped if len(stripped) > 1 else "".join(stripped)
