"""Teacher-forced evaluation of a split."""

import math

import pytest

from t2tlite import registry
from t2tlite.data import pipeline
from t2tlite.errors import UserError
from t2tlite.training import launch
from t2tlite.training.evaluate import Evaluator

from ..models import tiny

HPARAMS = tiny.HPARAMS.replace(vocabulary_size=600, batch_tokens=64, batch_images=4)
pytestmark = pytest.mark.usefixtures("eagerly")


@pytest.fixture(scope="module")
def run(sample_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluate")
    return launch.make_run(folder, "wmt_ende,imagenet", HPARAMS, sample_data, "sample")


@pytest.fixture(scope="module")
def model(run):
    return run.make_model()


def test_figures_are_over_the_whole_split(run, model):
    figures = Evaluator(run, model).evaluate("wmt_ende", "validation")
    targets = sum(
        int((batch["targets"].numpy() != 0).sum())
        for batch in pipeline.dataset(
            registry.get_problem("wmt_ende"),
            "validation",
            run.data_dir,
            run.vocabulary,
            None,
            HPARAMS,
            0,
            training=False,
        )
    )
    assert figures["targets"] == targets
    assert figures["loss"] == figures["log_perplexity"]
    assert abs(figures["loss"] - math.log(run.vocabulary.size)) < 4  # a fresh model knows nothing
    assert 0 <= figures["sequence_accuracy"] <= figures["accuracy"] <= 1


def test_steps(run, model):
    evaluator = Evaluator(run, model)
    whole, first = (evaluator.evaluate("imagenet", "validation", steps) for steps in (None, 1))
    assert whole["targets"] == 6 and first["targets"] == 4
    assert evaluator.evaluate("imagenet", "validation", 1) == first
    assert evaluator.evaluate("imagenet", "validation", 99) == whole
    assert evaluator.evaluate("imagenet", "test")["targets"] == 4


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
