"""What one update does: a tf.function for each problem, on one replica or many."""

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
        count, rows = _whole(model, problem, features)
        gradients, statistics = gradients_of(features, row, step, count, rows, count, tf.ones([]))
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
        loss = tf.add_n([found["loss"] for found in statistics])
        applied = self._apply_for(frozenset(times))(loss)
        return [{**found, **applied} for found in statistics]

    def _make_count(self, problem, spec):
        def on_replica(features, row):
            return {"count": _whole(self._model, problem, features)[0]}

        return tf.function(
            lambda features: self._replicas.run(on_replica, features), input_signature=[spec], autograph=False
        )

    def _make_add(self, problem, spec, gradients_of):
        def on_replica(features, row, micro_step, weight):
            count, rows = _whole(self._model, problem, features)
            gradients, statistics = gradients_of(
                features, row, micro_step, count, rows, weight, 1.0 / self._micro_steps
            )
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

            def on_replica(features, row, loss):
                gradients = [None] * len(self._sums)
                for i in used:
                    gradients[i] = self._sums[i].read_value()
                norm = _apply(self._model, self._optimizer, gradients, loss)
                for i in used:
                    self._sums[i].assign(tf.zeros_like(self._sums[i]))
                return {"gradient_norm": norm}

            self._applies[problems] = tf.function(
                lambda loss: self._replicas.run(on_replica, {}, loss), autograph=False
            )
        return self._applies[problems]


def _make_gradients(model, optimizer, problem, seed, replicas, jit):
    """A function of a replica's rows that gives the gradients of its part of the loss, and statistics."""
    net = model.target_net(problem)
    problem_seed = seed ^ zlib.crc32(problem.encode()) & 0x7FFFFFFF
    scales = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)

    def forward(features, row, rows, step):
        """What adds up over the replicas."""
        with randomness.scope(tf.stack([problem_seed, step]), row, replicas.number, rows):
            output = model(features, problem=problem, training=True)
        total, _ = net.loss(output.logits, features["targets"])
        sums = {"total": total, "dropped": tf.zeros([]), "choices": {}, "balance": {}}
        for place, statistics in output.experts.items():
            sums["dropped"] += statistics["dropped"]
            sums["choices"][place] = statistics["choices"]
            sums["balance"][place] = statistics["balance"]
        return sums

    if jit and replicas.number > 1:
        # The balancing losses are of the whole batch, and compiled code can't talk to the other replicas. The
        # gradient of what is compiled is compiled as well.
        forward = tf.function(forward, jit_compile=True, autograph=False)

    def compute(features, row, rows, step, weight, expert_weight):
        with tf.GradientTape() as tape:
            own = forward(features, row, rows, step)
            whole = layers_replicas.total(own)
            expert_loss = tf.add_n([balance.loss() for balance in whole["balance"].values()])
            # Summed over the replicas, this is the loss of the whole batch.
            objective = own["total"] / weight + expert_weight * expert_loss / replicas.number
            scaled = optimizer.scale_loss(objective) if scales else objective
        gradients = tape.gradient(scaled, [variable.value for variable in model.trainable_variables])
        # Dense, since the norm of an embedding's slices is not that of the gradient they add up to.
        gradients = [None if g is None else tf.convert_to_tensor(g) for g in gradients]
        del whole["balance"]
        return gradients, {**whole, "expert_loss": expert_loss}

    if jit and replicas.number == 1:
        compute = tf.function(compute, jit_compile=True, autograph=False)

    def gradients_of(features, row, step, count, rows, weight, expert_weight):
        gradients, whole = compute(features, row, rows, step, weight, expert_weight)
        choices = tf.add_n([tf.reduce_sum(each) for each in whole["choices"].values()])
        return gradients, {
            "loss": whole["total"] / count,
            "expert_loss": whole["expert_loss"],
            "targets": count,
            "dropped": whole["dropped"],
            "dropped_share": whole["dropped"] / tf.maximum(choices, 1.0),
            **{f"choices/{place}": each for place, each in whole["choices"].items()},
        }

    return gradients_of


def _whole(model, problem, features):
    """Of the whole batch: how many targets it has, at least 1, and its rows, as the shape `[rows, 0]`."""
    count = model.target_net(problem).count(features["targets"])
    rows = tf.cast(tf.shape(features["targets"])[0], tf.float32)
    count, rows = layers_replicas.total((count, rows))
    return tf.maximum(count, 1.0), tf.zeros([tf.cast(rows, tf.int32), 0])


def _apply(model, optimizer, gradients, loss):
    """Sums the gradients over the replicas, clips and applies them if they are finite; returns their norm.

    Args:
      loss: of the update; one that is not finite is not applied either.
    """
    pairs = [(g, v) for g, v in zip(gradients, model.trainable_variables, strict=True) if g is not None]
    found = layers_replicas.total_in_buckets([tf.ensure_shape(g, v.shape) for g, v in pairs])
    scale = getattr(optimizer, "dynamic_scale", None)
    scale = 1.0 if scale is None else tf.convert_to_tensor(scale)
    norm = tf.linalg.global_norm(found)
    if model.hparams.clip_grad_norm:
        found, _ = tf.clip_by_global_norm(found, model.hparams.clip_grad_norm * scale, use_norm=norm)
    finite = tf.math.is_finite(loss) & tf.math.is_finite(norm)
    apply_if(finite, optimizer, found, [variable for _, variable in pairs])
    return norm / scale
