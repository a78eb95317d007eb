"""What one update does: a tf.function for each problem, on one replica or many."""

import math
import zlib

import keras
import tensorflow as tf

from t2tlite.layers import randomness
from t2tlite.layers import replicas as layers_replicas
from t2tlite.training.guard import apply_if
from t2tlite.training.strategy import Replicas


def make_train_step(model, optimizer, problem: str, seed: int, element_spec, replicas=None, jit=False):
    """A compiled function `(features, step) -> statistics` that updates the model once.

    Everything random in it derives from (seed, problem, step). Variables that the problem doesn't use have
    no gradient and are left alone, momentum and all.

    Args:
      model: the `MultiModel`.
      problem: the problem's name.
      seed: of the run.
      element_spec: of the problem's batches; its unknown dimensions keep the function from being traced
        again for each length.
      replicas: the `Replicas`; default: those of the current strategy.
      jit: whether XLA compiles forward and backward pass, anew for each shape.

    Returns:
      A function of this worker's rows of a batch and an int32 step. Its statistics are float32 scalars, of
      the whole batch: loss (nats per target), expert_loss, gradient_norm, targets (their number), dropped
      (choices that found an expert full) and dropped_share (of all choices); and float32 [experts]:
      choices/encoder and choices/decoder. An update whose loss or norm is not finite is not applied.
    """
    replicas = replicas or Replicas()
    gradients_of = _make_gradients(model, optimizer, problem, seed, replicas, jit)

    def on_replica(features, row, step):
        count = _count(model, problem, features)
        gradients, statistics = gradients_of(features, row, step, count, tf.ones([]))
        norm = _apply(model, optimizer, gradients, statistics["loss"])
        return {**statistics, "gradient_norm": norm}

    @tf.function(input_signature=[element_spec, tf.TensorSpec([], tf.int32)], autograph=False)
    def train_step(features, step):
        return replicas.run(on_replica, features, step)

    return train_step


class Accumulator:
    """Gathers the gradients of several micro-steps, of one problem or of many, before they are applied.

    Each problem's loss is the mean over the targets of all its micro-steps, and its weight its share of the
    micro-steps. The experts' balancing losses are those of the micro-steps.

    Args:
      element_specs: `{problem: spec of its batches}`.
      micro_steps: how many there are in an update.
      model, optimizer, seed, replicas, jit: as for `make_train_step`.
    """

    def __init__(self, model, optimizer, seed: int, element_specs, micro_steps: int, replicas, jit=False):
        self._model, self._optimizer, self._replicas = model, optimizer, replicas
        self._micro_steps = micro_steps
        self._used: dict[str, list[int]] = {}  # by problem, which variables have a gradient
        with replicas.scope():  # each replica has its own sums, until they are applied
            self._sums = [
                tf.Variable(
                    tf.zeros(variable.shape, variable.dtype),
                    trainable=False,
                    synchronization=tf.VariableSynchronization.ON_READ,
                    aggregation=tf.VariableAggregation.SUM,
                )
                for variable in model.trainable_variables
            ]
        self._counts, self._adds, self._applies = {}, {}, {}
        for problem, spec in element_specs.items():
            gradients_of = _make_gradients(model, optimizer, problem, seed, replicas, jit)
            self._counts[problem] = self._make_count(problem, spec)
            self._adds[problem] = self._make_add(problem, spec, gradients_of)

    def update(self, batches, step: int) -> list[dict[str, tf.Tensor]]:
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
        applied = self._apply_for(frozenset(times))()
        return [{**found, **applied} for found in statistics]

    def _make_count(self, problem, spec):
        def on_replica(features, row):
            return {"count": _count(self._model, problem, features)}

        return tf.function(
            lambda features: self._replicas.run(on_replica, features), input_signature=[spec], autograph=False
        )

    def _make_add(self, problem, spec, gradients_of):
        def on_replica(features, row, micro_step, weight):
            gradients, statistics = gradients_of(features, row, micro_step, weight, 1.0 / self._micro_steps)
            self._used[problem] = [i for i, gradient in enumerate(gradients) if gradient is not None]
            for i in self._used[problem]:
                self._sums[i].assign_add(gradients[i])
            return statistics

        @tf.function(input_signature=[spec, tf.TensorSpec([], tf.int32), tf.TensorSpec([])], autograph=False)
        def add(features, micro_step, weight):
            return self._replicas.run(on_replica, features, micro_step, weight)

        return add

    def _apply_for(self, problems):
        """What applies the sums of the variables that some problems use, and sets them to zero."""
        if problems not in self._applies:
            used = sorted({i for problem in problems for i in self._used[problem]})

            def on_replica(features, row):
                gradients = [None] * len(self._sums)
                for i in used:
                    gradients[i] = self._sums[i].read_value()
                norm = _apply(self._model, self._optimizer, gradients)
                for i in used:
                    self._sums[i].assign(tf.zeros_like(self._sums[i]))
                return {"gradient_norm": norm}

            self._applies[problems] = tf.function(lambda: self._replicas.run(on_replica, {}), autograph=False)
        return self._applies[problems]


def _make_gradients(model, optimizer, problem, seed, replicas, jit):
    """A function of a replica's rows that gives the gradients of its part of the loss, and statistics."""
    net = model.target_net(problem)
    problem_seed = seed ^ zlib.crc32(problem.encode()) & 0x7FFFFFFF
    scales = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)

    def compute(features, row, step, weight, expert_weight):
        with randomness.scope(tf.stack([problem_seed, step]), row, replicas.number):
            with tf.GradientTape() as tape:
                output = model(features, problem=problem, training=True)
                total, _ = net.loss(output.logits, features["targets"])
                experts = list(output.experts.values())
                expert_loss = tf.add_n([statistics["loss"] for statistics in experts])
                # Summed over the replicas, this is the loss of the whole batch.
                objective = total / weight + expert_weight * expert_loss / replicas.number
                scaled = optimizer.scale_loss(objective) if scales else objective
        gradients = tape.gradient(scaled, [variable.value for variable in model.trainable_variables])
        # Dense, since the norm of an embedding's slices is not that of the gradient they add up to.
        gradients = [None if g is None else tf.convert_to_tensor(g) for g in gradients]
        dropped = tf.add_n([statistics["dropped"] for statistics in experts])
        choices = {place: statistics["choices"] for place, statistics in output.experts.items()}
        return gradients, {"total": total, "expert_loss": expert_loss, "dropped": dropped, "choices": choices}

    def apart(*args):
        with layers_replicas.apart():
            return compute(*args)

    compiled = tf.function(apart, jit_compile=True, autograph=False) if jit else compute

    def gradients_of(features, row, step, weight, expert_weight):
        gradients, found = compiled(features, row, step, weight, expert_weight)
        count = _count(model, problem, features)
        choices = found["choices"]
        own = tf.concat([[found["total"], found["dropped"]], *choices.values()], axis=0)
        whole = layers_replicas.total(own)
        total, dropped = whole[0], whole[1]
        chosen = tf.split(whole[2:], [each.shape[0] for each in choices.values()])
        return gradients, {
            "loss": total / count,
            "expert_loss": found["expert_loss"],
            "targets": count,
            "dropped": dropped,
            "dropped_share": dropped / tf.maximum(tf.add_n([tf.reduce_sum(each) for each in chosen]), 1.0),
            **{f"choices/{place}": each for place, each in zip(choices, chosen, strict=True)},
        }

    return gradients_of


def _count(model, problem, features):
    """How many targets the whole batch has, at least 1."""
    own = model.target_net(problem).count(features["targets"])
    return tf.maximum(layers_replicas.total(own), 1.0)


def _summed(gradients, shapes):
    """Their sums over the replicas; as one tensor, since what waits for others is paid for once."""
    flat = tf.concat([tf.reshape(gradient, [-1]) for gradient in gradients], axis=0)
    whole = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, flat)
    parts = tf.split(whole, [math.prod(shape) for shape in shapes])
    return [tf.reshape(part, shape) for part, shape in zip(parts, shapes, strict=True)]


def _apply(model, optimizer, gradients, loss=0.0):
    """Sums the gradients over the replicas, clips and applies them if they are finite; returns their norm."""
    pairs = [(g, v) for g, v in zip(gradients, model.trainable_variables, strict=True) if g is not None]
    found = [gradient for gradient, _ in pairs]
    if layers_replicas.number() > 1:
        found = _summed(found, [variable.shape for _, variable in pairs])
    scale = getattr(optimizer, "dynamic_scale", None)
    scale = 1.0 if scale is None else tf.convert_to_tensor(scale)
    clipped, norm = tf.clip_by_global_norm(found, model.hparams.clip_grad_norm * scale)
    finite = tf.math.is_finite(loss) & tf.math.is_finite(norm)
    apply_if(finite, optimizer, clipped, [variable for _, variable in pairs])
    return norm / scale
