"""Metrics of decoded outputs, registered by name.

A metric is a function `metric(outputs, references) -> float`:

* `outputs`: a list with the candidates of each input, best first. A translation has one, a class as many as
  the model ranks.
* `references`: a list with the right answers of each input, one or more.

Its docstring says which way is better, and the unit: percent in [0, 100], unless it says otherwise.
"""

from collections.abc import Callable, Sequence

Texts = Sequence[Sequence[str]]
Metric = Callable[[Texts, Texts], float]


def first(texts: Texts) -> list[str]:
    """The best candidate of each input, or its first reference; "" where there is none."""
    return [text[0] if text else "" for text in texts]


def percent(count: float, total: float) -> float:
    """`count` of `total` in percent, 0 of nothing."""
    return 100.0 * count / total if total else 0.0
