"""Decoding with state, greedily and by search: the same as without, whatever else is in the batch."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.decoding.options import DecodeOptions
from t2tlite.decoding.search.beam_search import beam_search
from t2tlite.decoding.search.constraints import Rules
from t2tlite.decoding.search.outputs import Outputs
from t2tlite.ids import EOS, PAD
from t2tlite.model import Output

from ...models import tiny

NAMES = ("translation", "captions", "spoken")
LENGTH = 12
GREEDY = DecodeOptions(beam_size=1)
BEAM = DecodeOptions(beam_size=3, return_beams=True)
SAMPLES = DecodeOptions(temperature=1.0, num_samples=2)


def recomputed(model, problem, features, length=LENGTH):
    """Decodes greedily by running the whole model again for every position."""
    spec = {
        **tiny.PROBLEMS[problem].inputs.input_reader(None, tiny.HPARAMS).spec,
        "targets": tf.TensorSpec([None, None], tf.int32),
    }
    forward = tf.function(lambda x: model(x, problem=problem).logits, autograph=False, input_signature=[spec])
    batch = len(features["inputs"])
    ids = np.zeros((batch, length), np.int32)
    going, total = np.ones(batch, bool), np.zeros(batch)
    for position in range(length):
        # The position to be predicted must not count as padding; what stands there can't be seen from it.
        next_ids = np.where(going, 2, PAD)
        prefix = np.concatenate([ids[:, :position], next_ids[:, None]], axis=1)
        logits = forward({**features, "targets": tf.constant(prefix, tf.int32)})[:, position]
        logs = tf.nn.log_softmax(logits).numpy()
        best = 1 + np.argmax(logs[:, 1:], axis=1)
        total += np.where(going, logs[np.arange(batch), best], 0)
        ids[:, position] = np.where(going, best, PAD)
        going &= best != EOS
    return ids, total


class Recomputed:
    """Stands in for an `Incremental`: keeps the outputs so far, and runs the model on them again."""

    def __init__(self, model, problem, length):
        self.length = length
        self._model = model
        self._problem = problem

    def start(self, features, copies=1, moves=False):
        features = {key: tf.repeat(value, copies, axis=0) for key, value in features.items()}
        rows = tf.shape(next(iter(features.values())))[0]
        return (
            features,
            (tf.zeros([rows, self.length], tf.int32), tf.zeros([], tf.int32)),
            tf.zeros([rows], tf.int32),
        )

    def step(self, x, memory, state, going):
        so_far, position = state
        here = tf.range(self.length)
        so_far = tf.where(here == position - 1, x[:, None], so_far)
        targets = tf.where((here == position) & going[:, None], 2, so_far)
        logits = self._model({**memory, "targets": targets}, problem=self._problem).logits
        return tf.nn.log_softmax(tf.gather(logits, position, axis=1)), (so_far, position + 1)

    def embed(self, ids):
        return ids

    def select(self, state, parents):
        return tf.nest.map_structure(lambda x: tf.gather(x, parents) if x.shape.rank else x, state)


def test_greedily_the_same_as_recomputing_everything(model, inputs, decoded):
    features = inputs("translation")
    outputs = decoded(model, "translation", features, LENGTH)
    expected, expected_total = recomputed(model, "translation", features)
    np.testing.assert_array_equal(outputs.ids[:, 0], expected[:, : outputs.ids.shape[2]])
    assert not expected[:, outputs.ids.shape[2] :].any()
    np.testing.assert_allclose(outputs.log_probability[:, 0], expected_total, rtol=1e-3)
    assert len({tuple(row) for row in outputs.ids[:, 0].tolist()}) > 1, (
        "the outputs must depend on the inputs"
    )


def assert_same(actual, expected):
    np.testing.assert_array_equal(actual.ids, expected.ids)
    np.testing.assert_allclose(actual.log_probability, expected.log_probability, rtol=1e-3)
    np.testing.assert_allclose(actual.score, expected.score, rtol=1e-3)


def searched_again(model, problem, features):
    """`BEAM` by recomputing."""
    body = functools.partial(
        beam_search,
        Recomputed(model, problem, LENGTH),
        rules=Rules(LENGTH, 0),
        beam_size=3,
        alpha=0.6,
        every=True,
    )
    spec = tiny.PROBLEMS[problem].inputs.input_reader(None, tiny.HPARAMS).spec
    outputs = tf.function(body, input_signature=[spec], autograph=False)(features)
    return Outputs(*(x.numpy() for x in outputs))


@pytest.mark.parametrize("name", NAMES)
def test_a_search_finds_the_same_as_recomputing_everything(model, inputs, decoded, name):
    features = inputs(name)
    outputs = decoded(model, name, features, LENGTH, BEAM)
    assert_same(outputs, searched_again(model, name, features))
    ids = outputs.ids
    assert (ids[:, 1:, :2] != ids[:, :1, :2]).any() and (ids[:, 1:, 0] == ids[:, :1, 0]).any(), (
        "a beam took over"
    )


BODIES = {
    "bare": {"attention": False, "moe": "none", "shared_embedding_and_softmax_weights": True},
    "transformer": {"encoder": "transformer", "mixer": "none", "decoder": "transformer", "moe": "switch"},
    "lstm": {"encoder": "lstm", "mixer": "none", "decoder": "lstm", "moe": "dense"},
    "gru": {"encoder": "transformer", "mixer": "multimodel", "decoder": "gru", "moe": "none"},
}


@pytest.mark.parametrize("body", BODIES)
def test_other_bodies_find_the_same_as_recomputing_everything(make, inputs, decoded, body):
    """Outputs change their rows in a search, and a recurrent state with them."""
    model = make(tiny.HPARAMS.replace(num_encoder_layers=1, **BODIES[body]), ("translation",))
    features = inputs("translation", 3)
    outputs = decoded(model, "translation", features, LENGTH, BEAM)
    assert_same(outputs, searched_again(model, "translation", features))
    assert (outputs.ids[:, 1:, 0] == outputs.ids[:, :1, 0]).any(), "a beam took over"
    if body != "bare":
        greedily = decoded(model, "translation", features, LENGTH)
        expected, total = recomputed(model, "translation", features)
        np.testing.assert_array_equal(greedily.ids[:, 0], expected[:, : greedily.ids.shape[2]])
        np.testing.assert_allclose(greedily.log_probability[:, 0], total, rtol=1e-3)


def test_components_that_do_not_share_the_memory(model, inputs, decoded, monkeypatch):
    """A user's own: each sequence is given its input's."""
    features = inputs("translation", 3)
    expected = decoded(model, "translation", features, LENGTH, BEAM)
    shared = dict(decoded.functions)
    decoded.functions.clear()
    for part in (model.mixer, model.decoder):
        monkeypatch.setattr(type(part), "shares_memory", False)
    assert_same(decoded(model, "translation", features, LENGTH, BEAM), expected)
    decoded.functions.update(shared)


def alone(name, features, i):
    """One input, without the padding that it shares with the others."""
    one = {key: value[i : i + 1] for key, value in features.items()}
    if name == "translation":
        one["inputs"] = one["inputs"][:, : np.count_nonzero(one["inputs"])]
    if name == "spoken":
        one["inputs"] = one["inputs"][:, : one["inputs_length"][0]]
    return one


@pytest.mark.parametrize(
    ("name", "options"),
    [("translation", GREEDY), ("translation", SAMPLES), *((name, BEAM) for name in NAMES)],
    ids=lambda value: value if isinstance(value, str) else value.describe(),
)
def test_alone_or_in_a_batch(model, inputs, decoded, name, options):
    """Neither the other examples nor their padding matter."""
    features = inputs(name)
    together = decoded(model, name, features, LENGTH, options)
    for i in (1, 4):
        one = decoded(model, name, alone(name, features, i), LENGTH, options, rows=np.array([i], np.int32))
        width = one.ids.shape[2]
        np.testing.assert_array_equal(one.ids[0], together.ids[i, :, :width])
        assert not together.ids[i, :, width:].any()
        np.testing.assert_allclose(one.log_probability[0], together.log_probability[i], rtol=1e-3)


@pytest.mark.parametrize("options", [GREEDY, BEAM], ids=["greedy", "beam"])
def test_the_log_probability_is_the_teacher_forced_loss(model, inputs, decoded, options):
    features = inputs("translation", 4)
    outputs = decoded(model, "translation", features, LENGTH, options)
    for number in range(options.outputs):
        ids = outputs.ids[:, number]
        logits = model({**features, "targets": tf.constant(ids)}, problem="translation").logits
        for i in range(4):
            aim = tiny.objectives(model)["translation"]
            target = {"targets": ids[i : i + 1]}
            loss = aim.loss(Output(logits[i : i + 1]), target)
            assert aim.count(target) == np.count_nonzero(ids[i])
            np.testing.assert_allclose(-loss, outputs.log_probability[i, number], rtol=1e-3)


@pytest.mark.parametrize("options", [GREEDY, BEAM], ids=["greedy", "beam"])
def test_ends_and_pads(model, inputs, decoded, options):
    """Nothing comes after the end token; what doesn't end is cut; padding is never emitted."""
    lengths = set()
    for seed in range(3):
        ids = decoded(model, "translation", inputs("translation", 10, seed), LENGTH, options).ids
        for row in ids.reshape(-1, ids.shape[2]):
            used = np.count_nonzero(row)
            assert row[:used].all(), "padding was emitted"
            assert used == LENGTH or row[used - 1] == EOS
            assert EOS not in row[: used - 1]
            lengths.add(used)
    assert len(lengths) > 2


def test_never_emits_padding_even_where_it_is_likeliest(make, inputs, decoded):
    model = make(names=("translation",))
    matrix = model.target_net("translation").softmax
    features = inputs("translation", 8)
    first = decoded(model, "translation", features, 1).ids[:, 0, 0]
    # Padding now has three times the logit of what was the first example's most likely entry.
    matrix.assign(tf.tensor_scatter_nd_update(matrix.value, [[PAD]], 3 * matrix.numpy()[first[:1]]))
    logits = model({**features, "targets": tf.ones([8, 1], tf.int32)}, problem="translation").logits
    assert tf.argmax(logits[0, 0]) == PAD
    outputs = decoded(model, "translation", features, 1)
    np.testing.assert_array_equal(outputs.ids[:, 0, 0], first)
    assert outputs.log_probability[0, 0] < np.log(0.5)


def test_one_trace_for_all_sizes_and_settings(model, inputs, decoded):
    sizes = [(1, 9), (7, 4), (3, 1)]
    for (batch, width), alpha in zip(sizes, (0.0, 0.6, 1.0), strict=True):
        features = {"inputs": inputs("translation", batch)["inputs"][:, :width]}
        outputs = decoded(model, "translation", features, LENGTH, BEAM.replace(alpha=alpha, min_length=width))
        assert outputs.ids.shape[0] == outputs.score.shape[0] == batch
    traced = [function.function.experimental_get_tracing_count() for function in decoded.functions.values()]
    assert traced and set(traced) == {1}
