"""Learning-rate schedules by name, each after a linear warm-up."""

import math

import keras
import tensorflow as tf

from t2tlite.errors import UserError


def _constant(step, warmup, decay_steps):
    return 1.0


def _rsqrt(step, warmup, decay_steps):
    return tf.math.rsqrt(tf.maximum(step, warmup) / warmup)


def _cosine(step, warmup, decay_steps):
    done = tf.clip_by_value((step - warmup) / max(decay_steps - warmup, 1.0), 0.0, 1.0)
    return 0.5 * (1 + tf.cos(math.pi * done))


SCHEDULES = {"constant": _constant, "rsqrt": _rsqrt, "cosine": _cosine}


class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """`learning_rate * min(1, (step + 1) / warmup_steps) * decay(step)`.

    Decays: "constant"; "rsqrt", `sqrt(warmup / max(step, warmup))`; "cosine", from 1 at the end of the
    warm-up to 0 at `decay_steps`.

    Raises:
      UserError: no such schedule, or "cosine" without `decay_steps`.
    """

    def __init__(self, schedule: str, learning_rate: float, warmup_steps: int, decay_steps: int = 0):
        if schedule not in SCHEDULES:
            raise UserError(f"hparam `schedule` must be one of {', '.join(SCHEDULES)}. Received: {schedule}")
        if schedule == "cosine" and decay_steps <= 0:
            raise UserError("schedule `cosine` needs `decay_steps`: add --hparams=decay_steps=N")
        self.schedule = schedule
        self.learning_rate = learning_rate
        self.warmup_steps = max(warmup_steps, 1)
        self.decay_steps = decay_steps

    def __call__(self, step):
        step = tf.cast(step, tf.float32)
        warmup = float(self.warmup_steps)
        rise = tf.minimum(1.0, (step + 1) / warmup)
        return self.learning_rate * rise * SCHEDULES[self.schedule](step, warmup, float(self.decay_steps))

    def get_config(self):
        return {
            name: getattr(self, name) for name in ("schedule", "learning_rate", "warmup_steps", "decay_steps")
        }
