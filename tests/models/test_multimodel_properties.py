"""The whole model: causal, blind to padding and to its neighbours in the batch, the same step by step."""

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.layers import convolution, randomness
from t2tlite.modality import Representation

from . import tiny


@pytest.fixture(params=tiny.VARIANTS)
def model(request):
    return tiny.shared_model(request.param)


def logits(model, name, features):
    return model(features, problem=name).logits


@pytest.mark.parametrize("position", [0, 5])
def test_logits_do_not_see_the_target_they_predict_nor_later_ones(model, position):
    features = {**tiny.batch("translation"), "targets": tiny.text((9, 9, 9), 9)}
    changed = tf.tensor_scatter_nd_update(features["targets"], [[0, position]], [18])
    before = logits(model, "translation", features)
    after = logits(model, "translation", {**features, "targets": changed})
    assert changed[0, position] != features["targets"][0, position]
    assert tiny.same(after[0, : position + 1], before[0, : position + 1])
    assert not tiny.same(after[0, position + 1], before[0, position + 1])


def test_every_target_sees_the_inputs_and_the_command():
    model, features = tiny.shared_model(), tiny.batch("translation")
    other = {**features, "inputs": features["inputs"][::-1]}
    before = logits(model, "translation", features)
    assert not tiny.same(logits(model, "translation", other)[0, 0], before[0, 0])
    caption = tiny.batch("captions")
    assert not tiny.same(model.start("translation", 1), model.start("captions", 1))
    assert logits(model, "captions", caption).shape == (3, 9, tiny.VOCABULARY.size)


def pad(features, kinds):
    """More padding at the end of what has a length."""
    wider = dict(features)
    for side, kind in kinds.items():
        if kind == "text":
            wider[side] = tf.pad(features[side], [[0, 0], [0, 7]])
        if kind == "audio":
            wider[side] = tf.pad(features[side], [[0, 0], [0, 3000]])
    return wider


@pytest.mark.parametrize(
    ("variant", "name"),
    [
        *(("whole", name) for name in ("translation", "spoken", "topics", "sounds")),
        ("without_attention", "translation"),
        ("without_experts", "translation"),
        *((body, name) for body in ("transformer", "lstm", "gru") for name in ("translation", "spoken")),
    ],
)
def test_padding_changes_nothing(variant, name):
    model, features = tiny.shared_model(variant), tiny.batch(name)
    kinds = {side: feature.kind for side, feature in tiny.PROBLEMS[name].features().items()}
    before = logits(model, name, features)
    after = logits(model, name, pad(features, kinds))
    if kinds["targets"] == "text":
        valid = features["targets"] != 0
        before, after = before[valid], after[:, :9][valid]
    assert tiny.same(after, before)


@pytest.mark.parametrize("name", tiny.PROBLEMS)
def test_an_example_does_not_see_the_others_of_its_batch(name):
    model, features = tiny.shared_model(), tiny.batch(name, size=4)
    together = logits(model, name, features)
    alone = logits(model, name, {key: value[2:3] for key, value in features.items()})
    assert tiny.same(alone[0], together[2])


def test_step_by_step_is_the_whole_sequence(model):
    name, length = "captions", 7
    source, _ = model.encode(tiny.batch(name), name)
    memory = model.memory(source)
    embedded = model.target_net(name).embed_targets(tiny.text([length] * 3, length, seed=5))
    x = tf.concat([model.start(name, 3), embedded[:, :-1]], axis=1)
    whole, _, none = model.decode(x, memory, name)
    assert none is None
    state, steps = model.initial_state(3, length), []
    for t in range(length):
        step, _, state = model.decode(x[:, t : t + 1], memory, name, state=state)
        steps.append(step)
    tiny.close(tf.concat(steps, axis=1), whole)


def test_a_state_goes_on_with_several_positions_at_once():
    model = tiny.shared_model()
    source, _ = model.encode(tiny.batch("translation"), "translation")
    memory = model.memory(source)
    x = tiny.noise(3, 9, 16)
    whole, _, _ = model.decode(x, memory, "translation")
    first, _, state = model.decode(x[:, :4], memory, "translation", state=model.initial_state(3, 9))
    second, _, _ = model.decode(x[:, 4:], memory, "translation", state=state)
    tiny.close(tf.concat([first, second], axis=1), whole)


def test_inference_repeats_itself_and_training_does_not():
    model, features = tiny.shared_model(), tiny.batch("translation")
    once, again = (model(features, problem="translation").logits for _ in range(2))
    trained = [model(features, problem="translation", training=True).logits for _ in range(2)]
    tiny.close(once, again, 1e-6)
    assert not tiny.same(trained[0], trained[1])


def test_padding_is_routed_to_no_expert():
    features = tiny.batch("translation")
    experts = tiny.shared_model()(features, problem="translation").experts
    for part, side in (("encoder", "inputs"), ("decoder", "targets")):
        tokens = np.count_nonzero(features[side])
        assert tokens < features[side].numpy().size
        tiny.close(tf.reduce_sum(experts[part]["load"]), tokens * tiny.HPARAMS.moe_k)


def test_a_sequence_that_has_ended_is_routed_to_no_expert():
    model = tiny.shared_model()
    source, _ = model.encode(tiny.batch("translation"), "translation")
    going = tf.constant([[True], [False], [True]])
    _, statistics, _ = model.decode(
        model.start("translation", 3),
        model.memory(source),
        "translation",
        going,
        state=model.initial_state(3, 4),
    )
    assert tf.reduce_sum(statistics["choices"]) == 2 * tiny.HPARAMS.moe_k


@pytest.mark.parametrize("training", [True, False])
def test_every_part_is_told_whether_it_is_trained(training, monkeypatch):
    """2 blocks of the encoder, 1 of the mixer, 2 of the decoder; a mixture of experts in two of them."""
    rates, noise, normal = [], [], randomness.normal
    monkeypatch.setattr(convolution, "dropout", lambda x, rate, on: rates.append((rate, on)) or x)
    monkeypatch.setattr(randomness, "normal", lambda shape: noise.append(1) or normal(shape))
    tiny.shared_model()(tiny.batch("translation"), problem="translation", training=training)
    assert rates == [(0.1, training)] * 5 and len(noise) == (2 if training else 0)


def test_a_part_that_does_not_share_its_memory_has_one_for_each_sequence(monkeypatch):
    """Those of an input are one after the other."""
    model = tiny.shared_model()
    monkeypatch.setattr(type(model.mixer), "shares_memory", False)
    source, _ = model.encode(tiny.batch("translation"), "translation")
    of_mixer, of_decoder = model.memory(source, copies=2)
    expected = model.mixer.memory(tf.repeat(source.x, 2, axis=0), tf.repeat(source.mask, 2, axis=0))
    for one, other in zip(tf.nest.flatten(of_mixer), tf.nest.flatten(expected), strict=True):
        tiny.close(tf.cast(one, tf.float32), tf.cast(other, tf.float32), 1e-6)
    assert of_decoder[0][0].shape[0] == 3


def test_the_final_norm_is_what_the_softmax_reads(monkeypatch):
    model = tiny.model(("translation",), tiny.HPARAMS.replace(final_norm=True))
    net, read = model.target_net("translation"), []
    top = net.top
    monkeypatch.setattr(type(net), "top", lambda self, x: read.append(x.x) or top(x))
    logits(model, "translation", tiny.batch("translation"))
    norm = model.final_norm
    plain = (np.float64(read[0]) - norm.beta.numpy()) / norm.gamma.numpy()
    assert abs(plain.mean(-1)).max() < 1e-4 and abs(plain.var(-1) - 1).max() < 1e-3


def test_a_class_is_read_off_the_grid_of_a_picture():
    model, features = tiny.shared_model(), tiny.batch("pictures")
    source, _ = model.encode(features, "pictures")
    assert tuple(source.grid) == (3, 3) and source.mask is None
    net = model.target_net("pictures")
    tiny.close(logits(model, "pictures", features), net.top(Representation(source.x, None, (3, 3))))
    assert not tiny.same(net.top(Representation(source.x)), net.top(source))
