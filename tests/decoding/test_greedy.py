"""Greedy decoding with state: the same as without, whatever else is in the batch."""

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.decoding.greedy import EOS, PAD, greedy
from t2tlite.decoding.incremental import Incremental
from tests.decoding.conftest import FromText, make_model, small_hparams

LENGTH = 20


def features_of(kind, batch=5, seed=0):
    """Inputs of different lengths, padded."""
    draw = np.random.default_rng(seed)
    if kind == "image":
        return {"inputs": draw.random((batch, 24, 24, 3), np.float32)}
    if kind == "audio":
        lengths = draw.integers(2000, 8000, batch).astype(np.int32)
        samples = draw.standard_normal((batch, 8000)).astype(np.float32) / 10
        return {"inputs": samples * (np.arange(8000) < lengths[:, None]), "inputs_length": lengths}
    lengths = draw.integers(2, 12, batch)
    return {"inputs": (draw.integers(2, 40, (batch, 12)) * (np.arange(12) < lengths[:, None])).astype(np.int32)}


def compiled(model, problem, length=LENGTH):
    return tf.function(lambda features: greedy(Incremental(model, problem, length), features), autograph=False)


def recomputed(model, problem, features, length=LENGTH):
    """The same by running the whole model again for every position."""
    forward = tf.function(lambda x: model(x, problem=problem).logits, autograph=False, reduce_retracing=True)
    batch = len(features["inputs"])
    ids = np.zeros((batch, length + 1), np.int32)
    going, total = np.ones(batch, bool), np.zeros(batch)
    for position in range(length):
        # The position to be predicted must not count as padding, but its content can't be seen from there.
        asked = np.where(going, 2, ids[:, position])
        prefix = np.concatenate([ids[:, :position], asked[:, None]], axis=1)
        logits = forward({**features, "targets": tf.constant(prefix, tf.int32)})[:, position]
        logs = tf.nn.log_softmax(logits).numpy()
        best = 1 + np.argmax(logs[:, 1:], axis=1)
        total += np.where(going, logs[np.arange(batch), best], 0)
        ids[:, position] = np.where(going, best, PAD)
        going &= best != EOS
    return ids[:, :length], total


@pytest.mark.parametrize("kind", ["text", "image", "audio"])
def test_same_as_recomputing_everything(model, kind):
    features = features_of(kind)
    ids, total = compiled(model, f"from_{kind}")(features)
    expected, expected_total = recomputed(model, f"from_{kind}", features)
    np.testing.assert_array_equal(ids, expected[:, : ids.shape[1]])
    assert not expected[:, ids.shape[1] :].any()
    np.testing.assert_allclose(total, expected_total, rtol=1e-4)
    assert len({tuple(row) for row in ids.numpy().tolist()}) > 2, "the outputs must depend on the inputs"


@pytest.mark.parametrize("changes", [{"attention": False}, {"moe": "none"}, {"tie_embeddings": True}])
def test_same_as_recomputing_in_ablations(changes):
    model = make_model(small_hparams(**changes), [FromText()])
    features = features_of("text", 3)
    ids, _ = compiled(model, "from_text")(features)
    expected, _ = recomputed(model, "from_text", features)
    np.testing.assert_array_equal(ids, expected[:, : ids.shape[1]])


@pytest.mark.parametrize("kind", ["text", "image", "audio"])
def test_alone_or_in_a_batch(model, kind):
    features = features_of(kind)
    decode = compiled(model, f"from_{kind}")
    ids, total = decode(features)
    for i in range(len(features["inputs"])):
        alone = {name: value[i : i + 1] for name, value in features.items()}
        if kind == "text":
            alone["inputs"] = alone["inputs"][:, : np.count_nonzero(alone["inputs"])]
        if kind == "audio":
            alone["inputs"] = alone["inputs"][:, : alone["inputs_length"][0]]
        one, one_total = decode(alone)
        width = one.shape[1]
        np.testing.assert_array_equal(one[0], ids[i, :width])
        assert not ids[i, width:].numpy().any()
        np.testing.assert_allclose(one_total[0], total[i], rtol=1e-4)


def test_score_is_the_teacher_forced_loss(model):
    features = features_of("text")
    ids, total = compiled(model, "from_text")(features)
    for i in range(len(ids)):
        targets = ids[i : i + 1, : np.count_nonzero(ids[i])]
        logits = model({"inputs": features["inputs"][i : i + 1], "targets": targets}, problem="from_text").logits
        loss, _ = model.target_net("from_text").loss(logits, targets)
        np.testing.assert_allclose(-loss, total[i], rtol=1e-4)


def test_ends_and_pads(model):
    """Nothing comes after the end token; a sequence that doesn't end is cut; the loop stops when all ended."""
    lengths, widths = set(), set()
    for seed in range(4):
        ids, _ = compiled(model, "from_text")(features_of("text", 8, seed))
        for row in ids.numpy():
            used = np.count_nonzero(row)
            assert row[:used].all(), "padding was emitted"
            assert used == LENGTH or row[used - 1] == EOS
            assert EOS not in row[: used - 1]
            lengths.add(used)
        widths.add(ids.shape[1])
        assert ids.shape[1] == max(np.count_nonzero(row) for row in ids.numpy())
    assert len(lengths) > 2


def test_never_emits_padding_even_where_it_is_likeliest():
    model = make_model(small_hparams(), [FromText()])
    softmax = model.nets["language_00000000"].softmax
    softmax.assign(tf.tensor_scatter_nd_update(softmax.value, [[PAD]], [10 * tf.reduce_mean(softmax, axis=0) + 5]))
    ids, total = compiled(model, "from_text", 5)(features_of("text", 8))
    logits = model({**features_of("text", 8), "targets": tf.ones([8, 1], tf.int32)}, problem="from_text").logits
    assert PAD in tf.argmax(logits[:, 0], axis=-1).numpy()
    assert (ids[:, 0].numpy() != PAD).all() and (total.numpy() < 0).all()


def test_one_trace_for_all_sizes(model):
    decode = tf.function(
        lambda features: greedy(Incremental(model, "from_text", LENGTH), features),
        autograph=False,
        input_signature=[{"inputs": tf.TensorSpec([None, None], tf.int32)}],
    )
    for batch, width in [(1, 12), (7, 4), (3, 1)]:
        ids, total = decode({"inputs": features_of("text", batch)["inputs"][:, :width]})
        assert ids.shape[0] == total.shape[0] == batch
    assert decode.experimental_get_tracing_count() == 1


def test_an_empty_batch(model):
    ids, total = compiled(model, "from_text")({"inputs": np.zeros([0, 4], np.int32)})
    assert ids.shape[0] == total.shape[0] == 0
