"""Keras callbacks in the training loop.

Called are `on_train_begin` and `on_train_end`, `on_train_batch_begin` and `on_train_batch_end` around each
update (with its number, from 0, which a resumed run continues), and `on_test_begin` and `on_test_end` around
the evaluations of a step. The logs of an update have the mean `loss` and `PROBLEM/loss`,
`PROBLEM/gradient_norm` and so on, those of evaluations `PROBLEM/FIGURE`. An update that is left out as not
finite has empty logs. `callback.model.stop_training = True` ends the training after the update, with an
evaluation and a checkpoint.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import keras

from t2tlite.errors import UserError
from t2tlite.training.strategy import Replicas

# A run counts updates and has no epochs; it evaluates problems and not batches.
_NEVER = (
    "on_epoch_begin",
    "on_epoch_end",
    "on_test_batch_begin",
    "on_test_batch_end",
    "on_predict_begin",
    "on_predict_end",
    "on_predict_batch_begin",
    "on_predict_batch_end",
)
_INSTEAD = {
    "EarlyStopping": "eval_early_stopping_metric",
    "ModelCheckpoint": "save_checkpoints_steps",
    "BackupAndRestore": "save_checkpoints_steps",
    "LearningRateScheduler": "the hyperparameter learning_rate_schedule",
    "TensorBoard": "log_steps (a run writes TensorBoard's events anyway)",
    "CSVLogger": "metrics.jsonl in the run's folder",
}


def check(callbacks: Collection[Any]) -> None:
    """Raises a UserError for what is no callback, or defines a method that a run never calls."""
    for callback in callbacks:
        kind = type(callback).__name__
        if not isinstance(callback, keras.callbacks.Callback):
            raise UserError(f"expected instances of keras.callbacks.Callback as callbacks; received {kind}")
        for method in _NEVER:
            defined = getattr(callback, method)
            if getattr(defined, "__func__", defined) is not getattr(keras.callbacks.Callback, method):
                instead = _INSTEAD.get(kind, "on_train_batch_end or on_test_end")
                raise UserError(
                    f"the callback {kind} defines {method}, which a run never calls; use {instead}"
                )


class Callbacks:
    """The callbacks of a run, which all replicas' processes call.

    Args:
      callbacks: of Keras.
      model: that is trained.
      steps: updates in all.
      replicas: that agree on when to stop.

    Attributes:
      stopped: whether one has asked to stop.
    """

    def __init__(
        self, callbacks: Collection[keras.callbacks.Callback], model: Any, steps: int, replicas: Replicas
    ) -> None:
        check(callbacks)
        self._callbacks = list(callbacks)
        self._model = model
        self._replicas = replicas
        self.stopped = False
        for callback in self._callbacks:
            callback.set_params({"epochs": 1, "steps": steps, "verbose": 0})
            callback.set_model(model)

    def __bool__(self) -> bool:
        return bool(self._callbacks)

    def train_begin(self) -> None:
        if self._callbacks:
            self._model.stop_training = False
        self._call("on_train_begin", {})

    def train_end(self) -> None:
        self._call("on_train_end", {})

    def update_begin(self, number: int) -> None:
        self._call("on_train_batch_begin", number, {})

    def update_end(self, number: int, figures: Sequence[tuple[str, Mapping[str, float]]]) -> None:
        """After an update.

        Args:
          figures: of each micro-step its problem and figures.
        """
        if not self._callbacks:
            return
        logs: dict[str, float] = {}
        if figures:
            logs["loss"] = sum(of_problem["loss"] for _, of_problem in figures) / len(figures)
        for problem, of_problem in figures:
            logs |= {f"{problem}/{name}": float(value) for name, value in of_problem.items()}
        self._call("on_train_batch_end", number, logs)
        self._ask()

    def test_begin(self) -> None:
        self._call("on_test_begin", {})

    def test_end(self, evaluations: Mapping[str, Mapping[str, float]]) -> None:
        """After the evaluations of a step, `{problem: {figure: value}}`."""
        logs = {
            f"{name}/{figure}": x for name, figures in evaluations.items() for figure, x in figures.items()
        }
        self._call("on_test_end", logs)
        self._ask()

    def _call(self, method: str, *arguments: Any) -> None:
        for callback in self._callbacks:
            getattr(callback, method)(*arguments)

    def _ask(self) -> None:
        if self._callbacks:
            self.stopped = self._replicas.any(bool(self._model.stop_training))
