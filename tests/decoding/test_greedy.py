"""Greedy decoding with state: the same as without, whatever else is in the batch."""

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.decoding.greedy import EOS, PAD
from t2tlite.decoding.inputs import BY_KIND

from ..models import tiny

NAMES = ("translation", "captions", "spoken")
LENGTH = 12


def recomputed(model, problem, features, length=LENGTH):
    """Decodes by running the whole model again for every position."""
    spec = {
        **BY_KIND[tiny.PROBLEMS[problem].inputs.kind].spec,
        "targets": tf.TensorSpec([None, None], tf.int32),
    }
    forward = tf.function(lambda x: model(x, problem=problem).logits, autograph=False, input_signature=[spec])
    batch = len(features["inputs"])
    ids = np.zeros((batch, length), np.int32)
    going, total = np.ones(batch, bool), np.zeros(batch)
    for position in range(length):
        # The position to be predicted must not count as padding; what stands there can't be seen from it.
        asked = np.where(going, 2, PAD)
        prefix = np.concatenate([ids[:, :position], asked[:, None]], axis=1)
        logits = forward({**features, "targets": tf.constant(prefix, tf.int32)})[:, position]
        logs = tf.nn.log_softmax(logits).numpy()
        best = 1 + np.argmax(logs[:, 1:], axis=1)
        total += np.where(going, logs[np.arange(batch), best], 0)
        ids[:, position] = np.where(going, best, PAD)
        going &= best != EOS
    return ids, total


@pytest.mark.parametrize("name", NAMES)
def test_same_as_recomputing_everything(model, inputs, compiled, name):
    features = inputs(name)
    ids, total = compiled(model, name, LENGTH)(features)
    expected, expected_total = recomputed(model, name, features)
    np.testing.assert_array_equal(ids, expected[:, : ids.shape[1]])
    assert not expected[:, ids.shape[1] :].any()
    np.testing.assert_allclose(total, expected_total, rtol=1e-3)
    assert len({tuple(row) for row in ids.numpy().tolist()}) > 1, "the outputs must depend on the inputs"


def test_same_as_recomputing_without_attention_and_experts(make, inputs, compiled):
    changes = {"attention": False, "moe": "none", "tie_embeddings": True}
    model = make(tiny.HPARAMS.replace(**changes), ("translation",))
    features = inputs("translation", 3)
    ids, _ = compiled(model, "translation", LENGTH)(features)
    expected, _ = recomputed(model, "translation", features)
    np.testing.assert_array_equal(ids, expected[:, : ids.shape[1]])


@pytest.mark.parametrize("name", NAMES)
def test_alone_or_in_a_batch(model, inputs, compiled, name):
    """Neither the other examples nor their padding matter."""
    features = inputs(name)
    decode = compiled(model, name, LENGTH)
    ids, total = decode(features)
    for i in range(2):
        alone = {key: value[i : i + 1] for key, value in features.items()}
        if name == "translation":
            alone["inputs"] = alone["inputs"][:, : np.count_nonzero(alone["inputs"])]
        if name == "spoken":
            alone["inputs"] = alone["inputs"][:, : alone["inputs_length"][0]]
        one, one_total = decode(alone)
        width = one.shape[1]
        np.testing.assert_array_equal(one[0], ids[i, :width])
        assert not ids[i, width:].numpy().any()
        np.testing.assert_allclose(one_total[0], total[i], rtol=1e-3)


def test_score_is_the_teacher_forced_loss(model, inputs, compiled):
    features = inputs("translation", 4)
    ids, total = compiled(model, "translation", LENGTH)(features)
    logits = model({**features, "targets": ids}, problem="translation").logits
    for i in range(4):
        loss, count = model.target_net("translation").loss(logits[i : i + 1], ids[i : i + 1])
        assert count == np.count_nonzero(ids[i])
        np.testing.assert_allclose(-loss, total[i], rtol=1e-3)


def test_ends_and_pads(model, inputs, compiled):
    """Nothing comes after the end token; what doesn't end is cut; the loop stops when all ended."""
    lengths = set()
    decode = compiled(model, "translation", LENGTH)
    for seed in range(3):
        ids = decode(inputs("translation", 10, seed)).ids.numpy()
        for row in ids:
            used = np.count_nonzero(row)
            assert row[:used].all(), "padding was emitted"
            assert used == LENGTH or row[used - 1] == EOS
            assert EOS not in row[: used - 1]
            lengths.add(used)
        assert ids.shape[1] == max(np.count_nonzero(row) for row in ids)
    assert len(lengths) > 2


def test_never_emits_padding_even_where_it_is_likeliest(make, inputs, compiled):
    model = make(names=("translation",))
    matrix = model.target_net("translation").softmax
    features = inputs("translation", 8)
    first = compiled(model, "translation", 1)(features).ids[:, 0]
    # Padding now has three times the logit of what was the first example's most likely entry.
    matrix.assign(tf.tensor_scatter_nd_update(matrix.value, [[PAD]], 3 * matrix.numpy()[first[:1]]))
    logits = model({**features, "targets": tf.ones([8, 1], tf.int32)}, problem="translation").logits
    assert tf.argmax(logits[0, 0]) == PAD
    ids, total = compiled(model, "translation", 1)(features)
    np.testing.assert_array_equal(ids[:, 0], first)
    assert total[0] < np.log(0.5)


def test_one_trace_for_all_sizes(model, inputs, compiled):
    decode = compiled(model, "translation", LENGTH)
    for batch, width in [(1, 9), (7, 4), (3, 1)]:
        ids, total = decode({"inputs": inputs("translation", batch)["inputs"][:, :width]})
        assert ids.shape[0] == total.shape[0] == batch
    assert decode.experimental_get_tracing_count() == 1
