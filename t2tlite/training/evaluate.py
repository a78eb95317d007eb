"""Teacher-forced evaluation: how well the model predicts each target, given the right ones before it."""

import functools
import itertools
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from t2tlite import objective
from t2tlite.data.reading import pipeline
from t2tlite.data.reading.reader import ReadConfig
from t2tlite.data.stored import damage
from t2tlite.data.stored.prepared import PreparedSplit
from t2tlite.errors import UserError
from t2tlite.layers.traced import Traced
from t2tlite.model import Output, Trainable
from t2tlite.objective import Objective
from t2tlite.progress import Board
from t2tlite.run import Run
from t2tlite.training import alike, memory
from t2tlite.training.strategy import Replicas
from t2tlite.types import Batch


class Evaluator:
    """Evaluates the problems of a run; what is compiled serves all problems alike.

    Args:
      run: the `Run`.
      model: its model; read anew at each evaluation.
      objectives: `{problem: Objective}` of its problems; default: they are made.
      replicas: the `Replicas` that the model is on; default: those of the current strategy.
    """

    def __init__(
        self,
        run: Run,
        model: Trainable,
        objectives: Mapping[str, Objective] | None = None,
        replicas: Replicas | None = None,
    ) -> None:
        self._run = run
        self._model = model
        self._replicas = replicas or Replicas()
        self._objectives = objectives or objective.all_of(
            run.problems, run.hparams, run.vocabulary, run.labels
        )
        self._data: dict[tuple[str, str], tuple[PreparedSplit, tf.data.Dataset]] = {}
        self._steps: dict[tuple[Hashable, ...], Traced] = {}

    def evaluate(
        self, problem: str, split: str, steps: int | None = None, progress: bool = False
    ) -> dict[str, float]:
        """The figures of a problem's objective, teacher-forced: each target given the right ones before it.

        Each target counts the same, in whatever batch it stands; padding does not count, nor do examples that
        are too long.

        Args:
          problem: its name.
          split: "train", "validation" or "test".
          steps: batches to read, from the first; None for the whole split.
          progress: shown on stderr.

        Returns:
          What `Objective.figures` gives, of all batches together.

        Raises:
          UserError: the split has no example within the length bounds.
        """
        if (problem, split) not in self._data:
            prepared = self._run.split(problem, split)
            self._data[problem, split] = prepared, pipeline.dataset(prepared, self._run.hparams, ReadConfig())
        prepared, data = self._data[problem, split]
        compiled = len(self._steps)
        eval_step = self._step(problem, data.element_spec)
        total = steps or prepared.size
        label = f"{problem} {split}, teacher-forced"
        parts: dict[str, list[np.ndarray | np.generic]] = {}
        with Board(progress) as board:
            for batch in itertools.islice(damage.batches(data, prepared), steps):
                sums = {name: value.numpy() for name, value in eval_step(batch).items()}
                for name, value in sums.items():
                    parts.setdefault(name, []).append(value)
                board.advance(label, 1 if steps else int(sums["sequences"]), total)
            board.finish(label)
        if len(self._steps) > compiled:
            memory.release()  # what compiling has left
        if not parts:
            raise UserError(f"problem `{problem}` has no example within the length bounds in split {split}")
        return self._objectives[problem].figures({name: _whole(arrays) for name, arrays in parts.items()})

    def _step(self, problem: str, spec: dict[str, tf.TensorSpec]) -> Callable[[Batch], dict[str, tf.Tensor]]:
        """A function of the problem's batches."""
        aim = self._objectives[problem]
        key = alike.key(self._model, aim, problem, spec)
        if key not in self._steps:
            self._steps[key] = make_eval_step(self._model, aim, problem, spec, self._replicas)
        values = [tf.convert_to_tensor(variable) for variable in self._model.problem_variables(problem)]
        return functools.partial(self._steps[key], values=values)


def _whole(parts: list[np.ndarray | np.generic]) -> float | np.ndarray:
    """Of all batches: the sum of scalars, or the rows of arrays."""
    return sum(map(float, parts)) if not parts[0].ndim else np.concatenate(parts)


def make_eval_step(
    model: Trainable,
    objective: Objective,
    problem: str,
    element_spec: dict[str, tf.TensorSpec],
    replicas: Replicas | None = None,
) -> Traced:
    """A compiled function: `Objective.sums` of a batch, of the problem or of another one alike.

    Its arguments are the batch and the values of `Trainable.problem_variables`.
    """
    values_spec = [
        tf.TensorSpec(variable.shape, variable.dtype) for variable in model.problem_variables(problem)
    ]

    def forward(features: Batch, values: list[tf.Tensor]) -> Output:
        return objective.forward(model, features, problem, training=False, values=values)

    def eval_step(features: Batch, values: list[tf.Tensor]) -> dict[str, tf.Tensor]:
        output: Any = replicas.alike(forward, features, values) if replicas else forward(features, values)
        return objective.sums(output, features)

    return Traced(eval_step, [element_spec, values_spec])
