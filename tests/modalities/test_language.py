"""The language net: embedding, softmax, tying, loss over what is not padding, label smoothing."""

import numpy as np
import pytest
import tensorflow as tf

from t2tlite import registry
from t2tlite.modality import Representation

from ..layers import reference
from ..models import tiny

IDS = tf.constant([[5, 3, 1, 0, 0], [7, 2, 6, 4, 1]])


def built(**changes):
    net = registry.get("modality", "language").from_hparams(tiny.HPARAMS.replace(**changes), size=19)
    net.build(None)
    return tiny.randomise(net)


@pytest.mark.parametrize("tied", [False, True])
def test_ids_are_looked_up_and_logits_are_products(tied):
    net = built(shared_embedding_and_softmax_weights=tied)
    w = reference.weights(net)
    assert set(w) == ({"embedding"} if tied else {"embedding", "softmax"})
    x, mask, grid = net.bottom({"inputs": IDS}, "inputs")
    expected = w["embedding"][IDS] * 16**0.5 * (IDS.numpy() != 0)[:, :, None]
    tiny.close(x, expected)
    assert (mask.numpy() == (IDS.numpy() != 0)).all() and grid is None
    y = tiny.noise(2, 5, 16)
    tiny.close(net.top(Representation(y)), np.float64(y) @ w["embedding" if tied else "softmax"].T)


def test_logits_are_float32_in_mixed_precision():
    y = tf.cast(tiny.noise(2, 5, 16), tf.bfloat16)
    net = built()
    logits = net.top(Representation(y))
    assert logits.dtype == tf.float32
    tiny.close(logits, tf.cast(y, tf.float64) @ tf.transpose(tf.cast(net.softmax.value, tf.float64)), 0.03)


def test_embedded_inputs_start_with_variance_one():
    net = registry.get("modality", "language").from_hparams(tiny.HPARAMS.replace(hidden_size=64), size=500)
    net.build(None)
    x = net.embed_targets(tf.range(1, 500)[None])
    assert abs(np.var(x) - 1) < 0.05


def test_one_vocabulary_makes_one_net():
    cls = registry.get("modality", "language")
    name = tiny.VOCABULARY.fingerprint[:8]
    assert cls.sharing(None, "inputs", tiny.VOCABULARY, None) == (name, 19)
