"""Word and character error rates, by jiwer."""

from typing import Any

import jiwer

from t2tlite import registry
from t2tlite.metrics import Texts, first, lower_is_better


@registry.register_metric
@lower_is_better
def wer(outputs: Texts, references: Texts) -> float:
    """Word error rate in percent, lower is better; it can exceed 100. Words are told apart by white space."""
    return _rate(jiwer.process_words, outputs, references)


@registry.register_metric
@lower_is_better
def cer(outputs: Texts, references: Texts) -> float:
    """Character error rate in percent, lower is better; it can exceed 100. Spaces count."""
    return _rate(jiwer.process_characters, outputs, references)


def _rate(process: Any, outputs: Texts, references: Texts) -> float:
    """Edits over the length of the first references; jiwer leaves the rate open where that is 0."""
    if not outputs:
        return 0.0
    alignment = process(
        [_spaced(text) for text in first(references)], [_spaced(text) for text in first(outputs)]
    )
    edits = alignment.substitutions + alignment.deletions + alignment.insertions
    length = alignment.hits + alignment.substitutions + alignment.deletions
    return 100.0 * edits / length if length else (100.0 if edits else 0.0)


def _spaced(text: str) -> str:
    return " ".join(text.split())
