"""Metrics of decoded outputs, registered by name.

A metric is a function `metric(outputs, references) -> float`:

* `outputs`: a list with the candidates of each input, best first. A translation has one, a class as many as
  the model ranks.
* `references`: a list with the right answers of each input, one or more.

Its docstring says which way is better, and the unit: percent in [0, 100], unless it says otherwise. One whose
lower values are the better ones is decorated with `@lower_is_better`. One that is worth little without
knowing how it was computed has an attribute `signature`, a function of the references.
"""

from collections.abc import Callable, Sequence

Texts = Sequence[Sequence[str]]
Metric = Callable[[Texts, Texts], float]


def lower_is_better(metric: Metric) -> Metric:
    """Marks a metric, such as an error rate; stands under `@registry.register_metric`."""
    metric.higher_is_better = False  # type: ignore[attr-defined]  # functions may have attributes
    return metric


def higher_is_better(metric: Metric) -> bool:
    """Whether a higher value is the better one."""
    return getattr(metric, "higher_is_better", True)


def signature(metric: Metric, references: Texts) -> str:
    """How the metric was computed on these references, to be told with its value; "" where that is plain."""
    sign = getattr(metric, "signature", None)
    return sign(references) if sign and references else ""


def first(texts: Texts) -> list[str]:
    """The best candidate of each input, or its first reference; "" where there is none."""
    return [text[0] if text else "" for text in texts]


def percent(count: float, total: float) -> float:
    """`count` of `total` in percent, 0 of nothing."""
    return 100.0 * count / total if total else 0.0
