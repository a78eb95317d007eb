"""How figures are called and written, and which way is better."""

from t2tlite import metrics, registry

_TITLES = {
    "log_perplexity": "log(ppl)",
    "accuracy_top5": "top-5 accuracy",
    "sequence_accuracy": "whole sequences",
    "full_trees": "full trees",
}
_SHARES = ("accuracy", "accuracy_top5", "sequence_accuracy")


def title(figure: str) -> str:
    """What a table calls a figure."""
    return _TITLES.get(figure, figure.replace("_", " "))


def written(figure: str, value: float, sign: bool = False) -> str:
    """A figure, as a table has it; `sign`: a difference of two."""
    digits, scale, unit = 3, 1, ""
    if figure in _SHARES:
        digits, scale, unit = 1, 100, "%"
    elif figure in registry.names("metric"):
        digits = 1
    rounded = round(scale * value, digits) + 0.0  # no minus before a zero
    return f"{rounded:{'+' if sign else ''}.{digits}f}{unit}"


def with_spread(figure: str, value: float, spread: float | None) -> str:
    """A mean and its standard deviation over seeds, where there is one."""
    return written(figure, value) + ("" if spread is None else f" ± {written(figure, spread)}")


def higher_is_better(problem: str, figure: str) -> bool:
    """Which way a figure of a problem is better."""
    if figure in registry.names("metric"):
        return metrics.higher_is_better(registry.get("metric", figure))
    if figure in ("loss", "log_perplexity"):
        return False
    if figure in _SHARES:
        return True
    from t2tlite.objective import figures_of  # imports TensorFlow

    return figures_of(registry.get_problem(problem)).get(figure, True)
