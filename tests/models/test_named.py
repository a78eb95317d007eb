"""Named inputs in the model: joined along the length, told apart by their names, masked out where missing."""

import numpy as np
import pytest
import tensorflow as tf

from t2tlite import problem
from t2tlite.errors import UserError
from t2tlite.modality import Representation
from t2tlite.models.joining import join, mask_missing
from t2tlite.models.multimodel import MultiModel

from . import tiny

NAMES = ("asked", "answered", "told")


@pytest.fixture(scope="module")
def model():
    return tiny.model((*NAMES, "translation"))


def logits(model, name, features):
    return model(features, problem=name).logits.numpy()


def test_inputs_stand_one_after_the_other_and_padding_last():
    x = [tiny.noise(2, 3, 4), tiny.noise(2, 2, 4, seed=1)]
    masks = [np.array([[1, 1, 0], [1, 0, 0]], bool), np.array([[1, 0], [1, 1]], bool)]
    names = [tiny.noise(4, seed=2), tiny.noise(4, seed=3)]
    joined = join([Representation(*pair) for pair in zip(x, masks, strict=True)], names)
    for row in range(2):
        expected = [x[i][row][masks[i][row]] + names[i] for i in range(2)]
        expected = np.concatenate([*expected, np.zeros([2, 4])])
        np.testing.assert_allclose(joined.x[row], expected, rtol=1e-6)
    assert joined.mask.numpy().tolist() == [[True] * 3 + [False] * 2] * 2
    assert joined.grid is None


def test_an_input_without_a_mask_is_whole():
    joined = join(
        [Representation(tiny.noise(1, 2, 4)), Representation(tiny.noise(1, 3, 4))], [tf.zeros(4)] * 2
    )
    assert joined.mask.numpy().all() and joined.x.shape == (1, 5, 4)


def test_what_is_not_given_is_masked_out():
    masked = mask_missing(Representation(tiny.noise(2, 3, 4)), tf.constant([True, False]))
    assert masked.mask.numpy().tolist() == [[True] * 3, [False] * 3]
    assert not masked.x[1].numpy().any() and masked.x[0].numpy().all()


def test_one_input_has_no_vector_and_every_name_has_one(model):
    paths = {variable.path.partition("/")[2] for variable in model.variables}
    assert {path for path in paths if path.startswith("input")} == {
        "input_picture",
        "input_question",
        "input_sound",
        "input_hint",
    }
    one = {variable.path for variable in tiny.model(("translation",)).variables}
    assert not any("input_" in path for path in one)


def test_one_named_input_is_computed_as_an_unnamed_one(monkeypatch):
    named = problem.NamedInputs.of({"text": problem.Text()})
    monkeypatch.setitem(tiny.NAMED, "named", tiny.a_problem("named", named, problem.Text(), "to_german"))
    one, other = tiny.model(("translation",)), tiny.model(("named",))
    assert [v.path for v in one.variables] == [v.path for v in other.variables]
    features = tiny.batch("translation")
    renamed = {"inputs.text": features["inputs"], "targets": features["targets"]}
    np.testing.assert_array_equal(logits(one, "translation", features), logits(other, "named", renamed))


def pad(features, name, by):
    """More padding behind one input."""
    return features | {name: np.pad(features[name], [[0, 0], [0, by]])}


@pytest.mark.parametrize(
    ("name", "padded"),
    [
        ("asked", "inputs.question"),
        ("answered", "inputs.question"),
        *(("told", f"inputs.{one}") for one in ("sound", "question", "hint")),
    ],
)
def test_padding_of_no_input_changes_anything(model, name, padded):
    features = tiny.batch(name)
    before, after = (logits(model, name, one) for one in (features, pad(features, padded, 300)))
    valid = features["targets"] != 0 if before.ndim == 3 else slice(None)
    assert tiny.same(after[valid], before[valid])


@pytest.mark.parametrize("name", NAMES)
def test_an_example_does_not_see_the_others_of_its_batch(model, name):
    features = tiny.batch(name, size=4)
    together = logits(model, name, features)
    for row in (1, 2):  # with and without what is optional
        alone = logits(model, name, {key: value[row : row + 1] for key, value in features.items()})
        assert tiny.same(alone[0], together[row])


def test_nothing_of_a_missing_input_is_seen(model):
    features = tiny.batch("told", size=4)
    other = features | {"inputs.hint": tiny.text([4, 5, 9, 3], 9, seed=7)}
    before, after = (logits(model, "told", one) for one in (features, other))
    assert tiny.same(after[1::2], before[1::2])
    assert not tiny.same(after[::2], before[::2])


def test_without_an_optional_input_it_is_as_if_there_were_none(model, monkeypatch):
    """Also for the positions that follow it."""
    bare = problem.NamedInputs.of({"sound": problem.Audio(), "question": problem.Text()})
    monkeypatch.setitem(tiny.NAMED, "bare", tiny.a_problem("bare", bare, problem.Text(), "to_answer"))
    without = MultiModel(tiny.HPARAMS, tiny.wiring(("bare",)))
    without.build()
    trained = {variable.path: variable for variable in model.variables}
    for variable in without.variables:
        variable.assign(trained[variable.path])
    features = tiny.batch("told") | {"inputs.hint_given": tf.constant([False] * 3)}
    valid = features["targets"] != 0
    expected = logits(without, "bare", {k: v for k, v in features.items() if "hint" not in k})
    assert tiny.same(logits(model, "told", features)[valid], expected[valid])


def test_two_inputs_of_a_kind_share_their_net_and_are_told_apart(monkeypatch):
    both = problem.NamedInputs.of({"one": problem.Text(), "other": problem.Text()})
    monkeypatch.setitem(tiny.NAMED, "both", tiny.a_problem("both", both, problem.Label(), ""))
    model = tiny.model(("both",))
    assert sum("embedding" in v.path for v in model.variables) == 1
    one, other = tiny.text([5], 5), tiny.text([5], 5, seed=1)
    [before] = logits(model, "both", {"inputs.one": one, "inputs.other": other})
    swapped = {name: variable.numpy() for name, variable in model.names.items()}
    for name, of in (("inputs.one", "inputs.other"), ("inputs.other", "inputs.one")):
        model.names[name].assign(swapped[of])
    [after] = logits(model, "both", {"inputs.one": one, "inputs.other": other})
    assert not tiny.same(before, after)


@pytest.mark.parametrize("name", NAMES)
def test_every_input_and_its_name_have_a_gradient(name):
    model, features = tiny.model((name,)), tiny.batch(name)
    aim = tiny.objectives(model)[name]
    with tf.GradientTape() as tape:
        loss = aim.loss(model(features, problem=name), features)
    gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
    pairs = zip(model.trainable_variables, gradients, strict=True)
    none = [v.path for v, g in pairs if g is None or not tf.convert_to_tensor(g).numpy().any()]
    assert not [
        path for path in none if any(part in path for part in ("input_", "embedding", "image", "spec"))
    ]


def test_problems_alike_have_the_same_names(model, monkeypatch):
    assert model.computation("asked") != model.computation("answered") != model.computation("told")
    again = tiny.a_problem("again", tiny.ASKED, problem.Text(), "to_other")
    monkeypatch.setitem(tiny.NAMED, "again", again)
    both = tiny.model(("answered", "again"))
    assert both.computation("answered") == both.computation("again")


def test_without_targets_it_encodes_but_has_no_logits(monkeypatch):
    bare = tiny.a_problem("bare", problem.Text(), None, "")
    monkeypatch.setitem(tiny.PAIRS, "bare", bare)
    model, features = tiny.model(("bare",)), tiny.batch("bare")
    assert not hasattr(model, "decoder") and model.problem_variables("bare") == []
    assert model.encode(features, "bare")[0].x.shape == (3, 9, tiny.HPARAMS.hidden_size)
    with pytest.raises(UserError, match="`bare` has no targets, so this model gives no logits"):
        model(features, problem="bare")


def test_an_input_that_is_encoded_alone_is_that_of_an_example_without_the_others():
    model = tiny.model(("shown", "told"))
    features = tiny.batch("told") | {"inputs.hint_given": tf.constant([False] * 3)}
    for problem_name, batch in (("shown", tiny.batch("shown")), ("told", features)):
        for name, _ in model.wiring[problem_name].inputs[:2]:
            of_input = {key: value for key, value in batch.items() if key.startswith(name)}
            alone, _ = model.encode(of_input, problem_name, only=name)
            again, _ = model.encode(batch, problem_name, only=name)
            np.testing.assert_array_equal(alone.x, again.x)
            assert alone.x.shape[1] < model.encode(batch, problem_name)[0].x.shape[1]
