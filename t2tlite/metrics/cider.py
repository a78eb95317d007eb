"""CIDEr-D of captions: n-grams that all references agree on, weighted by how rare they are."""

import math
from collections import Counter

from t2tlite import registry
from t2tlite.metrics import Texts, first
from t2tlite.metrics.caption_words import ngrams, words

_ORDERS = (1, 2, 3, 4)
_SIGMA = 6.0


@registry.register_metric
def cider_d(outputs: Texts, references: Texts) -> float:
    """CIDEr-D of captions in [0, 10], higher is better; papers often print it times 100.

    As COCO's evaluation computes it (Vedantam et al. 2015, arXiv 1411.5726, section 5): n-grams of 1 to 4
    words, clipped, a penalty for another length (sigma 6), times 10. How rare an n-gram is, is taken from the
    references of the evaluated inputs, so that the score of a part is not that of the whole, and a single
    input's is 0. Words as for caption_bleu4.
    """
    candidates = [words(text) for text in first(outputs)]
    rights = [[words(text) for text in texts] for texts in references]
    if len(candidates) != len(rights):
        raise ValueError(f"expected references for {len(candidates)} outputs. Received: {len(rights)}")
    if not candidates:
        return 0.0
    total = 0.0
    for n in _ORDERS:
        inputs_with = Counter(
            gram for right in rights for gram in set().union(*(ngrams(r, n) for r in right))
        )
        for candidate, right in zip(candidates, rights, strict=True):
            mine = _weighted(candidate, n, inputs_with, len(rights))
            similar = [
                _similarity(mine, _weighted(one, n, inputs_with, len(rights)))
                * math.exp(-((len(candidate) - len(one)) ** 2) / (2 * _SIGMA**2))
                for one in right
            ]
            total += sum(similar) / len(similar)
    return 10.0 * total / len(_ORDERS) / len(candidates)


def _weighted(caption: list[str], n: int, inputs_with: Counter, inputs: int) -> dict[tuple, float]:
    """Count times inverse document frequency of each n-gram."""
    return {
        gram: count * math.log(inputs / max(1, inputs_with[gram]))
        for gram, count in ngrams(caption, n).items()
    }


def _similarity(mine: dict, theirs: dict) -> float:
    """Cosine, but more of an n-gram than the reference has doesn't count."""
    norms = math.hypot(*mine.values()) * math.hypot(*theirs.values())
    common = sum(min(weight, theirs[gram]) * theirs[gram] for gram, weight in mine.items() if gram in theirs)
    return common / norms if norms else 0.0
