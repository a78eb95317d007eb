"""What one update does, as compiled functions, on one replica or many."""

import functools
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeAlias

import keras
import tensorflow as tf

from t2tlite.layers import randomness
from t2tlite.layers import replicas as layers_replicas
from t2tlite.layers.traced import Traced
from t2tlite.model import Output, Trainable
from t2tlite.objective import Objective
from t2tlite.training import alike
from t2tlite.training.applying import Gradients, by_xla, make_apply
from t2tlite.training.strategy import Replicas
from t2tlite.training.weights import Weights
from t2tlite.types import Batch

GradientsOf: TypeAlias = Callable[..., tuple[Gradients, dict[str, tf.Tensor], dict[str, tf.Tensor]]]
"""See `_make_gradients`."""
TrainStep: TypeAlias = Callable[[Batch, tf.Tensor], dict[str, tf.Tensor]]
"""See `make_train_steps`."""


def make_train_steps(
    model: Trainable,
    optimizer: keras.optimizers.Optimizer,
    objectives: Mapping[str, Objective],
    seed: int,
    element_specs: Mapping[str, dict[str, tf.TensorSpec]],
    replicas: Replicas | None = None,
    jit: bool = False,
    frozen: Collection[str] = frozenset(),
    weights: Weights | None = None,
) -> dict[str, TrainStep]:
    """Functions `(features, step) -> statistics`, one for each problem, that update the model once.

    Everything random in them derives from (seed, problem, step). Variables that the problem doesn't use have
    no gradient and are left alone, momentum and all. Problems that the model computes alike share what is
    compiled.

    Args:
      model: a `Trainable`.
      optimizer: of `make_optimizer`.
      objectives: `{problem: Objective}`.
      seed: of the run.
      element_specs: `{problem: spec of its batches}`; their unknown dimensions keep a function from being
        traced again for each length.
      replicas: the `Replicas`; default: those of the current strategy.
      jit: whether XLA compiles forward and backward pass, anew for each shape.
      frozen: paths of variables that don't train: they have no gradient, as if no problem used them.
      weights: of the problems' losses; None for the plain sum.

    Returns:
      `{problem: function}` of this worker's rows of a batch and an int32 step. Its statistics are float32
      scalars, of the whole batch: loss (nats per target), gradient_norm and targets (their number). Where
      experts took part, also expert_loss, dropped (choices that found an expert full), dropped_share (of all
      choices) and float32 [experts] for each place, as choices/encoder and choices/decoder; where losses are
      weighted, also loss_weight. Loss and norm are without the weight. An update whose loss or norm is not
      finite is not applied.
    """
    replicas = replicas or Replicas()
    steps: dict[str, TrainStep] = {}
    for family in alike.families(model, objectives, element_specs, frozen):
        compiled = _make_train_step(model, optimizer, family, replicas, jit, weights)
        for problem in family.problems:
            place = tf.constant(list(objectives).index(problem))
            steps[problem] = functools.partial(compiled, **_numbers(family, seed, problem), place=place)
    return steps


def _make_train_step(
    model: Trainable,
    optimizer: keras.optimizers.Optimizer,
    family: alike.Family,
    replicas: Replicas,
    jit: bool,
    weights: Weights | None,
) -> Traced:
    gradients_of = _make_gradients(model, optimizer, family, replicas, jit)
    choices = [[*family.shared, *alternative] for alternative in family.alternatives]
    apply = make_apply(model, optimizer, choices, replicas, jit)

    def on_replica(
        features: Batch,
        row: int | tf.Tensor,
        step: tf.Tensor,
        problem_seed: tf.Tensor,
        which: tf.Tensor,
        place: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        count, rows = _whole(family, features)
        seed = tf.stack([problem_seed, step])
        gradients, statistics, carried = gradients_of(
            features, row, seed, which, count, rows, count, tf.ones([])
        )
        weight = weights and weights.weight(place)
        norm = apply(gradients, which, statistics["loss"], weight)
        _carry(model, carried, statistics["loss"])
        statistics = {**statistics, "gradient_norm": norm}
        if weights:
            weights.update(place, statistics["loss"], norm)
            statistics["loss_weight"] = weight
        return statistics

    number = tf.TensorSpec([], tf.int32)

    def train_step(
        features: Batch, step: tf.Tensor, problem_seed: tf.Tensor, which: tf.Tensor, place: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        return replicas.run(on_replica, features, step, problem_seed, which, place)

    return Traced(train_step, [family.spec, number, number, number, number])


def _numbers(family: alike.Family, seed: int, problem: str) -> dict[str, tf.Tensor]:
    """What a function that is compiled for all problems alike must know of one of them."""
    problem_seed = seed ^ zlib.crc32(problem.encode()) & 0x7FFFFFFF
    return {"problem_seed": tf.constant(problem_seed), "which": tf.constant(family.which[problem])}


class Accumulator:
    """Gathers the gradients of several micro-steps, of one problem or of many, before they are applied.

    Each problem's loss is the mean over the targets of all its micro-steps, and its weight its share of the
    micro-steps. The experts' balancing losses are those of the micro-steps.

    Args:
      element_specs: `{problem: spec of its batches}`.
      micro_steps: how many there are in an update.
      model, optimizer, objectives, seed, replicas, jit, frozen: as for `make_train_steps`.
    """

    def __init__(
        self,
        model: Trainable,
        optimizer: keras.optimizers.Optimizer,
        objectives: Mapping[str, Objective],
        seed: int,
        element_specs: Mapping[str, dict[str, tf.TensorSpec]],
        micro_steps: int,
        replicas: Replicas,
        jit: bool = False,
        frozen: Collection[str] = frozenset(),
    ) -> None:
        self._model, self._optimizer, self._replicas = model, optimizer, replicas
        self._micro_steps, self._jit = micro_steps, jit
        self._used: dict[str, set[int]] = {}  # by problem, which variables have a gradient
        self._variables = [v for v in model.trainable_variables if v.path not in frozen]
        self._index = {variable.path: i for i, variable in enumerate(self._variables)}
        with replicas.scope():  # each replica has its own sums, until they are applied
            self._sums = [
                tf.Variable(
                    tf.zeros(variable.shape, variable.dtype),
                    trainable=False,
                    synchronization=tf.VariableSynchronization.ON_READ,
                    aggregation=tf.VariableAggregation.SUM,
                )
                for variable in self._variables
            ]
        self._counts: dict[str, Traced] = {}
        self._adds: dict[str, Callable[..., dict[str, tf.Tensor]]] = {}
        self._applies: dict[frozenset[str], Traced] = {}
        for family in alike.families(model, objectives, element_specs, frozen):
            count = self._make_count(family)
            add = self._make_add(family, _make_gradients(model, optimizer, family, replicas, jit))
            for problem in family.problems:
                self._counts[problem] = count
                self._adds[problem] = functools.partial(add, **_numbers(family, seed, problem))

    def update(self, batches: Sequence[tuple[str, Batch]], step: int) -> list[dict[str, tf.Tensor]]:
        """One update.

        Args:
          batches: pairs of a problem's name and this worker's rows of a batch of it, one for each micro-step.
          step: of the update.

        Returns:
          The statistics of each micro-step; the gradient's norm is that of the update.
        """
        counts: dict[str, float] = {}
        times: dict[str, int] = {}
        for problem, features in batches:
            counts[problem] = counts.get(problem, 0.0) + float(self._counts[problem](features)["count"])
            times[problem] = times.get(problem, 0) + 1
        statistics = []
        for number, (problem, features) in enumerate(batches):
            weight = tf.constant(counts[problem] * self._micro_steps / times[problem], tf.float32)
            micro_step = tf.constant(step * self._micro_steps + number)
            statistics.append(self._adds[problem](features, micro_step, weight))
        loss = tf.add_n([of_step["loss"] for of_step in statistics])
        applied = self._apply_for(frozenset(times))(loss)
        return [{**of_step, **applied} for of_step in statistics]

    def _make_count(self, family: alike.Family) -> Traced:
        def on_replica(features: Batch, row: int | tf.Tensor) -> dict[str, tf.Tensor]:
            return {"count": _whole(family, features)[0]}

        return Traced(lambda features: self._replicas.run(on_replica, features), [family.spec])

    def _make_add(self, family: alike.Family, gradients_of: GradientsOf) -> Traced:
        def on_replica(
            features: Batch,
            row: int | tf.Tensor,
            micro_step: tf.Tensor,
            weight: tf.Tensor,
            problem_seed: tf.Tensor,
            which: tf.Tensor,
        ) -> dict[str, tf.Tensor]:
            count, rows = _whole(family, features)
            seed = tf.stack([problem_seed, micro_step])
            gradients, statistics, carried = gradients_of(
                features, row, seed, which, count, rows, weight, 1.0 / self._micro_steps
            )
            self._add(family, gradients, which)
            _carry(self._model, carried, statistics["loss"])
            return statistics

        number = tf.TensorSpec([], tf.int32)
        signature = [family.spec, number, tf.TensorSpec([]), number, number]

        def add(
            features: Batch,
            micro_step: tf.Tensor,
            weight: tf.Tensor,
            problem_seed: tf.Tensor,
            which: tf.Tensor,
        ) -> dict[str, tf.Tensor]:
            return self._replicas.run(on_replica, features, micro_step, weight, problem_seed, which)

        return Traced(add, signature)

    def _add(self, family: alike.Family, gradients: Gradients, which: tf.Tensor) -> None:
        """Adds gradients to their sums, and notes which variables have one."""
        used: list[set[int]] = [set() for _ in family.alternatives]
        for number, alternative in enumerate(family.alternatives):
            for gradient, variable in zip(gradients, [*family.shared, *alternative], strict=True):
                if gradient is not None:
                    used[number].add(self._index[variable.path])
        for gradient, variable in zip(gradients[: len(family.shared)], family.shared, strict=True):
            if gradient is not None:
                self._sums[self._index[variable.path]].assign_add(gradient)
        for number, alternative in enumerate(family.alternatives):
            for gradient, variable in zip(gradients[len(family.shared) :], alternative, strict=True):
                if gradient is not None:
                    masked = tf.where(which == number, gradient, 0.0)
                    self._sums[self._index[variable.path]].assign_add(masked)
        for problem in family.problems:
            self._used[problem] = used[family.which[problem]]

    def _apply_for(self, problems: frozenset[str]) -> Traced:
        """What applies the sums of the variables that some problems use, and sets them to zero."""
        if problems not in self._applies:
            used = sorted({i for problem in problems for i in self._used[problem]})
            variables = [self._variables[i] for i in used]
            apply = make_apply(self._model, self._optimizer, [variables], self._replicas, self._jit)

            def on_replica(features: Batch, row: int | tf.Tensor, loss: tf.Tensor) -> dict[str, tf.Tensor]:
                gradients = [self._sums[i].read_value() for i in used]
                norm = apply(gradients, tf.constant(0), loss)
                for i in used:
                    self._sums[i].assign(tf.zeros_like(self._sums[i]))
                return {"gradient_norm": norm}

            self._applies[problems] = Traced(
                lambda loss: self._replicas.run(on_replica, {}, loss), [tf.TensorSpec([])]
            )
        return self._applies[problems]


def _make_gradients(
    model: Trainable,
    optimizer: keras.optimizers.Optimizer,
    family: alike.Family,
    replicas: Replicas,
    jit: bool,
) -> GradientsOf:
    """A function of a replica's rows: the gradients of its part of the loss, statistics, `Output.carried`.

    The gradients are of the family's shared variables, None for one that isn't used, and of its own ones,
    None for one that doesn't train.
    """
    problem = family.problems[0]
    scales = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)

    aim = family.objective

    def output_of(
        features: Batch, row: int | tf.Tensor, rows: tf.Tensor, seed: tf.Tensor, values: list[tf.Tensor]
    ) -> Output:
        with randomness.scope(seed, row, replicas.number, rows):
            return aim.forward(model, features, problem, training=True, values=values)

    # Compiled code can't talk to the other replicas, as the balancing losses must, which are of the whole
    # batch, and objectives that compare its rows. The gradient of what is compiled is compiled as well.
    apart = jit and replicas.number > 1
    if apart and aim.across_replicas:
        output_of = by_xla(output_of)

    def forward(
        features: Batch, row: int | tf.Tensor, rows: tf.Tensor, seed: tf.Tensor, values: list[tf.Tensor]
    ) -> tuple[dict[str, Any], dict[str, tf.Tensor]]:
        """What adds up over the replicas, and what the model carries on."""
        output = output_of(features, row, rows, seed, values)
        total = aim.loss(output, features)
        sums = {"total": total, "dropped": tf.zeros([]), "choices": {}, "balance": {}}
        for place, statistics in output.experts.items():
            sums["dropped"] += statistics["dropped"]
            sums["choices"][place] = statistics["choices"]
            sums["balance"][place] = statistics["balance"]
        return sums, dict(output.carried)

    if apart and not aim.across_replicas:
        forward = by_xla(forward)

    def compute(
        features: Batch,
        row: int | tf.Tensor,
        rows: tf.Tensor,
        seed: tf.Tensor,
        values: list[tf.Tensor],
        weight: tf.Tensor,
        expert_weight: float | tf.Tensor,
    ) -> tuple[Gradients, dict[str, Any], dict[str, tf.Tensor]]:
        with tf.GradientTape() as tape:
            tape.watch(values)
            part, carried = forward(features, row, rows, seed, values)
            whole = layers_replicas.total(part)
            # Summed over the replicas, this is the loss of the whole batch.
            objective = part["total"] / weight
            if whole["balance"]:
                whole["expert_loss"] = tf.add_n([balance.loss() for balance in whole["balance"].values()])
                objective += expert_weight * whole["expert_loss"] / replicas.number
            scaled = optimizer.scale_loss(objective) if scales else objective
        gradients = tape.gradient(scaled, [*(variable.value for variable in family.shared), *values])
        # Dense, since the norm of an embedding's slices is not that of the gradient they add up to.
        gradients = [None if g is None else tf.convert_to_tensor(g) for g in gradients]
        for gradient, variable in zip(gradients, family.shared, strict=False):
            if gradient is not None:
                gradient.set_shape(variable.shape)
        gradients[len(family.shared) :] = [
            None if fixed else g
            for g, fixed in zip(gradients[len(family.shared) :], family.fixed, strict=True)
        ]
        del whole["balance"]
        return gradients, whole, carried

    if jit and replicas.number == 1:
        compute = by_xla(compute)

    def gradients_of(
        features: Batch,
        row: int | tf.Tensor,
        seed: tf.Tensor,
        which: tf.Tensor,
        count: tf.Tensor,
        rows: tf.Tensor,
        weight: tf.Tensor,
        expert_weight: float | tf.Tensor,
    ) -> tuple[Gradients, dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        values = family.values(which)
        gradients, whole, carried = compute(features, row, rows, seed, values, weight, expert_weight)
        return gradients, {"loss": whole["total"] / count, "targets": count, **_of_experts(whole)}, carried

    return gradients_of


def _carry(model: Trainable, values: Mapping[str, tf.Tensor], loss: tf.Tensor) -> None:
    """Gives variables the values that the model carries on, if the loss is finite."""
    if not values:
        return
    variables = {variable.path: variable.value for variable in model.variables}
    for path, value in values.items():
        value = tf.where(tf.math.is_finite(loss), value, variables[path])
        layers_replicas.assign(variables[path], value)


def _of_experts(whole: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    """The statistics of the experts; none where there are none."""
    if not whole["choices"]:
        return {}
    choices = tf.add_n([tf.reduce_sum(each) for each in whole["choices"].values()])
    return {
        "expert_loss": whole["expert_loss"],
        "dropped": whole["dropped"],
        "dropped_share": whole["dropped"] / tf.maximum(choices, 1.0),
        **{f"choices/{place}": each for place, each in whole["choices"].items()},
    }


def _whole(family: alike.Family, features: Batch) -> tuple[tf.Tensor, tf.Tensor]:
    """Of the whole batch: how many targets it has, at least 1, and its rows, as the shape `[rows, 0]`."""
    count = family.objective.count(features)
    rows = tf.cast(tf.shape(next(iter(features.values())))[0], tf.float32)
    count, rows = layers_replicas.total((count, rows))
    return tf.maximum(count, 1.0), tf.zeros([tf.cast(rows, tf.int32), 0])
