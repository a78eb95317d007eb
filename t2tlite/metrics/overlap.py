"""BLEU and chrF, by sacreBLEU: n-grams that outputs share with references."""

import functools
import itertools
from collections.abc import Callable
from typing import Any

from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.metrics.base import Metric

from t2tlite import registry
from t2tlite.metrics import Texts, first

# Outputs with a space before the last period are looked on as tokenized, which they are in some corpora.
_BLEU = functools.partial(BLEU, force=True)


@registry.register_metric
def bleu(outputs: Texts, references: Texts) -> float:
    """Corpus BLEU in percent, higher is better: sacreBLEU's default (13a words, mixed case; Post 2018)."""
    return _corpus_score(_BLEU(), first(outputs), references)


@registry.register_metric
def chrf(outputs: Texts, references: Texts) -> float:
    """Corpus chrF2 in percent, higher is better: sacreBLEU's default (Popović 2015)."""
    return _corpus_score(CHRF(), first(outputs), references)


def _signature(make: Callable[..., Any], references: Texts) -> str:
    """sacreBLEU's own, which tells the number of references, or that it varies."""
    metric = make()
    _corpus_score(metric, [""] * len(references), [[""] * len(texts) for texts in references])
    return str(metric.get_signature())


bleu.signature = functools.partial(_signature, _BLEU)
chrf.signature = functools.partial(_signature, CHRF)


def _corpus_score(metric: Metric, outputs: list[str], references: Texts) -> float:
    if len(outputs) != len(references):
        raise ValueError(f"expected references for {len(outputs)} outputs. Received: {len(references)}")
    if not outputs:
        return 0.0
    # sacreBLEU wants the first references of all inputs, then the second of all, None where there is none.
    return metric.corpus_score(outputs, list(itertools.zip_longest(*references))).score
