"""No script: updates on batches that are drawn, which `gpu.py` and `limit.py` time."""

import dataclasses
import math
import types
from collections.abc import Callable

import flops

CLASSES = 1000


@dataclasses.dataclass(frozen=True)
class Update:
    """One way of training to be measured.

    Attributes:
      length: of inputs and outputs, in subwords; 0: pictures and their classes.
      seconds: of sounds, which are the inputs then; 0.0: others.
    """

    name: str
    hparams_set: str
    changes: str = ""
    rows: int = 256
    length: int = 64
    precision: str = "mixed_bfloat16"
    jit: bool = True
    xla_flags: str = ""
    seconds: float = 0.0


@dataclasses.dataclass(frozen=True)
class Made:
    """An update that can be run.

    Attributes:
      train: makes the update of a number and returns its figures.
      forward: work of its forward pass, by part.
      targets: of its batch.
      parameters: how many there are.
      at_work: how many of them its positions need at the most: of experts, those that can be chosen.
    """

    train: Callable
    forward: dict[str, flops.Work]
    targets: int
    parameters: int
    at_work: int


def make(update: Update) -> Made:
    """Builds the model of an update, its optimizer and its batch."""
    from t2tlite import hparam, objective
    from t2tlite.training import step
    from t2tlite.training.optimizers import make_optimizer

    changes = f"{update.changes},precision={update.precision}".strip(",")
    hparams = hparam.get(update.hparams_set, changes)
    model, problem = _model(hparams, update)
    optimizer = make_optimizer(hparams, model.trainable_variables)
    features, forward, targets = _batch(hparams, update)
    objectives = objective.all_of({"any": problem}, hparams)
    specs = {"any": {name: _spec(x) for name, x in features.items()}}
    train = step.make_train_steps(model, optimizer, objectives, 0, specs, jit=update.jit)["any"]
    parameters = sum(math.prod(v.shape) for v in model.trainable_variables)
    return Made(
        lambda number: train(features, number),
        forward,
        targets,
        parameters,
        parameters - _idle(hparams, model, update),
    )


def _batch(hparams, update):
    """Features, the work of a forward pass, and the number of targets."""
    import numpy as np
    import tensorflow as tf

    draw, rows, length = np.random.default_rng(0), update.rows, update.length

    def texts():
        return tf.constant(draw.integers(2, hparams.vocabulary_size, (rows, length)), tf.int32)

    if update.seconds:
        samples = round(16000 * update.seconds)
        inputs = {
            "inputs": tf.constant(draw.uniform(-0.1, 0.1, (rows, samples)), tf.float32),
            "inputs_length": tf.fill([rows], samples),
        }
        work = flops.sound_to_text(hparams, update.seconds, length, rows)
        return {**inputs, "targets": texts()}, work, rows * length
    if length:
        work = flops.text_to_text(hparams, length, length, rows)
        return {"inputs": texts(), "targets": texts()}, work, rows * length
    side = hparams.image_size
    features = {
        "inputs": tf.constant(draw.random((rows, side, side, 3)), tf.float32),
        "targets": tf.constant(draw.integers(0, CLASSES, rows), tf.int32),
    }
    return features, flops.image_to_class(hparams, CLASSES, rows), rows


def _spec(x):
    """Rows vary, and so does a length."""
    import tensorflow as tf

    shape = [None, None] if x.shape.rank == 2 else [None, *x.shape[1:]]
    return tf.TensorSpec(shape, x.dtype)


def _model(hparams, update):
    """A model of one problem, and the problem."""
    import keras

    from t2tlite import problem, registry

    any_problem = problem.Problem()
    any_problem.name = "any"
    labels = {}
    if update.seconds:
        any_problem.inputs = problem.Audio()
    elif not update.length:
        any_problem.inputs, any_problem.targets = problem.Image(), problem.Label()
        labels = {"any": tuple(str(i) for i in range(CLASSES))}
    vocabulary = types.SimpleNamespace(fingerprint="0" * 16, size=hparams.vocabulary_size)
    keras.utils.clear_session()
    keras.config.set_dtype_policy(hparams.precision)
    model = registry.get("model", hparams.model).from_problems([any_problem], hparams, vocabulary, labels)
    model.build()
    return model, any_problem


def _idle(hparams, model, update):
    """Parameters of experts that a batch has too few positions to choose."""
    if hparams.moe in ("none", "dense"):
        return 0
    positions = update.rows * max(update.length, 1)
    chosen = min(positions * (1 if hparams.moe == "switch" else hparams.moe_k), hparams.moe_num_experts)
    experts = [v for v in model.trainable_variables if v.shape[:1] == (hparams.moe_num_experts,)]
    inner = sum(math.prod(v.shape) for v in experts if len(v.shape) == 3)
    return round(inner * (1 - chosen / hparams.moe_num_experts))
