"""What one update does, and what one batch of evaluation measures: one tf.function for each problem."""

import zlib

import keras
import tensorflow as tf

from t2tlite.errors import UserError
from t2tlite.layers import randomness
from t2tlite.training.schedule import Schedule


def make_optimizer(hparams, variables):
    """The optimizer named by the hyperparameters, with the state of all variables.

    Raises:
      UserError: no such optimizer.
    """
    if hparams.optimizer != "adam":
        raise UserError(f"hparam `optimizer` must be adam. Received: {hparams.optimizer}")
    schedule = Schedule(hparams.schedule, hparams.learning_rate, hparams.warmup_steps, hparams.decay_steps)
    optimizer = keras.optimizers.Adam(
        schedule,
        beta_1=hparams.adam_beta1,
        beta_2=hparams.adam_beta2,
        epsilon=hparams.adam_epsilon,
        name="adam",
    )
    optimizer.build(variables)
    return optimizer


def make_train_step(model, optimizer, problem: str, seed: int, element_spec):
    """A compiled function `(features, step) -> statistics` that updates the model once.

    Everything random in it derives from (seed, problem, step). Variables that the problem doesn't use have
    no gradient and are left alone, momentum and all.

    Args:
      model: the `MultiModel`.
      problem: the problem's name.
      seed: of the run.
      element_spec: of the problem's batches; its unknown dimensions keep the function from being traced
        again for each length.

    Returns:
      A function of a batch and an int32 step. Its statistics are float32 scalars: loss (nats per target),
      expert_loss, gradient_norm, targets (their number) and dropped (choices that found an expert full).
    """
    net = model.target_net(problem)
    clip_norm = model.hparams.clip_norm

    @tf.function(input_signature=[element_spec, tf.TensorSpec([], tf.int32)], autograph=False)
    def train_step(features, step):
        with randomness.scope(tf.stack([seed ^ zlib.crc32(problem.encode()) & 0x7FFFFFFF, step])):
            with tf.GradientTape() as tape:
                output = model(features, problem=problem, training=True)
                total, count = net.loss(output.logits, features["targets"])
                loss = total / tf.maximum(count, 1.0)
                experts = list(output.experts.values())
                expert_loss = tf.add_n([statistics["loss"] for statistics in experts])
                objective = loss + expert_loss
        variables = model.trainable_variables
        gradients = tape.gradient(objective, [variable.value for variable in variables])
        # Dense, since the norm of an embedding's slices is not that of the gradient they add up to.
        used = [
            (tf.convert_to_tensor(g), v) for g, v in zip(gradients, variables, strict=True) if g is not None
        ]
        clipped, norm = tf.clip_by_global_norm([g for g, _ in used], clip_norm)
        optimizer.apply(clipped, [v for _, v in used])
        dropped = tf.add_n([statistics["dropped"] for statistics in experts])
        return {
            "loss": loss,
            "expert_loss": expert_loss,
            "gradient_norm": norm,
            "targets": count,
            "dropped": dropped,
        }

    return train_step


def make_eval_step(model, problem: str, element_spec):
    """A compiled function of a batch that gives sums: loss, targets, correct, sequences, correct_sequences.

    The loss is in nats, teacher-forced and without label smoothing; a sequence is correct if the most
    likely entry is the right one at every position.
    """

    @tf.function(input_signature=[element_spec], autograph=False)
    def eval_step(features):
        targets = features["targets"]
        logits = model(features, problem=problem, training=False).logits
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
        right = tf.cast(tf.argmax(logits, axis=-1, output_type=targets.dtype) == targets, tf.float32)
        if model.target_net(problem).autoregressive:
            weight = tf.cast(targets != 0, tf.float32)
        else:
            loss, right, weight = loss[:, None], right[:, None], tf.ones_like(right)[:, None]
        whole = tf.reduce_min(tf.where(weight > 0, right, 1.0), axis=1)
        return {
            "loss": tf.reduce_sum(loss * weight),
            "targets": tf.reduce_sum(weight),
            "correct": tf.reduce_sum(right * weight),
            "sequences": tf.cast(tf.size(whole), tf.float32),
            "correct_sequences": tf.reduce_sum(whole),
        }

    return eval_step
