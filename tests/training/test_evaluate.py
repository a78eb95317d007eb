"""Teacher-forced evaluation of a split."""

import math

import numpy as np
import pytest
import tensorflow as tf

from t2tlite import registry
from t2tlite.checkpoints import best_checkpoints
from t2tlite.data.reading import pipeline
from t2tlite.data.reading.reader import ReadConfig
from t2tlite.errors import UserError
from t2tlite.objective import figures_of
from t2tlite.training import launch, trainer
from t2tlite.training.evaluate import Evaluator, make_eval_step
from t2tlite.training.optimizers import make_optimizer
from t2tlite.training.step import make_train_steps

from ..models import tiny

HPARAMS = tiny.HPARAMS.replace(vocabulary_size=600, batch_tokens=64, batch_images=4)
pytestmark = pytest.mark.usefixtures("eagerly")


@pytest.fixture(scope="module")
def run(sample_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluate")
    return launch.make_run(folder, "wmt_ende,imagenet", HPARAMS, sample_data, "sample")


@pytest.fixture(scope="module")
def model(run):
    return tiny.randomise(run.make_model())  # a fresh one finds all entries as likely


def batches(run, problem, split="validation"):
    data = pipeline.dataset(run.split(problem, split), HPARAMS, ReadConfig())
    return [{name: value.numpy() for name, value in batch.items()} for batch in data]


def in_numpy(model, problem, data):
    """Nats, right ones and right ones among five of all targets of batches, and their whole sequences.

    In float64, over what is no padding.
    """
    nats, ranks, whole = [], [], []
    for batch in data:
        logits = model({k: tf.constant(v) for k, v in batch.items()}, problem=problem).logits.numpy()
        targets = batch["targets"]
        if targets.ndim == 1:
            logits, targets = logits[:, None], targets[:, None]
        counted = targets != 0 if problem == "wmt_ende" else np.ones_like(targets, bool)
        logits = logits.astype(np.float64)
        of_targets = np.take_along_axis(logits, targets[..., None], axis=-1)
        highest = logits.max(axis=-1)
        logs = np.log(np.exp(logits - highest[..., None]).sum(axis=-1)) + highest - of_targets[..., 0]
        rank = (logits > of_targets).sum(axis=-1)
        nats.append(logs[counted])
        ranks.append(rank[counted])
        whole += [bool(np.all(r[c] == 0)) for r, c in zip(rank, counted, strict=True)]
    return np.concatenate(nats), np.concatenate(ranks), whole


@pytest.mark.parametrize("problem", ["wmt_ende", "imagenet"])
def test_figures_are_numpys_over_the_whole_split(run, model, problem):
    data = batches(run, problem)
    nats, ranks, whole = in_numpy(model, problem, data)
    figures = Evaluator(run, model).evaluate(problem, "validation")
    assert set(figures) == {*figures_of(run.problems[problem]), "targets", "sequences"}
    assert figures["targets"] == len(nats) and figures["sequences"] == len(whole) == 6
    assert figures["loss"] == figures["log_perplexity"] == pytest.approx(nats.mean(), rel=1e-5)
    assert figures["accuracy"] == pytest.approx((ranks == 0).mean())
    assert figures["accuracy_top5"] == pytest.approx((ranks < 5).mean())
    assert figures["sequence_accuracy"] == pytest.approx(np.mean(whole))
    assert 0 <= figures["sequence_accuracy"] <= figures["accuracy"] <= figures["accuracy_top5"] <= 1


def test_every_target_counts_the_same(run, model):
    """Batches have different numbers of targets, so the mean of their means is another figure."""
    data = batches(run, "wmt_ende")
    means = [in_numpy(model, "wmt_ende", [batch])[0].mean() for batch in data]
    figures = Evaluator(run, model).evaluate("wmt_ende", "validation")
    assert len({(batch["targets"] != 0).sum() for batch in data}) > 1
    assert abs(figures["log_perplexity"] - np.mean(means)) > 1e-3


def test_a_fresh_model_knows_nothing(run):
    loss = Evaluator(run, run.make_model()).evaluate("wmt_ende", "validation")["loss"]
    assert loss == pytest.approx(math.log(run.vocabulary.size), rel=1e-5)


@pytest.mark.parametrize("name", ["translation", "pictures"])
def test_the_loss_is_that_of_training_and_the_log_perplexity_is_without_smoothing(name):
    plain, smooth = (
        tiny.HPARAMS.replace(dropout=0.0, moe="none", label_smoothing=smoothing) for smoothing in (0.0, 0.3)
    )
    features = tiny.batch(name)
    spec = {key: tf.TensorSpec([None] * value.shape.rank, value.dtype) for key, value in features.items()}
    results = {}
    for hparams in (plain, smooth):
        model = tiny.model([name], hparams)
        optimizer = make_optimizer(hparams.replace(learning_rate=1e-20), model.trainable_variables)
        aims = tiny.objectives(model)
        trained = make_train_steps(model, optimizer, aims, 0, {name: spec})[name](features, tf.constant(0))
        values = [tf.convert_to_tensor(variable) for variable in model.problem_variables(name)]
        sums = make_eval_step(model, aims[name], name, spec)(features, values)
        np.testing.assert_allclose(sums["loss"] / sums["count"], trained["loss"], rtol=1e-5)
        results[hparams.label_smoothing] = {key: float(value) for key, value in sums.items()}
    assert results[0.0]["loss"] == results[0.0]["nats"] == pytest.approx(results[0.3]["nats"], rel=1e-5)
    assert abs(results[0.3]["loss"] / results[0.3]["nats"] - 1) > 1e-3


@pytest.fixture
def margin():
    """The name of an objective with a hinge loss, as a user may register one."""
    default = registry.get.__self__
    default.names("objective")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(default, "_entries", dict(default._entries))
        patch.setattr(default, "_things", dict(default._things))

        @registry.register_objective("margin")
        class Margin(registry.get("objective", "classification")):
            def losses(self, logits, targets):
                of_targets = tf.gather(logits, targets, batch_dims=1)[:, None]  # [batch, 1]
                excess = tf.nn.relu(1.0 + logits - of_targets) * (1.0 - tf.one_hot(targets, logits.shape[-1]))
                return tf.reduce_sum(excess, axis=-1)

            def nats(self, logits, targets):
                return None

        patch.setattr(registry.get("problem", "imagenet"), "objective", "margin")
        yield "margin"


def test_another_objective(sample_data, tmp_path, margin):
    run = launch.make_run(tmp_path, "imagenet", HPARAMS, sample_data, "sample")
    model = tiny.randomise(run.make_model())
    expected = []
    for batch in batches(run, "imagenet"):
        logits = model({k: tf.constant(v) for k, v in batch.items()}, problem="imagenet").logits.numpy()
        for row, target in zip(logits, batch["targets"], strict=True):
            others = np.delete(row, target)
            expected.append(np.maximum(0, 1 + others - row[target]).sum())
    figures = Evaluator(run, model).evaluate("imagenet", "validation")
    assert figures["loss"] == pytest.approx(np.mean(expected), rel=1e-5)
    assert "log_perplexity" not in figures and 0 <= figures["accuracy"] <= figures["accuracy_top5"] <= 1
    assert f"loss {np.mean(expected):.3f}, accuracy" in trainer._summary(run.problems["imagenet"], figures)
    assert best_checkpoints.scores({"imagenet": figures}, run.problems)["mean"] == figures["loss"]


def test_steps(run, model):
    evaluator = Evaluator(run, model)
    whole, first = (evaluator.evaluate("imagenet", "validation", steps) for steps in (None, 1))
    assert whole["targets"] == 6 and first["targets"] == 4
    assert evaluator.evaluate("imagenet", "validation", 1) == first
    assert evaluator.evaluate("imagenet", "validation", 99) == whole
    assert evaluator.evaluate("imagenet", "test")["targets"] == 4


def test_progress(run, model, capsys):
    evaluator = Evaluator(run, model)
    evaluator.evaluate("imagenet", "validation", progress=True)
    evaluator.evaluate("imagenet", "validation", 1)
    assert capsys.readouterr().err.startswith("imagenet validation, teacher-forced: 6 in ")


def test_the_model_is_read_anew(run):
    model = run.make_model()
    evaluator = Evaluator(run, model)
    before = evaluator.evaluate("imagenet", "validation")
    tiny.randomise(model)
    assert evaluator.evaluate("imagenet", "validation")["loss"] != before["loss"]


def test_a_split_without_examples_is_refused(sample_data, tmp_path):
    hparams = HPARAMS.replace(length_bounds=(2,))
    run = launch.make_run(tmp_path, "wmt_ende", hparams, sample_data, "sample")
    with pytest.raises(UserError, match="too long"):
        Evaluator(run, run.make_model()).evaluate("wmt_ende", "validation")
