"""LossWeighting: the weights of the problems' losses, as functions of a small state."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import tensorflow as tf

from t2tlite.hparam import HParams
from t2tlite.hyperparameter import Hyperparameter

State = Mapping[str, tf.Tensor]


class LossWeighting:
    """Base class of loss weightings; register one with `@registry.register_loss_weighting`.

    An update trains one problem, so the sum over the problems is one over time: each update's gradient is
    multiplied by the weight that its problem has. It is multiplied after it was clipped (`clip_grad_norm`),
    which would undo the weight. The balancing losses of the experts are weighted with it. For Adam only how
    weights differ between problems and change over time counts.

    What is learned is in vectors with an entry for each problem, in the order of the run's problems. They are
    in the optimizer's state: checkpoints have them, and a stage of training begins with zeros.

    Attributes:
      HPARAMS: hyperparameters that are declared.
      STATE: names of these vectors, which are all 0 at the beginning; none where nothing is learned.

    Args:
      hparams: the run's `HParams`.
      problems: names of the run's problems.
    """

    HPARAMS: ClassVar[tuple[Hyperparameter, ...]] = ()
    STATE: ClassVar[tuple[str, ...]] = ()

    def __init__(self, hparams: HParams, problems: Sequence[str]) -> None:
        self.hparams, self.problems = hparams, tuple(problems)

    def weights(self, state: State) -> tf.Tensor:
        """Float32 `[problems]`.

        Args:
          state: `{name: float32 [problems]}` of `STATE`.
        """
        raise NotImplementedError(f"{type(self).__name__} defines no weights")

    def updated(self, state: State, problem: tf.Tensor, loss: tf.Tensor, norm: tf.Tensor) -> State:
        """The state after an update; by default as it was.

        It must be a function of these arguments alone. It is not asked where the update is not finite.

        Args:
          state: before the update.
          problem: float32 `[problems]`, 1 for the problem that was trained and 0 for the others.
          loss: float32 scalar, the problem's loss, nats a target, without weight.
          norm: float32 scalar, the norm of its gradient without weight, clipped.
        """
        return state
