"""BLEU and chrF, by sacreBLEU: n-grams that outputs share with references."""

import itertools

import sacrebleu
from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

from t2tlite import registry
from t2tlite.metrics import Texts, first

# What COCO's caption evaluation takes out of captions after it has split them into words.
_CAPTION_PUNCTUATION = frozenset(
    ["''", "'", "``", "`", "-LRB-", "-RRB-", "-LCB-", "-RCB-", ".", "?", "!", ",", ":", "-", "--", "...", ";"]
)


@registry.register_metric
def bleu(outputs: Texts, references: Texts) -> float:
    """Corpus BLEU in percent, higher is better: sacreBLEU's default (13a words, mixed case; Post 2018)."""
    return _corpus_score(BLEU(), first(outputs), references)


@registry.register_metric
def chrf(outputs: Texts, references: Texts) -> float:
    """Corpus chrF2 in percent, higher is better: sacreBLEU's default (Popović 2015)."""
    return _corpus_score(CHRF(), first(outputs), references)


@registry.register_metric
def caption_bleu4(outputs: Texts, references: Texts) -> float:
    """Corpus BLEU-4 of captions in percent, higher is better.

    As in COCO's evaluation (Chen et al. 2015, arXiv 1504.00325) all references count, in lower case and
    without punctuation; words are split by sacreBLEU's 13a rules instead of Stanford's tokenizer.
    """
    words = Tokenizer13a()

    def plain(text):
        return " ".join(word for word in words(text.lower()).split() if word not in _CAPTION_PUNCTUATION)

    outputs = [plain(text) for text in first(outputs)]
    references = [[plain(text) for text in texts] for texts in references]
    return _corpus_score(BLEU(tokenize="none", force=True), outputs, references)


def signature(name: str, references: int = 1) -> str:
    """sacreBLEU's signature of `bleu` or `chrf`, to be told with a score.

    Args:
      references: how many each input has.
    """
    metric = {"bleu": BLEU, "chrf": CHRF}[name]()
    metric.corpus_score([""], [[""]] * references)
    return str(metric.get_signature())


def _corpus_score(metric: sacrebleu.metrics.base.Metric, outputs: list[str], references: Texts) -> float:
    if len(outputs) != len(references):
        raise ValueError(f"expected references for {len(outputs)} outputs. Received: {len(references)}")
    if not outputs:
        return 0.0
    # sacreBLEU wants the first references of all inputs, then the second of all, None where there is none.
    return metric.corpus_score(outputs, list(itertools.zip_longest(*references))).score
