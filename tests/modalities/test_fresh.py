"""Freshly initialised nets: what they make of two examples differs, and the loss reaches every input."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2tlite import hparam, registry

from ..models import tiny

INPUTS = {"language": "topics", "image": "pictures", "spectral": "sounds", "waveform": "sounds"}


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("set_name", ["multimodel_tiny", "multimodel_base"])
def test_a_fresh_net_tells_examples_apart(name, set_name):
    keras.utils.set_random_seed(0)
    hparams = hparam.get(set_name).replace(hidden_size=16)
    net = registry.get("modality", name).from_hparams(hparams, size=tiny.VOCABULARY.size)
    net.build(None)
    features = tiny.batch(INPUTS[name])
    with tf.GradientTape() as tape:
        x, mask, _ = net.bottom(features, "inputs")
        mask = tf.ones(x.shape[:2], tf.bool) if mask is None else mask
        valid = x[mask]
        value = tf.reduce_sum(tf.square(valid) * tiny.noise(*valid.shape))
    spread = valid.numpy().var(axis=0).mean() / np.square(valid).mean()
    assert spread > 1e-3
    first = net.trainable_variables[0]
    assert np.abs(tf.convert_to_tensor(tape.gradient(value, first.value))).max() > 0
