"""Training: which variables a problem's step moves, and that a step's randomness is its seed's alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2tlite.layers import randomness

from . import tiny


def loss_of(model, name, features, seed=(1, 2)):
    with randomness.scope(tf.constant(seed)):
        output = model(features, problem=name, training=True)
    aim = tiny.objectives(model)[name]
    mean = aim.loss(output, features) / aim.count(features)
    return mean + tf.add_n([statistics["loss"] for statistics in output.experts.values()])


def gradients(model, name, features):
    with tf.GradientTape() as tape:
        loss = loss_of(model, name, features)
    return tape.gradient(loss, [v.value for v in model.trainable_variables])


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("translation", {"language_01234567", "encoder", "mixer", "decoder", "command_to_german"}),
        ("captions", {"image", "language_01234567", "encoder", "mixer", "decoder", "command_to_caption"}),
        ("pictures", {"image", "encoder", "categorical"}),
        ("sounds", {"spectral", "encoder", "categorical"}),
    ],
)
def test_a_step_of_a_problem_moves_what_it_uses_and_nothing_else(name, parts):
    model = tiny.shared_model()
    moved = set()
    for variable, gradient in zip(
        model.trainable_variables, gradients(model, name, tiny.batch(name)), strict=True
    ):
        part = variable.path.split("/")[1]
        part = "categorical" if part.startswith("categorical") else part
        assert (gradient is not None) == (part in parts), variable.path
        moved |= {part} if gradient is not None and np.any(tf.convert_to_tensor(gradient)) else set()
    assert moved == parts


def test_a_seed_makes_the_step():
    model, features = tiny.shared_model(), tiny.batch("translation")
    one, again, other = (float(loss_of(model, "translation", features, s)) for s in ((1, 2), (1, 2), (1, 3)))
    assert one == again != other


def test_a_batch_can_be_learned_by_heart():
    name = "translation"
    shallow = {"num_encoder_layers": 1, "num_mixer_layers": 0, "num_decoder_layers": 1}
    model = tiny.model([name], tiny.HPARAMS.replace(dropout=0.0, **shallow))
    optimizer = keras.optimizers.Adam(0.01)
    optimizer.build(model.trainable_variables)
    features = tiny.batch(name)

    @tf.function(autograph=False)
    def step():
        with tf.GradientTape() as tape:
            loss = loss_of(model, name, features)
        values = tape.gradient(loss, [v.value for v in model.trainable_variables])
        optimizer.apply(values, model.trainable_variables)
        return loss

    losses = [float(step()) for _ in range(40)]
    assert losses[0] > 3 and losses[-1] < 1
