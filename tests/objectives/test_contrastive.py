"""Contrastive learning: against NumPy in float64, what it reads, and what its figures say."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2tlite import problem, registry
from t2tlite.errors import UserError
from t2tlite.model import Output
from t2tlite.objectives.contrastive import recall

from ..models import tiny
from ..training import updates

VARIANTS = ("info_nce", "sum_of_violations", "hardest")


def make_objective(name="matched", **changes):
    return registry.get("objective", "contrastive")(tiny.HPARAMS.replace(**changes), tiny.get(name))


def embeddings(rows=6, size=4, seed=0):
    """A pair of float64 `[rows, size]` of length 1, alike enough that some pairs are found."""
    generator = np.random.default_rng(seed)
    first = generator.normal(size=(rows, size))
    second = first + generator.normal(size=(rows, size))
    return tuple(x / np.linalg.norm(x, axis=1, keepdims=True) for x in (first, second))


def reference(first, second, variant, temperature=0.07, margin=0.2):
    """The sum over the pairs of both directions, one pair at a time."""
    total = 0.0
    for queries, candidates in ((first, second), (second, first)):
        for i, query in enumerate(queries):
            cosines = [float(query @ candidate) for candidate in candidates]
            others = [max(0.0, margin - cosines[i] + s) for j, s in enumerate(cosines) if j != i]
            if variant == "info_nce":
                scaled = np.array(cosines) / temperature
                total += 0.5 * (np.log(np.exp(scaled).sum()) - scaled[i])
            else:
                total += max(others, default=0.0) if variant == "hardest" else sum(others)
    return total


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("rows", [1, 6])
def test_the_loss(variant, rows):
    pair = embeddings(rows)
    values = {"contrastive_temperature": 0.3, "contrastive_margin": 0.4}
    aim = make_objective(contrastive_loss=variant, **values)
    loss = aim.loss(Output(tuple(map(tf.constant, pair))), {})
    np.testing.assert_allclose(loss, reference(*pair, variant, 0.3, 0.4), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("variant", VARIANTS)
def test_its_gradient_is_that_of_finite_differences(variant):
    """Through the division by the length, too, as `forward` makes it."""
    aim = make_objective(contrastive_loss=variant)
    inputs = [keras.Variable(x + 0.1, dtype="float64") for x in embeddings()]
    tiny.assert_gradients(
        lambda: aim.loss(Output(tuple(tf.math.l2_normalize(x.value, axis=-1) for x in inputs)), {}), inputs
    )


@pytest.fixture(scope="module")
def model():
    return tiny.model(("shown", "matched"))


@pytest.mark.parametrize("name", ["shown", "matched"])
def test_embeddings_are_means_of_the_unpadded_positions_of_length_1(model, name):
    features = tiny.batch(name)
    output = make_objective(name).forward(model, features, name, training=False)
    for (side, _), embedding in zip(model.wiring[name].inputs, output.logits, strict=True):
        source, _ = model.encode(features, name, only=side)
        for row, x, mask in zip(embedding, source.x, source.mask, strict=True):
            mean = np.float64(x)[np.asarray(mask)].mean(axis=0)
            np.testing.assert_allclose(row, mean / np.linalg.norm(mean), atol=1e-5)
    assert [set(one) for one in output.experts.values()] and len(output.experts) == 2


def test_padding_changes_nothing(model):
    features = tiny.batch("shown")
    longer = {**features, "inputs.question": tf.pad(features["inputs.question"], [[0, 0], [0, 7]])}
    aim = make_objective("shown")
    one, other = (aim.forward(model, batch, "shown", training=False) for batch in (features, longer))
    for embedding, again in zip(one.logits, other.logits, strict=True):
        tiny.close(embedding, again, 1e-5)
    tiny.close(aim.loss(one, features), aim.loss(other, longer), 1e-4)


def test_both_sides_and_their_names_are_learned(model, eagerly):
    features = tiny.batch("shown")
    gradients = updates.gradients(model, [("shown", features)])
    assert {path.rpartition("/")[2] for path in gradients if "input_" in path} == {
        "input_picture",
        "input_question",
    }
    assert all(np.isfinite(gradient).all() for gradient in gradients.values())
    assert updates.norm(gradients.values()) > 1e-3


def test_rows_of_a_micro_step_are_compared_with_each_other_alone(eagerly):
    """And the gradient is that of the mean over all pairs."""
    hparams = tiny.HPARAMS.replace(dropout=0.0, moe="none", clip_grad_norm=1e9)
    model = tiny.model(("matched",), hparams)
    batches = [tiny.batch("matched", 3), tiny.batch("matched", 5, seed=1)]
    together = updates.gradients(model, [("matched", batch) for batch in batches])
    apart = [updates.gradients(model, [("matched", batch)]) for batch in batches]
    for path, gradient in together.items():
        tiny.close(gradient, (3 * apart[0][path] + 5 * apart[1][path]) / 8, 1e-4)


def chance(queries, candidates, most):
    """The share of pairs among the most similar, over all orders of equally similar ones."""
    share = 0.0
    for i, query in enumerate(queries):
        cosines = np.round(candidates @ query, 9)
        orders = [
            order
            for order in itertools.permutations(range(len(candidates)))
            if all(cosines[a] >= cosines[b] for a, b in itertools.pairwise(order))
        ]
        share += np.mean([i in order[:most] for order in orders])
    return share / len(queries)


def test_recall_is_the_share_of_pairs_that_are_found():
    first, second = embeddings(5, 8)
    second[3], first[1] = second[0], first[4]  # equal ones
    recalls = recall(first, second, (1, 2))
    assert len(set(recalls.values())) == 2
    assert recalls == pytest.approx({most: chance(first, second, most) for most in (1, 2)})
    alike = np.ones([8, 1])
    assert recall(alike, alike, (1, 5)) == {1: 1 / 8, 5: 5 / 8}
    assert recall(first[:1], second[:1], (1, 5)) == {1: 1.0, 5: 1.0}


def test_recall_of_many_is_that_of_blocks(monkeypatch):
    first, second = embeddings(50)
    whole = recall(first, second, (1, 5))
    monkeypatch.setattr("t2tlite.objectives.contrastive._BLOCK", 7)
    assert recall(first, second, (1, 5)) == whole


def test_figures_tell_the_directions_apart():
    """Both first inputs find their second one, but the second one of the latter finds the former."""
    first = np.array([[1.0, 0.0], [0.0, 1.0]])
    second = np.array([[1.0, 0.0], [0.8, 0.6]])
    aim = make_objective()
    sums = aim.sums(Output((tf.constant(first), tf.constant(second))), tiny.batch("matched", 2))
    figures = aim.figures({name: np.asarray(value) for name, value in sums.items()})
    assert (figures["recall_at_1"], figures["reverse_recall_at_1"]) == (1.0, 0.5)
    assert (figures["recall_at_5"], figures["mean_recall"]) == (1.0, 0.875)
    assert figures["candidates"] == 2 and next(iter(aim.FIGURES)) == "mean_recall"
    assert figures["loss"] == pytest.approx(reference(first, second, "info_nce") / 2)
    assert set(aim.FIGURES) <= set(figures)


@pytest.mark.parametrize(
    ("inputs", "kind"),
    [
        (problem.Text(), "text"),
        (problem.NamedInputs.of({"one": problem.Text()}), r"one \(text\)"),
        (
            problem.NamedInputs.of({"one": problem.Text(), "other": problem.Text(optional=True)}),
            r"one \(text\), other \(text\)",
        ),
        (tiny.TOLD, r"sound \(audio\), question \(text\), hint \(text\)"),
    ],
)
def test_other_inputs_are_refused(inputs, kind):
    bad = tiny.a_problem("bad", inputs, None)
    with pytest.raises(UserError, match=f"two named inputs, neither of them optional; .*`bad` has {kind}"):
        registry.get("objective", "contrastive")(tiny.HPARAMS, bad)


def test_a_model_that_encodes_nothing_is_refused():
    with pytest.raises(UserError, match="needs a model that is `Embeddable`.*`multimodel` is not"):
        make_objective().forward(None, tiny.batch("matched"), "matched", training=True)


def test_an_objective_of_targets_is_refused_where_there_are_none():
    with pytest.raises(UserError, match="`likelihood` needs targets, and problem `matched` has none"):
        registry.get("objective", "likelihood")(tiny.HPARAMS, tiny.get("matched"))


def test_problems_of_other_inputs_have_compiled_functions_of_their_own():
    assert make_objective("shown").computation() != make_objective("matched").computation()
