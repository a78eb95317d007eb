"""Batches of each problem through a trained model: the gates of its experts and its gradients."""

import dataclasses
import itertools
import zlib
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from t2tlite import objective
from t2tlite.analysis import experts
from t2tlite.data.reading import pipeline
from t2tlite.data.reading.reader import ReadConfig
from t2tlite.data.stored import damage
from t2tlite.layers import randomness, recording
from t2tlite.model import Trainable
from t2tlite.objective import Objective
from t2tlite.progress import Board
from t2tlite.run import Run
from t2tlite.types import Batch

HALVES = 2


@dataclasses.dataclass
class OfProblem:
    """What was seen of a problem.

    Attributes:
      size: examples of the split.
      examples: how many were read; more than `size`: some were read twice.
      loss: mean of the batches' losses, nats a target.
      gates: `{path of a layer: float64 [halves, experts]}`, sums of gates.
      gradients: for each half of the batches the sums of gradients by the path of the variable.
    """

    size: int
    examples: int = 0
    loss: float = 0.0
    gates: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    gradients: tuple[dict[str, np.ndarray], dict[str, np.ndarray]] = dataclasses.field(
        default_factory=lambda: ({}, {})
    )


def take(
    run: Run, model: Trainable, problems: Sequence[str], split: str, batches: int, progress: bool = False
) -> dict[str, OfProblem]:
    """Runs so many batches of each problem, drawn from a split as training draws them, by the run's seed.

    Choices of experts are those of the model in use. Gradients are those that an update would have, dropout,
    the gate's noise and full experts included, of the problem's own loss: the balancing losses of the experts
    are left out, since all problems have them in common. No weight changes.

    Args:
      run: the `Run`.
      model: with the weights of interest.
      problems: names.
      split: "train", "validation" or "test".
      batches: of each problem, which are halved in turn.
      progress: shown on stderr.

    Raises:
      UserError: the split's data is missing or damaged.
    """
    chosen = {name: run.problems[name] for name in problems}
    objectives = objective.all_of(chosen, run.hparams, run.vocabulary, run.labels)
    config = ReadConfig(training=True, seed=run.seed)
    seen = {}
    with Board(progress) as board:
        for name in problems:
            prepared = run.split(name, split)
            data = pipeline.dataset(prepared, run.hparams, config)
            seen[name] = of_problem = OfProblem(prepared.size)
            for number, batch in enumerate(itertools.islice(damage.batches(data, prepared), batches)):
                _add(of_problem, model, objectives[name], name, batch, number, run.seed)
                board.advance("batches", 1, batches * len(problems))
            of_problem.loss /= batches
        board.finish("batches")
    return seen


def _add(
    seen: OfProblem,
    model: Trainable,
    aim: Objective,
    problem: str,
    batch: Batch,
    number: int,
    run_seed: int,
) -> None:
    half = number % HALVES
    seen.examples += len(next(iter(batch.values())))
    for layer, gates in gates_of(model, aim, problem, batch).items():
        counted = seen.gates.setdefault(layer, np.zeros([HALVES, len(gates)]))
        counted[half] += gates
    seed = tf.constant([run_seed ^ zlib.crc32(problem.encode()) & 0x7FFFFFFF, number])
    loss, gradients = gradients_of(model, aim, problem, batch, seed)
    seen.loss += loss
    sums = seen.gradients[half]
    for path, gradient in gradients.items():
        if path in sums:
            sums[path] += gradient
        else:
            sums[path] = np.array(gradient)  # one that can be written to


def gates_of(model: Trainable, aim: Objective, problem: str, batch: Batch) -> dict[str, np.ndarray]:
    """`experts.gates_by_expert` of a batch; nothing is random or dropped."""
    with recording.recorder() as recordings:
        aim.forward(model, batch, problem, training=False)
    return experts.gates_by_expert(recordings)


def gradients_of(
    model: Trainable, aim: Objective, problem: str, batch: Batch, seed: tf.Tensor
) -> tuple[float, dict[str, np.ndarray]]:
    """The loss of a batch, and its gradients by the paths of the variables that it uses."""
    variables = model.trainable_variables
    with tf.GradientTape() as tape, randomness.scope(seed):
        output = aim.forward(model, batch, problem, training=True)
        loss = aim.loss(output, batch) / tf.maximum(aim.count(batch), 1.0)
    gradients = tape.gradient(loss, [variable.value for variable in variables])
    dense = {
        variable.path: tf.convert_to_tensor(gradient).numpy()
        for variable, gradient in zip(variables, gradients, strict=True)
        if gradient is not None
    }
    return float(loss), dense
