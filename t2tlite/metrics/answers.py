"""Accuracy of answers against those of several annotators."""

from collections.abc import Sequence

from t2tlite import registry
from t2tlite.metrics import Texts, first, percent

_AGREE = 3  # annotators that make an answer wholly right


@registry.register_metric
def vqa_accuracy(outputs: Texts, references: Texts) -> float:
    """Percent of the VQA challenge, higher is better: an answer that 3 other annotators gave counts whole.

    For each annotator min(1, how many of the others gave the answer / 3), and of these the mean (Antol et al.
    2015, "VQA: Visual Question Answering", arXiv 1505.00468). Answers are compared as they are.
    """
    scores = [_score(answer, annotated) for answer, annotated in zip(first(outputs), references, strict=True)]
    return percent(sum(scores), len(scores))


def _score(answer: str, annotated: Sequence[str]) -> float:
    same = [one == answer for one in annotated]
    return sum(min(1.0, (sum(same) - one) / _AGREE) for one in same) / max(len(same), 1)
