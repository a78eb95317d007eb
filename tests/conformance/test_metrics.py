"""What holds for every metric that t2tlite registers: walks `table.METRICS`."""

import pytest

from t2tlite import registry
from t2tlite.metrics import higher_is_better

from . import table

every_metric = pytest.mark.parametrize("name", table.METRICS)


def scores(name):
    """The metric, its references, and outputs that are right."""
    references, best = table.METRICS[name]
    return registry.get("metric", name), references, [[texts[0]] for texts in references], best


def test_every_registered_metric_has_a_row():
    assert set(table.METRICS) == table.registered("metric")


@every_metric
def test_the_right_outputs_get_the_best_score_and_others_a_worse_one(name):
    metric, references, right, best = scores(name)
    assert metric(right, references) == pytest.approx(best)
    for wrong in ([right[0], right[0]], [right[0], [""]], [right[0], []]):
        score = metric(wrong, references)
        assert score > best if best == 0 else 0 <= score < best - 1


@every_metric
def test_the_order_of_the_inputs_does_not_matter(name):
    metric, references, right, _ = scores(name)
    mixed = [right[0], right[0]]
    assert metric(mixed, references) == pytest.approx(metric(mixed[::-1], references[::-1]))


@every_metric
def test_no_inputs_give_zero(name):
    assert registry.get("metric", name)([], []) == 0


@every_metric
def test_outputs_and_references_must_be_as_many(name):
    metric, references, right, _ = scores(name)
    with pytest.raises(ValueError):
        metric(right[:1], references)


@every_metric
def test_the_metric_and_its_docstring_say_which_way_is_better(name):
    lower = table.METRICS[name][1] == 0
    assert ("lower is better" if lower else "higher is better") in registry.entry("metric", name).doc
    assert higher_is_better(registry.get("metric", name)) != lower


@pytest.mark.parametrize("objective", registry.names("objective"))
def test_no_metric_has_the_name_of_a_figure_of_an_objective(objective):
    assert not set(table.METRICS) & set(registry.get("objective", objective).FIGURES)
