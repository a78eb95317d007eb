"""Distillation: against NumPy in float64, which variables it moves, and what is said of a wrong teacher."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2tlite import objective, registry
from t2tlite.checkpoints import CHECKPOINTS, averaging, checkpoint
from t2tlite.data.text.vocabulary import Vocabulary
from t2tlite.errors import UserError
from t2tlite.model import Output
from t2tlite.objectives.distillation import Distillation
from t2tlite.run import Run
from t2tlite.training import launch
from t2tlite.training.evaluate import Evaluator
from t2tlite.training.optimizers import make_optimizer
from t2tlite.training.trainer import Intervals, Trainer

from ..models import tiny
from ..training import updates

IDS = np.array([[5, 3, 1, 0, 0], [7, 2, 6, 4, 1]], np.int32)


def make_objective(problem="translation", taught=None, **changes):
    """The objective with a teacher that always predicts the same logits."""
    hparams = tiny.HPARAMS.replace(**changes)
    return Distillation(hparams, tiny.get(problem), lambda *args, **kwargs: Output(taught))


def divergences(taught, logits, temperature):
    """Of each target, in float64."""
    logs = [np.float64(one) / temperature for one in (taught, logits)]
    expected, predicted = (one - np.log(np.exp(one).sum(axis=-1, keepdims=True)) for one in logs)
    return (np.exp(expected) * (expected - predicted)).sum(axis=-1)


@pytest.mark.parametrize(("temperature", "weight", "smoothing"), [(1.0, 1.0, 0.0), (3.0, 0.25, 0.1)])
def test_the_loss_of_a_text(temperature, weight, smoothing):
    taught, logits, features = tiny.noise(2, 5, 19), tiny.noise(2, 5, 19, seed=1), {"targets": IDS}
    values = {"distillation_temperature": temperature, "distillation_weight": weight}
    aim = make_objective(taught=taught, label_smoothing=smoothing, **values)
    divergence = divergences(taught, logits, temperature)[IDS > 0].sum()
    likelihood = registry.get("objective", "likelihood")(aim.hparams)
    of_likelihood = likelihood.sums(Output(logits), features)
    expected = (1 - weight) * of_likelihood["loss"] + weight * temperature**2 * divergence
    tiny.close(aim.loss(Output(logits), features), expected)
    sums = aim.sums(Output(logits), features)
    tiny.close(sums["loss"], expected)
    figures = aim.figures({name: float(value) for name, value in sums.items()})
    assert set(figures) >= set(aim.FIGURES)
    assert figures["divergence"] == pytest.approx(divergence / 8, rel=1e-5)
    assert figures["log_perplexity"] == float(of_likelihood["nats"]) / 8
    assert aim.count(features) == 8


def test_the_loss_of_a_class():
    taught, logits, features = (
        tiny.noise(4, 3),
        tiny.noise(4, 3, seed=1),
        {"targets": tf.constant([0, 2, 1, 0])},
    )
    aim = make_objective("pictures", taught, distillation_weight=1.0, distillation_temperature=2.0)
    tiny.close(aim.loss(Output(logits), features), 4 * divergences(taught, logits, 2.0).sum())
    assert aim.count(features) == 4 and aim.sums(Output(logits), features)["sequences"] == 4


def test_without_weight_it_is_the_likelihood():
    logits, features = tiny.noise(2, 5, 19), {"targets": IDS}
    aim = make_objective(taught=tiny.noise(2, 5, 19, seed=1), distillation_weight=0.0)
    assert aim.loss(Output(logits), features) == aim.base.loss(Output(logits), features)


def test_the_gradient_keeps_its_size_at_a_high_temperature():
    """In the limit it is (logits - taught) / size, each less its mean (section 2.1 of the paper)."""
    taught, logits, features = tiny.noise(3, 5), tiny.noise(3, 5, seed=1), {"targets": tf.constant([0, 1, 2])}
    aim = make_objective("topics", taught, distillation_weight=1.0, distillation_temperature=300.0)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = aim.loss(Output(logits), features)
    difference = np.float64(logits - taught)
    tiny.close(tape.gradient(loss, logits), (difference - difference.mean(axis=1, keepdims=True)) / 5, 0.02)


def test_what_is_summed_adds_up_over_parts_of_a_batch():
    aim = Distillation(tiny.HPARAMS, tiny.get("translation"), lambda batch, **_: Output(batch["taught"]))
    logits, features = tiny.noise(2, 5, 19), {"targets": IDS, "taught": tiny.noise(2, 5, 19, seed=1)}
    whole = aim.sums(Output(logits), features)
    halves = [slice(0, 1), slice(1, 2)]
    parts = [aim.sums(Output(logits[half]), {n: f[half] for n, f in features.items()}) for half in halves]
    for name, value in whole.items():
        tiny.close(value, parts[0][name] + parts[1][name])
    tiny.close(whole["loss"], aim.loss(Output(logits), features))


def test_problems_that_the_student_computes_alike_have_compiled_functions_of_their_own():
    assert make_objective("translation").computation() != make_objective("captions").computation()


HPARAMS = tiny.HPARAMS.replace(dropout=0.2, moe_capacity_factor=2.0)


@pytest.fixture(scope="module")
def vocabulary():
    return Vocabulary.train(["the red circle", "the blue square"] * 3, 280)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory, vocabulary):
    """The folder of a run with a checkpoint, of a translation and of pictures."""
    folder = tmp_path_factory.mktemp("teacher")
    with pytest.MonkeyPatch.context() as patch:
        known = registry.get_problem
        patch.setattr(registry, "get_problem", lambda n: tiny.get(n) if n in tiny.PROBLEMS else known(n))
        problems = {name: tiny.get(name) for name in ("translation", "pictures")}
        run = Run(folder, HPARAMS, problems, {"pictures": tiny.CLASSES}, vocabulary, "/data", "sample")
        save_model(run)
        yield folder


def save_model(run):
    """A checkpoint of random weights."""
    run.save()
    model = tiny.randomise(run.make_model(), seed=7)
    optimizer = make_optimizer(run.hparams, model.trainable_variables)
    checkpoint.save(run.output_dir / CHECKPOINTS, 1, model, optimizer, {}, {}, 1)


@pytest.fixture
def learned(teacher, vocabulary):
    """A function: the objectives of problems, with changed hyperparameters, vocabulary or classes."""

    def aims(*names, vocabulary=vocabulary, classes=tiny.CLASSES, **changes):
        hparams = HPARAMS.replace(
            objective="distillation", **{"teacher": str(teacher), "hidden_size": 8, **changes}
        )
        problems = {
            name: tiny.a_problem(name, tiny.get(name).inputs, tiny.get(name).targets) for name in names
        }
        for problem in problems.values():
            problem.objective = "distillation"
        return objective.all_of(problems, hparams, vocabulary, {"pictures": classes})

    return aims


@pytest.mark.parametrize("micro_steps", [1, 2])
def test_only_the_student_is_moved(learned, vocabulary, eagerly, micro_steps):
    aims = learned("translation", distillation_weight=1.0)
    teacher = aims["translation"].teacher
    before = [np.copy(variable.numpy()) for variable in teacher.variables]
    hparams = aims["translation"].hparams
    wiring = tiny.wiring(["translation"], hparams, vocabulary)
    student = registry.get("model", hparams.model)(hparams, wiring)
    student.build(None)
    tiny.randomise(student)
    features, recorder = tiny.batch("translation"), updates.Recorder()
    spec = {"translation": updates.specs(features)}
    if micro_steps == 1:
        step = updates.make_train_steps(student, recorder, aims, 0, spec)["translation"]
        step(features, tf.constant(0))
    else:
        accumulator = updates.Accumulator(student, recorder, aims, 0, spec, 2, updates.Replicas())
        accumulator.update([("translation", features)] * 2, 0)
    assert set(recorder.gradients) == {variable.path for variable in student.trainable_variables}
    assert updates.norm(recorder.gradients.values()) > 1e-3
    for variable, value in zip(teacher.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_no_tape_watches_the_teacher(learned):
    aim = learned("translation")["translation"]
    features = tiny.batch("translation")
    with tf.GradientTape() as tape:
        aim.loss(Output(tiny.noise(3, 9, aim.teacher.target_net("translation").size)), features)
    assert not tape.watched_variables()


def test_problems_share_the_teacher_whose_weights_are_those_of_its_run(learned, teacher):
    aims = learned("translation", "pictures")
    assert aims["translation"].teacher is aims["pictures"].teacher
    expected = Run.load(teacher).restore_model()
    features = tiny.batch("pictures")
    logits = expected(features, problem="pictures").logits
    divergence = aims["pictures"].divergence(Output(logits), features)
    assert abs(float(divergence)) < 1e-6


@pytest.mark.parametrize(
    ("names", "changes", "message"),
    [
        (["translation"], {"teacher": None}, "needs a teacher; add --hparams=teacher=FOLDER"),
        (["translation"], {"teacher": "/nowhere"}, "/nowhere holds no run"),
        (
            ["translation"],
            {"teacher": "runs/one"},
            "teacher must be an absolute path; received",
        ),
        (["captions"], {}, "was not trained on problem `captions`, but on translation, pictures"),
        (
            ["translation"],
            {"vocabulary": tiny.VOCABULARY},
            "another vocabulary; use .*--vocab=",
        ),
        (["pictures"], {"classes": ("red", "blue")}, "has other classes of problem `pictures`"),
        (
            ["pictures"],
            {"image_size": 17},
            "image_size=33, and this run image_size=17; .*image_size=33",
        ),
    ],
)
def test_a_wrong_teacher_is_refused_in_one_line(learned, names, changes, message):
    with pytest.raises(UserError, match=message) as error:
        learned(*names, **changes)
    assert "\n" not in str(error.value)


def test_targets_without_a_distribution_of_each_are_refused():
    problem = tiny.a_problem("moved", tiny.problem.Text(), tiny.problem.Vector(3))
    with pytest.raises(UserError, match="text or a class; those of problem `moved` are vector"):
        Distillation(tiny.HPARAMS, problem, None)


# Quick without a graph.
QUICK = {
    **{"encoder": "transformer", "mixer": "none", "decoder": "transformer", "moe": "none", "dropout": 0.2},
    **{"num_encoder_layers": 1, "num_decoder_layers": 1, "num_heads": 2, "filter_size": 8},
    **{"vocabulary_size": 400, "batch_tokens": 64, "hidden_size": 8},
}


def launched(folder, data, **changes):
    keras.utils.set_random_seed(0)
    return launch.make_run(folder, "wmt_ende", HPARAMS.replace(**QUICK | changes), data, "sample")


def trained(run, steps):
    intervals = Intervals(steps, save=100, log=1, evaluate=0, eval_steps=1)
    Trainer(run, intervals, try_first=False).train()
    return run


def test_a_run_resumes_exactly_with_a_checkpoint_of_the_student_alone(sample_data, tmp_path, eagerly):
    teacher = launched(tmp_path / "teacher", sample_data, hidden_size=16)
    save_model(teacher)
    values = {"objective": "distillation", "teacher": str(teacher.output_dir)}
    whole = trained(launched(tmp_path / "whole", sample_data, **values), 2)
    trained(launched(tmp_path / "parted", sample_data, **values), 1)
    parted = trained(launched(tmp_path / "parted", sample_data, **values), 2)
    one, other = (run.restore_model() for run in (whole, parted))
    for variable, again in zip(one.variables, other.variables, strict=True):
        np.testing.assert_array_equal(variable, again, err_msg=variable.path)
    stored = averaging.Stored(checkpoint.newest(whole.output_dir / CHECKPOINTS))
    shapes = {variable.path: list(variable.shape) for variable in one.variables}
    assert {path: list(stored.shapes[key]) for path, key in stored.names.items()} == shapes
    again = Run.load(whole.output_dir)
    assert again.problems["wmt_ende"].objective_name() == "distillation"
    figures = Evaluator(again, one).evaluate("wmt_ende", "validation", 1)
    plain = launched(tmp_path / "plain", sample_data)
    likelihood = Evaluator(plain, one).evaluate("wmt_ende", "validation", 1)
    assert figures.pop("divergence") > 0 and figures.pop("loss") != likelihood.pop("loss")
    assert figures == likelihood
