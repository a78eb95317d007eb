"""What one update does: one tf.function for each problem."""

import zlib

import tensorflow as tf

from t2tlite.layers import randomness


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
