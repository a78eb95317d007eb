"""Learning-rate schedules by name, each after a linear warm-up."""

import math
from typing import Any, Self

import keras
import tensorflow as tf

from t2tlite.errors import UserError
from t2tlite.hparam import HParams
from t2tlite.nearest import did_you_mean


def _constant(step: tf.Tensor, warmup: float, schedule: "Schedule") -> float:
    return 1.0


def _noam(step: tf.Tensor, warmup: float, schedule: "Schedule") -> tf.Tensor:
    return schedule.hidden**-0.5 * tf.math.rsqrt(tf.maximum(step + 1, warmup))


def _rsqrt(step: tf.Tensor, warmup: float, schedule: "Schedule") -> tf.Tensor:
    return tf.math.rsqrt(tf.maximum(step, warmup) / warmup)


def _cosine(step: tf.Tensor, warmup: float, schedule: "Schedule") -> float | tf.Tensor:
    if not schedule.decay_steps:
        return 1.0  # the rest is that of a `Horizon`
    progress = tf.clip_by_value((step - warmup) / max(schedule.decay_steps - warmup, 1.0), 0.0, 1.0)
    return 0.5 * (1 + tf.cos(math.pi * progress))


def _exponential(step: tf.Tensor, warmup: float, schedule: "Schedule") -> tf.Tensor:
    return tf.pow(schedule.decay_rate, tf.maximum(step - warmup, 0.0) / schedule.decay_steps)


SCHEDULES = {
    "constant": _constant,
    "noam": _noam,
    "rsqrt": _rsqrt,
    "cosine": _cosine,
    "exponential": _exponential,
}


@keras.saving.register_keras_serializable("t2tlite")
class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """`learning_rate * min(1, (step + 1) / warmup_steps) * decay(step)`.

    Decays:
      constant: none.
      noam: `hidden^-0.5 * max(step + 1, warmup)^-0.5` (Vaswani et al. 2017, section 5.3), so `learning_rate`
        is a factor around 1. Tensor2Tensor multiplies by 10 more with Adam: its 0.2 is 2.0 here.
      rsqrt: `sqrt(warmup / max(step, warmup))`; the top is `learning_rate`.
      cosine: from 1 at the end of the warm-up to 0 at `decay_steps`; 0: it ends with the training, whose
        `Horizon` then multiplies the rate.
      exponential: `decay_rate` at each `decay_steps` updates after the warm-up.

    Args:
      schedule: name of the decay.
      learning_rate: what the rest is multiplied by.
      warmup_steps, decay_steps: in updates.
      hidden: width of the body, for "noam".
      decay_rate: for "exponential".

    Raises:
      UserError: no such schedule, or one without the `decay_steps` that it needs.
    """

    def __init__(
        self,
        schedule: str,
        learning_rate: float,
        warmup_steps: int,
        decay_steps: int = 0,
        hidden: int = 1,
        decay_rate: float = 0.5,
    ) -> None:
        if schedule not in SCHEDULES:
            near = did_you_mean(schedule, SCHEDULES)
            raise UserError(
                f"hparam `learning_rate_schedule` must be one of {', '.join(SCHEDULES)}; received"
                f" `{schedule}`{near}"
            )
        if schedule == "exponential" and decay_steps <= 0:
            raise UserError(
                f"schedule `{schedule}` needs `learning_rate_decay_steps`: add"
                " --hparams=learning_rate_decay_steps=N"
            )
        if schedule == "noam" and hidden <= 0:
            raise UserError("schedule `noam` needs `hidden_size`, which no chosen part has; use another one")
        self.schedule = schedule
        self.learning_rate = learning_rate
        self.warmup_steps = max(warmup_steps, 1)
        self.decay_steps = decay_steps
        self.hidden = hidden
        self.decay_rate = decay_rate

    @classmethod
    def from_hparams(cls, hparams: HParams) -> Self:
        """The schedule that the hyperparameters name."""
        return cls(
            hparams.learning_rate_schedule,
            hparams.learning_rate,
            hparams.learning_rate_warmup_steps,
            hparams.learning_rate_decay_steps,
            getattr(hparams, "hidden_size", 0),
            hparams.learning_rate_decay_rate,
        )

    def __call__(self, step: int | tf.Tensor | keras.Variable) -> tf.Tensor:
        step = tf.cast(step, tf.float32)
        warmup = float(self.warmup_steps)
        rise = tf.minimum(1.0, (step + 1) / warmup)
        return self.learning_rate * rise * SCHEDULES[self.schedule](step, warmup, self)

    def get_config(self) -> dict[str, Any]:
        names = ("schedule", "learning_rate", "warmup_steps", "decay_steps", "hidden", "decay_rate")
        return {name: getattr(self, name) for name in names}
