"""What becomes of gradients: summed over the replicas, clipped, and applied if they are finite."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import keras
import tensorflow as tf

from t2tlite import shards
from t2tlite.errors import UserError
from t2tlite.layers import replicas as layers_replicas
from t2tlite.layers import xla
from t2tlite.model import Trainable
from t2tlite.training.guard import apply_if
from t2tlite.training.strategy import Replicas

Gradients: TypeAlias = list[tf.Tensor | None]
Apply: TypeAlias = Callable[..., tf.Tensor]
"""See `make_apply`."""


def by_xla(function: Callable[..., Any]) -> tf.types.experimental.PolymorphicFunction:
    """The function, compiled by XLA, anew for each shape of its arguments."""

    def within(*args: Any) -> Any:
        with xla.scope():
            return function(*args)

    return tf.function(within, jit_compile=True, autograph=False)


def make_apply(
    model: Trainable,
    optimizer: keras.optimizers.Optimizer,
    choices: Sequence[list[keras.Variable]],
    replicas: Replicas,
    jit: bool,
) -> Apply:
    """A function that sums gradients over the replicas, clips and applies them if they are finite.

    Args:
      choices: lists of the variables that they may be of.
      jit: whether XLA compiles it, once for each list. On several replicas it can't, and where the loss is
        scaled the optimizer has conditions of its own (see `guard.apply_if`).

    Returns:
      A function of the gradients (None for a variable that isn't used), the number of the list that they are
      of, the loss of the update, which must be finite as well, and by what they are multiplied once they are
      clipped (None: by nothing). It returns the gradients' norm.
    """

    if not jit or replicas.number > 1 or isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return lambda gradients, which, loss, weight=None: _apply(
            model, optimizer, gradients, choices, which, loss, weight
        )

    def apply_to(variables: list[keras.Variable]) -> tf.types.experimental.PolymorphicFunction:
        return by_xla(
            lambda gradients, loss, weight=None: _apply(
                model, optimizer, gradients, [variables], tf.constant(0), loss, weight
            )
        )

    compiled = [apply_to(variables) for variables in choices]

    def apply(
        gradients: Gradients, which: tf.Tensor, loss: tf.Tensor, weight: tf.Tensor | None = None
    ) -> tf.Tensor:
        branches = [functools.partial(each, gradients, loss, weight) for each in compiled]
        return branches[0]() if len(branches) == 1 else tf.switch_case(which, branches)

    return apply


def _apply(
    model: Trainable,
    optimizer: keras.optimizers.Optimizer,
    gradients: Gradients,
    choices: Sequence[list[keras.Variable]],
    which: tf.Tensor,
    loss: tf.Tensor,
    weight: tf.Tensor | None,
) -> tf.Tensor:
    """See `make_apply`."""
    used = [i for i, gradient in enumerate(gradients) if gradient is not None]
    if not used:
        raise UserError(
            "all that a problem would train is frozen; freeze less, or leave that problem out of --problems"
        )
    choices = [[variables[i] for i in used] for variables in choices]
    own = [shards.of(variable) is not None for variable in choices[0]]
    summed = _summed([gradients[i] for i in used], own)
    scale = getattr(optimizer, "dynamic_scale", None)
    scale = 1.0 if scale is None else tf.convert_to_tensor(scale)
    norm = _global_norm(summed, own)
    if model.hparams.clip_grad_norm:
        most = model.hparams.clip_grad_norm * scale
        factor = most / tf.maximum(norm, most)
        summed = [factor * gradient for gradient in summed]
    if weight is not None:
        summed = [weight * gradient for gradient in summed]
    finite = tf.math.is_finite(loss) & tf.math.is_finite(norm)
    apply_if(finite, optimizer, summed, choices, which)
    return norm / scale


def _summed(gradients: list[tf.Tensor], own: Sequence[bool]) -> list[tf.Tensor]:
    """The sums over the replicas; gradients of a replica's own part of a variable are of the whole batch."""
    sums = iter(
        layers_replicas.total_in_buckets([g for g, mine in zip(gradients, own, strict=True) if not mine])
    )
    return [g if mine else next(sums) for g, mine in zip(gradients, own, strict=True)]


def _global_norm(summed: Sequence[tf.Tensor], own: Sequence[bool]) -> tf.Tensor:
    """The norm of all gradients, those of other replicas' parts included."""
    norm = tf.linalg.global_norm([g for g, mine in zip(summed, own, strict=True) if not mine])
    if not any(own):
        return norm
    squares = [2 * tf.nn.l2_loss(g) for g, mine in zip(summed, own, strict=True) if mine]
    return tf.sqrt(tf.square(norm) + layers_replicas.total(tf.add_n(squares)))
