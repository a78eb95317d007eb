"""COCO's BLEU-1 to BLEU-4 and ROUGE-L of captions, with all references."""

import functools
import math
import operator

from t2tlite import registry
from t2tlite.metrics import Texts, first, percent
from t2tlite.metrics.caption_words import ngrams, words

_BETA = 1.2
# As COCO's code has them, so that nothing is divided by 0.
_SMALL, _TINY = 1e-9, 1e-15


@registry.register_metric
def caption_bleu1(outputs: Texts, references: Texts) -> float:
    """Corpus BLEU-1 of captions in percent, higher is better; see caption_bleu4."""
    return _bleu(1, outputs, references)


@registry.register_metric
def caption_bleu2(outputs: Texts, references: Texts) -> float:
    """Corpus BLEU-2 of captions in percent, higher is better; see caption_bleu4."""
    return _bleu(2, outputs, references)


@registry.register_metric
def caption_bleu3(outputs: Texts, references: Texts) -> float:
    """Corpus BLEU-3 of captions in percent, higher is better; see caption_bleu4."""
    return _bleu(3, outputs, references)


@registry.register_metric
def caption_bleu4(outputs: Texts, references: Texts) -> float:
    """Corpus BLEU-4 of captions in percent, higher is better.

    As COCO's evaluation computes it (Chen et al. 2015, arXiv 1504.00325, section 3.2): with all references,
    the length of the closest one, and no smoothing, over words in lower case and without punctuation, which
    are split about as Stanford's tokenizer does.
    """
    return _bleu(4, outputs, references)


@registry.register_metric
def caption_rouge_l(outputs: Texts, references: Texts) -> float:
    """ROUGE-L of captions in percent, higher is better, as COCO's evaluation computes it.

    The mean over the inputs of the F-measure, with beta 1.2, of the longest common subsequence's best
    precision and best recall over the references (Chen et al. 2015, arXiv 1504.00325, section 3.3); words
    as for caption_bleu4.
    """
    scores = []
    for output, texts in zip(first(outputs), references, strict=True):
        mine, right = words(output), [words(text) for text in texts]
        common = [_common(mine, theirs) for theirs in right]
        precision = max(common) / max(len(mine), 1)
        recall = max(c / max(len(theirs), 1) for c, theirs in zip(common, right, strict=True))
        weighted = recall + _BETA**2 * precision
        scores.append((1 + _BETA**2) * precision * recall / weighted if weighted else 0.0)
    return percent(sum(scores), len(scores))


def _bleu(order: int, outputs: Texts, references: Texts) -> float:
    right, written = [0] * order, [0] * order
    length = reference_length = 0
    for output, texts in zip(first(outputs), references, strict=True):
        mine, theirs = words(output), [words(text) for text in texts]
        length += len(mine)
        reference_length += min((abs(len(one) - len(mine)), len(one)) for one in theirs)[1]
        for n in range(order):
            counts = ngrams(mine, n + 1)
            most = functools.reduce(operator.or_, [ngrams(one, n + 1) for one in theirs])
            right[n] += (counts & most).total()
            written[n] += counts.total()
    if not outputs:
        return 0.0
    score = math.prod((r + _TINY) / (w + _SMALL) for r, w in zip(right, written, strict=True)) ** (1 / order)
    ratio = (length + _TINY) / (reference_length + _SMALL)
    return 100.0 * score * (math.exp(1 - 1 / ratio) if ratio < 1 else 1.0)


def _common(a: list[str], b: list[str]) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(b) + 1)
    for word in a:
        before = row
        row = [0]
        for j, other in enumerate(b):
            row.append(before[j] + 1 if word == other else max(before[j + 1], row[j]))
    return row[-1]
