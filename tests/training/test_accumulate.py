"""Updates of several micro-steps: their gradients, their order and seeds, and training with them."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2tlite import problem, registry
from t2tlite.layers import randomness
from t2tlite.training import launch, trainer
from t2tlite.training.progress import NoProgress

from ..models import tiny
from ..rewind import killed_after
from . import updates

# Dropout, the gate's noise and the experts' losses are on.
HPARAMS = tiny.HPARAMS.replace(
    clip_grad_norm=0.0,
    moe_load_loss_coef=0.7,
    moe_importance_loss_coef=0.4,
    num_encoder_layers=1,
    num_decoder_layers=1,
)
pytestmark = pytest.mark.usefixtures("eagerly")


def gradients_alone(model, name, features, micro_step):
    recorder = updates.Recorder()
    (figures,) = updates.update(model, recorder, [(name, features)], micro_step)
    return recorder.gradients, figures


def test_the_gradient_of_several_problems_is_the_mean_of_theirs():
    """Each micro-step has the dropout, the noise and the experts' losses of a step with its number."""
    model = tiny.model(("translation", "pictures"), HPARAMS)
    batches = [(name, tiny.batch(name)) for name in ("translation", "pictures")]
    recorder = updates.Recorder()
    together = updates.update(model, recorder, batches, 3)
    alone = [gradients_alone(model, *batch, 2 * 3 + i) for i, batch in enumerate(batches)]
    assert set(recorder.gradients) == set().union(*(gradients for gradients, _ in alone))
    for path, gradient in recorder.gradients.items():
        mean = sum(gradients.get(path, 0.0) for gradients, _ in alone) / 2
        tiny.close(gradient, mean)
    for figures, (_, expected) in zip(together, alone, strict=True):
        assert figures["expert_loss"] > 0.01
        for figure in ("loss", "expert_loss", "targets", "dropped", "dropped_share"):
            assert figures[figure] == pytest.approx(expected[figure], rel=1e-5), figure
        assert figures["gradient_norm"] == pytest.approx(updates.norm(recorder.gradients.values()), rel=1e-5)


def test_targets_of_one_problem_count_alike_in_whichever_micro_step():
    """Of unequal batches: the mean over all targets, and the mean of the experts' losses."""
    batches = [("topics", tiny.batch("topics", size, seed)) for seed, size in enumerate((1, 4))]
    results = {}
    for coefs in (0.0, 1.0):
        hparams = HPARAMS.replace(
            moe_load_loss_coef=0.7 * coefs, moe_importance_loss_coef=0.4 * coefs, dropout=0.3
        )
        model = tiny.model(("topics",), hparams)
        alone = [gradients_alone(model, *batch, 2 * 5 + i)[0] for i, batch in enumerate(batches)]
        results[coefs] = alone, updates.gradients(model, batches, 5)
    for path, gradient in results[1.0][1].items():
        targets = [each[path] for each in results[0.0][0]]
        experts = [each[path] - other for each, other in zip(results[1.0][0], targets, strict=True)]
        tiny.close(results[0.0][1][path], 0.2 * targets[0] + 0.8 * targets[1])
        tiny.close(gradient, results[0.0][1][path] + sum(experts) / 2, 1e-3)


def test_an_update_leaves_nothing_behind():
    """The sums begin at zero again, also for what the next update doesn't use."""
    model = tiny.model(("topics", "pictures"), HPARAMS)
    batches = {name: tiny.batch(name) for name in ("topics", "pictures")}
    spec = {name: updates.specs(features) for name, features in batches.items()}
    recorder = updates.Recorder()
    accumulator = updates.Accumulator(model, recorder, tiny.objectives(model), 0, spec, 2, updates.Replicas())
    results = []
    for names in (["topics"] * 2, ["pictures", "topics"], ["topics"] * 2):
        accumulator.update([(name, batches[name]) for name in names], 4)
        results.append(recorder.gradients)
    assert results[0].keys() == results[2].keys() < results[1].keys()
    for path, gradient in results[0].items():
        np.testing.assert_array_equal(results[2][path], gradient)


def test_every_draw_of_a_run_has_a_seed_of_its_own(monkeypatch):
    """Of micro-steps, updates, problems, runs, and of the draws within a step."""
    seeds = []
    draw = randomness.next_seed

    def watched():
        seeds.append(tuple(draw().numpy().tolist()))
        return seeds[-1]

    monkeypatch.setattr(randomness, "next_seed", watched)
    moods = tiny.a_problem("moods", problem.Text(), problem.Label(), "to_category")
    monkeypatch.setitem(tiny.PROBLEMS, "moods", moods)
    model = tiny.model(("topics", "moods"), HPARAMS.replace(num_encoder_layers=2))
    batches = [(name, tiny.batch(name, 1)) for name in ("topics", "moods")]
    for seed in (0, 1):
        for step in range(3):
            updates.update(model, updates.Recorder(), batches, step, seed)
    assert len(seeds) == 2 * 3 * 2 * 3  # dropout of two blocks and the gate's noise
    assert len(set(seeds)) == len(seeds)
    first = seeds[:3]
    seeds.clear()
    updates.update(model, updates.Recorder(), batches[:1], 0)
    assert seeds == first  # the first micro-step is that of a run without them


MORE = {
    "hidden_size": 16,
    "vocabulary_size": 600,
    "batch_tokens": 64,
    "batch_images": 2,
    "batch_seconds": 4,
    "image_size": 32,
    "length_bounds": (32,),
    "learning_rate_warmup_steps": 8,
}


def trained(folder, data, steps, problems="wmt_ende,imagenet", **changes):
    """The trainer, and the training lines of metrics.jsonl by step and problem."""
    keras.utils.set_random_seed(0)
    run = launch.make_run(folder, problems, HPARAMS.replace(**MORE, **changes), data, "sample")
    intervals = trainer.Intervals(steps, save=2, log=1, evaluate=0, eval_steps=1)
    loop = trainer.Trainer(run, intervals, try_first=False)
    loop.train()
    lines = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    return loop, {(line["step"], line["problem"]): line for line in lines if line["split"] == "train"}


SCHEDULED = {
    "accumulate": 4,
    "order": "round_robin",
    "mixing": "constant @0 wmt_ende:1 @1 wmt_ende:1 imagenet:3",
}


@pytest.fixture(scope="module")
def whole(sample_data, tmp_path_factory, eager):
    with eager():
        return trained(tmp_path_factory.mktemp("whole"), sample_data, 3, **SCHEDULED)


def test_schedules_are_in_updates(whole):
    """Those of the mixing and of the learning rate; shares are those of the micro-steps."""
    created, lines = whole
    assert set(lines) == {(1, "wmt_ende")} | {
        (step, name) for step in (2, 3) for name in ("wmt_ende", "imagenet")
    }
    for (step, name), line in lines.items():
        share = (1.0 if step == 1 else 0.25) if name == "wmt_ende" else 0.75
        assert line["share"] == line["share_asked"] == share
        assert line["updates"] == 4 * share
        # The rate that the next update will have, warming up over 8.
        assert line["learning_rate"] == pytest.approx(HPARAMS.learning_rate * (step + 1) / 8)
        assert line["loss"] > 0 and line["expert_loss"] > 0
    assert int(created.optimizer.iterations) == 3


def test_a_run_with_micro_steps_goes_on_exactly(whole, sample_data, tmp_path):
    folder = killed_after(2, whole[0].run.output_dir, tmp_path / "run")
    loop, lines = trained(folder, sample_data, 3, **SCHEDULED)
    assert lines == whole[1]
    for one, other in zip(loop.model.variables, whole[0].model.variables, strict=True):
        np.testing.assert_array_equal(one, other)


def test_micro_steps_read_batch_after_batch(whole, sample_data, tmp_path):
    """A run of as many updates of one batch each sees the same targets in the same order."""
    _, lines = trained(tmp_path, sample_data, 4, "wmt_ende", mixing="uniform", order="round_robin")
    single = [line["targets"] for line in lines.values()]
    assert whole[1][1, "wmt_ende"]["targets"] == np.mean(single)


def test_as_many_micro_steps_as_problems_are_joint_training(sample_data, tmp_path):
    """Every update sees each of the eight problems once, as in the paper."""
    names = [each.name for each in registry.problems("all")]
    hparams = HPARAMS.replace(**MORE, accumulate=8, order="round_robin")
    run = launch.make_run(tmp_path, "all", hparams, sample_data, "sample")
    loop = trainer.Trainer(run, trainer.Intervals(3))
    problems = []

    def watched(batches, step):
        problems.append([name for name, _ in batches])
        return [{"loss": tf.constant(step + 1.0), "gradient_norm": tf.constant(1.0)} for _ in batches]

    loop._updates, loop.progress = watched, NoProgress()
    for loop.step in range(3):
        loop._update()
    loop._read()
    assert len(names) == 8 and problems == [names] * 3
    assert {name: [each["loss"] for each in figures] for name, figures in loop.pending.items()} == {
        name: [1.0, 2.0, 3.0] for name in names
    }
