"""Optimizers by name: Keras's, as training on one problem at a time needs them."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf
from keras import ops

from t2tlite import shard_values, shards
from t2tlite.errors import UserError
from t2tlite.hparam import HParams
from t2tlite.nearest import did_you_mean
from t2tlite.shards import Group
from t2tlite.training.parts import Parts
from t2tlite.training.schedule import Schedule

_Optimizer: Any = keras.optimizers.Optimizer if TYPE_CHECKING else object  # which it is mixed into


class _Mixin(_Optimizer):
    """Mixed into a Keras optimizer: gradients that are sums already, and other moving averages.

    With `use_ema`: the moving average of every weight over the updates.

    The average follows quickly at first, with the decay min(ema_momentum, n / (n + 9)) after n updates, so
    that it forgets the random start. A weight that an update leaves alone is averaged, too: the averages
    are of the whole model over the same updates.
    """

    gradients_are_summed = False  # over the replicas: Keras need not do it, nor send them all again
    pace: "Pace | None" = None  # in a `Pace`, what the learning rate is multiplied by
    schedule: Schedule | None = None  # the `Schedule` of the learning rate
    parts: Parts | None = None  # what this replica updates of each variable; None for all of it

    def build(self, variables: list[keras.Variable]) -> None:
        super().build([self.parts.of(variable) for variable in variables] if self.parts else variables)

    def apply(self, grads: list[tf.Tensor], trainable_variables: list[keras.Variable] | None = None) -> None:
        if self.parts is None:
            super().apply(grads, trainable_variables)
            return
        weights = trainable_variables or self.parts.weights
        self.parts.take(self.parts.weights if self.use_ema else weights)
        own = [self.parts.gradient(g, weight) for g, weight in zip(grads, weights, strict=True)]
        super().apply(own, [self.parts.of(weight) for weight in weights])
        self.parts.give(weights)

    def add_variable_from_reference(
        self, reference_variable: keras.Variable, name: str | None = None, initializer: str = "zeros"
    ) -> keras.Variable:
        variable = super().add_variable_from_reference(reference_variable, name, initializer)
        shard_values.mark_like(variable, reference_variable)
        return variable

    def _get_current_learning_rate(self) -> tf.Tensor:
        rate = super()._get_current_learning_rate()
        return rate if self.pace is None else rate * self.pace.variable

    def _all_reduce_sum_gradients(
        self, grads_and_vars: list[tuple[tf.Tensor, tf.Variable]]
    ) -> list[tuple[tf.Tensor, tf.Variable]]:
        if self.gradients_are_summed:
            return grads_and_vars
        return super()._all_reduce_sum_gradients(grads_and_vars)

    def averages(self) -> list[tuple[keras.Variable, keras.Variable]]:
        """Pairs of what is updated (a weight, or this replica's part of it) and its average.

        There are none without `use_ema`.
        """
        if not self.use_ema:
            return []
        return list(zip(self._trainable_variables, self._model_variables_moving_average, strict=True))

    def averaged_weights(self) -> list[keras.Variable]:
        """The weights that have an average."""
        return self.parts.weights if self.parts and self.use_ema else [each for each, _ in self.averages()]

    def load_averages(self) -> None:
        """Gives the weights their averages."""
        for updated, average in self.averages():
            shard_values.set_here(updated, shard_values.here(average))
        if self.parts and self.use_ema:
            self.parts.give_all()

    def _update_model_variables_moving_average(self, trainable_variables: list[keras.Variable]) -> None:
        n = ops.cast(self.iterations, "float32")  # updates before this one
        new = 1 - ops.minimum(self.ema_momentum, n / (n + 9))
        for variable, average in self.averages():
            average.assign_add((variable - average) * ops.cast(new, average.dtype))


@keras.saving.register_keras_serializable("t2tlite")
class Adam(_Mixin, keras.optimizers.Adam):
    """Adam (Kingma and Ba 2015); with `weight_decay` AdamW (Loshchilov and Hutter 2019).

    It computes what Keras's does, whose update of a variable is 34 operations with temporaries as large as
    the variable. This one is a single operation in place.
    """

    def _backend_update_step(
        self, grads: list[tf.Tensor], trainable_variables: list[keras.Variable], learning_rate: tf.Tensor
    ) -> None:
        step = tf.cast(self.iterations + 1, tf.float32)
        beta_1, beta_2 = tf.constant(self.beta_1), tf.constant(self.beta_2)
        rates = {
            "lr": tf.convert_to_tensor(learning_rate),
            "beta1_power": tf.pow(beta_1, step),
            "beta2_power": tf.pow(beta_2, step),
            "beta1": beta_1,
            "beta2": beta_2,
            "epsilon": tf.constant(self.epsilon),
        }
        super()._backend_update_step(grads, trainable_variables, rates)

    def update_step(
        self,
        gradient: tf.Tensor | tf.IndexedSlices,
        variable: tf.Variable,
        learning_rate: dict[str, tf.Tensor],
    ) -> None:
        index = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            grad=_dense(gradient, variable),
            **{name: tf.cast(rate, variable.dtype) for name, rate in learning_rate.items()},
        )


@keras.saving.register_keras_serializable("t2tlite")
class Adafactor(_Mixin, keras.optimizers.Adafactor):
    """Adafactor (Shazeer and Stern 2018, arXiv 1804.04235), algorithm 4 without momentum.

    Matrices have a row and a column of state; of stacked matrices each has its own. Keras's class keeps
    their product as well, which is as large as the weights, and gives several variables one path. Nor does
    this one bound the learning rate by 1 / sqrt(step): that is the schedule's matter.
    """

    def build(self, variables: list[keras.Variable]) -> None:
        if self.built:
            return
        super(keras.optimizers.Adafactor, self).build(variables)
        self._moments = [self._moments_of(variable) for variable in variables]

    def _moments_of(self, variable: keras.Variable) -> list[keras.Variable]:
        shape = tuple(variable.shape)
        shapes = {"velocity": shape}
        if len(shape) > 1:
            shapes = {"row": shape[:-1], "column": (*shape[:-2], shape[-1])}
        stem = variable.path.replace("/", "_")
        return [self.add_variable(s, dtype=variable.dtype, name=f"{stem}_{n}") for n, s in shapes.items()]

    def update_step(
        self, gradient: tf.Tensor | tf.IndexedSlices, variable: tf.Variable, learning_rate: tf.Tensor
    ) -> None:
        step = ops.cast(self.iterations + 1, variable.dtype)
        gradient = _dense(gradient, variable)
        new = ops.power(step, self.beta_2_decay)  # 1 - beta_2
        square = ops.square(gradient) + self.epsilon_1
        moments = self._moments[self._get_variable_index(variable)]
        if len(moments) == 1:
            update = gradient * ops.rsqrt(self._follow(moments[0], square, new))
        else:
            row = self._follow(moments[0], ops.mean(square, axis=-1), new)
            column = self._follow(moments[1], ops.mean(square, axis=-2), new)
            share = row / ops.mean(row, axis=-1, keepdims=True)
            # One after the other: where row and column have no gradient, the product of both is 0 in float32.
            update = gradient * ops.rsqrt(share)[..., None] * ops.rsqrt(column)[..., None, :]
        update = update / ops.maximum(1.0, _rms(update) / self.clip_threshold)
        rate = ops.cast(learning_rate, variable.dtype) * ops.maximum(self.epsilon_2, _rms(variable))
        self.assign_sub(variable, rate * update)

    def _follow(self, moment: keras.Variable, value: tf.Tensor, new: tf.Tensor) -> tf.Tensor:
        after = moment + new * (value - moment)
        self.assign(moment, after)
        return after


@keras.saving.register_keras_serializable("t2tlite")
class Lamb(_Mixin, keras.optimizers.Lamb):
    """LAMB (You et al. 2020, arXiv 1904.00962), its phi the norm of the weights, but at least a least norm.

    Without a least norm what begins at 0 (gates, biases, the scales of a fresh ConvBlock) stays there: after
    its first step its norm is that of a step, and so are its steps from then on.

    Args:
      least_scale: root mean square of the weights in that least norm.
    """

    def __init__(self, *args: Any, least_scale: float = 0.1, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.least_scale = least_scale

    def update_step(
        self, gradient: tf.Tensor | tf.IndexedSlices, variable: tf.Variable, learning_rate: tf.Tensor
    ) -> None:
        step = ops.cast(self.iterations + 1, variable.dtype)
        gradient = _dense(gradient, variable)
        index = self._get_variable_index(variable)
        m, v = self._momentums[index], self._velocities[index]
        self.assign_add(m, (gradient - m) * (1 - self.beta_1))
        self.assign_add(v, (ops.square(gradient) - v) * (1 - self.beta_2))
        velocity = v / (1 - ops.power(self.beta_2, step))
        update = m / (1 - ops.power(self.beta_1, step)) / (ops.sqrt(velocity) + self.epsilon)
        norm = _rms(update)
        scale = ops.maximum(self.least_scale, _rms(variable))
        ratio = ops.where(norm > 0, scale / ops.maximum(norm, 1e-30), 1.0)
        self.assign_sub(variable, ops.cast(learning_rate, variable.dtype) * ratio * update)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "least_scale": self.least_scale}


def _dense(gradient: tf.Tensor | tf.IndexedSlices, variable: tf.Variable) -> tf.Tensor:
    """The gradient as one tensor, also where it is made of rows that were read."""
    return tf.cast(tf.convert_to_tensor(gradient), variable.dtype)


def _rms(x: tf.Tensor | tf.Variable) -> tf.Tensor:
    return ops.sqrt(ops.mean(ops.square(x)))


def _like_adam(cls: type[Adam] | type[Lamb], hparams: HParams, **arguments: Any) -> Adam | Lamb:
    return cls(
        beta_1=hparams.optimizer_adam_beta1,
        beta_2=hparams.optimizer_adam_beta2,
        epsilon=hparams.optimizer_adam_epsilon,
        **arguments,
    )


OPTIMIZERS: dict[str, Callable[..., keras.optimizers.Optimizer]] = {
    "adam": functools.partial(_like_adam, Adam),
    "adamw": functools.partial(_like_adam, Adam),
    "adafactor": lambda hparams, **arguments: Adafactor(epsilon_2=hparams.least_scale, **arguments),
    "lamb": lambda hparams, **arguments: _like_adam(
        Lamb, hparams, least_scale=hparams.least_scale, **arguments
    ),
}


def make_optimizer(
    hparams: HParams, variables: list[keras.Variable], group: Group | None = None
) -> keras.optimizers.Optimizer:
    """The optimizer named by the hyperparameters, with the state of all variables.

    Weight decay is decoupled: `learning_rate * weight_decay` of a weight at an update that uses it. Biases,
    scales of normalizations, commands (whatever has a single axis) and embeddings have none: of an embedding
    a batch reads some rows, and would shrink all.

    Args:
      hparams: `HParams`.
      variables: the model's trainable variables.
      group: the replicas of which each updates a part of every variable; None: each updates all.

    Raises:
      UserError: no such optimizer or schedule, or one without the weight decay that it is about.
    """
    name = hparams.optimizer
    if name not in OPTIMIZERS:
        near = did_you_mean(name, OPTIMIZERS)
        raise UserError(f"hparam `optimizer` must be one of {', '.join(OPTIMIZERS)}; received `{name}`{near}")
    if name == "adam" and hparams.weight_decay:
        raise UserError(
            "optimizer `adam` has no weight_decay; use --hparams=optimizer=adamw,weight_decay=..."
        )
    if name == "adamw" and not hparams.weight_decay:
        raise UserError("optimizer `adamw` needs weight_decay: --hparams=optimizer=adamw,weight_decay=0.01")
    if name in ("adafactor", "lamb") and (group or any(map(shards.of, variables))):
        raise UserError(
            f"optimizer `{name}` scales its steps by whole variables and can't be sharded; use "
            "--hparams=optimizer=adam, or leave out --shard"
        )
    schedule = Schedule.from_hparams(hparams)
    optimizer = OPTIMIZERS[name](
        hparams,
        learning_rate=schedule,
        weight_decay=hparams.weight_decay or None,
        use_ema=hparams.ema_decay > 0,
        ema_momentum=hparams.ema_decay,
        name=name,
    )
    if group:
        optimizer.parts = Parts(variables, group)
    if hparams.weight_decay:
        kept = [variable for variable in variables if not _decays(variable)]
        optimizer.exclude_from_weight_decay([optimizer.parts.of(v) for v in kept] if group else kept)
    optimizer.gradients_are_summed = True
    optimizer.pace = Pace()
    optimizer.schedule = schedule
    if hparams.precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, name="loss_scale")
    optimizer.build(variables)
    scalars = [variable for variable in optimizer.variables if not len(variable.shape)]
    optimizer.beginning = {variable.path: float(tf.convert_to_tensor(variable)) for variable in scalars}
    return optimizer


def set_schedule(optimizer: keras.optimizers.Optimizer, learning_rate: float, decay_steps: int) -> None:
    """Changes the schedule of the learning rate, see `Schedule`, in what is traced from now on."""
    schedule = getattr(optimizer, "inner_optimizer", optimizer).schedule
    schedule.learning_rate, schedule.decay_steps = learning_rate, decay_steps


def begin_anew(optimizer: keras.optimizers.Optimizer) -> None:
    """Sets the state of an optimizer to that of a new one."""
    for variable in optimizer.variables:
        if variable.path in optimizer.beginning:  # counters, and the scale of the loss
            variable.assign(tf.cast(optimizer.beginning[variable.path], variable.dtype))
        else:  # moments and averages
            variable.assign(tf.zeros(variable.shape, variable.dtype))


def set_pace(optimizer: keras.optimizers.Optimizer, factor: float) -> None:
    """Multiplies the learning rate of the updates from now on by a factor, also in what is traced."""
    getattr(optimizer, "inner_optimizer", optimizer).pace.variable.assign(factor)


class Pace:
    """What the learning rate is multiplied by: 0 in a `rehearsal`, and else 1 or that of a `Horizon`.

    A variable, since what is compiled is used later; of no checkpoint.
    """

    def __init__(self) -> None:
        self.variable = tf.Variable(1.0, trainable=False)


@contextlib.contextmanager
def rehearsal(optimizer: keras.optimizers.Optimizer) -> Iterator[None]:
    """What is applied within it takes what an update takes, and in the end all is as it was.

    The learning rate is 0 meanwhile, so that the weights stay. The state is set to what it was.

    Raises:
      ValueError: there has been an update.
    """
    if int(tf.convert_to_tensor(optimizer.iterations)):
        raise ValueError("an optimizer can only rehearse before its first update")
    set_pace(optimizer, 0.0)
    try:
        yield
    finally:
        set_pace(optimizer, 1.0)
        begin_anew(optimizer)


def _decays(variable: keras.Variable) -> bool:
    return len(variable.shape) > 1 and variable.name != "embedding"
