"""Weights: a `LossWeighting` with its state in variables, as updates use it."""

from collections.abc import Sequence
from typing import Self

import keras
import tensorflow as tf

from t2tlite import registry
from t2tlite.errors import UserError
from t2tlite.hparam import HParams
from t2tlite.layers import replicas
from t2tlite.loss_weights.weighting import LossWeighting


class Weights:
    """The weights of the problems' losses.

    Args:
      weighting: the `LossWeighting`.
      optimizer: whose state is to have that of the weighting.
      clip: greatest norm of a gradient; 0: none.
    """

    def __init__(
        self, weighting: LossWeighting, optimizer: keras.optimizers.Optimizer, clip: float = 0.0
    ) -> None:
        self._weighting = weighting
        self._clip = clip
        shape = [len(weighting.problems)]
        self._variables = {
            name: optimizer.add_variable(shape, dtype="float32", name=f"loss_weights_{name}")
            for name in weighting.STATE
        }

    @classmethod
    def of(
        cls, hparams: HParams, problems: Sequence[str], optimizer: keras.optimizers.Optimizer
    ) -> Self | None:
        """Those that the hyperparameters ask for; None for the plain sum of the losses.

        Raises:
          UserError: the weighting is unknown, or can't be used as asked for.
        """
        if hparams.loss_weighting is None:
            return None
        if hparams.accumulate > 1:
            raise UserError(
                f"loss_weighting={hparams.loss_weighting} is for updates of one problem; leave it out, or set"
                f" --hparams=accumulate=1 (received {hparams.accumulate})"
            )
        weighting = registry.get("loss_weighting", hparams.loss_weighting)(hparams, problems)
        return cls(weighting, optimizer, hparams.clip_grad_norm)

    def weight(self, place: tf.Tensor) -> tf.Tensor:
        """Of the problem at an int32 place among the run's problems: float32 scalar."""
        return self._weighting.weights(self._state())[place]

    def update(self, place: tf.Tensor, loss: tf.Tensor, norm: tf.Tensor) -> None:
        """Learns from an update of the problem at a place; from one that is not finite, nothing.

        Args:
          loss, norm: float32 scalars, without weight, the same on every replica.
        """
        state = self._state()
        trained = tf.one_hot(place, len(self._weighting.problems))
        clipped = tf.minimum(norm, self._clip) if self._clip else norm
        new = self._weighting.updated(state, trained, loss, clipped)
        finite = tf.math.is_finite(loss) & tf.math.is_finite(norm)
        for name, variable in self._variables.items():
            replicas.assign(variable.value, tf.where(finite, new[name], state[name]))

    def _state(self) -> dict[str, tf.Tensor]:
        return {name: tf.convert_to_tensor(variable) for name, variable in self._variables.items()}
