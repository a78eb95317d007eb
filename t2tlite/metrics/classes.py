"""Accuracy of classes."""

from t2tlite import registry
from t2tlite.metrics import Texts, percent


@registry.register_metric
def top1(outputs: Texts, references: Texts) -> float:
    """Percent of inputs whose likeliest class is right, higher is better."""
    return _within(1, outputs, references)


@registry.register_metric
def top5(outputs: Texts, references: Texts) -> float:
    """Percent of inputs with the right class among the five likeliest, higher is better."""
    return _within(5, outputs, references)


def _within(places: int, outputs: Texts, references: Texts) -> float:
    right = [
        bool(set(ranked[:places]) & set(names)) for ranked, names in zip(outputs, references, strict=True)
    ]
    return percent(sum(right), len(right))
