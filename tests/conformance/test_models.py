"""What holds for every model that t2tlite registers, by its contracts: walks `table.MODELS`."""

import inspect
import itertools

import numpy as np
import pytest
import tensorflow as tf

from t2tlite import registry
from t2tlite.layers import randomness
from t2tlite.model import Decodable, Embeddable, Output, Trainable, ZeroShot

from ..models import tiny
from . import table


def every(contract):
    """A parametrization: `name` is each model that has the contract."""
    return pytest.mark.parametrize(
        "name", [n for n, (contracts, _) in table.MODELS.items() if contract in contracts]
    )


every_model = pytest.mark.parametrize("name", table.MODELS)
LABELS = dict.fromkeys(tiny.PROBLEMS, tiny.CLASSES)


def make_model(name, problems=None, seed=0):
    """A model of every variable drawn, for the problems of its row, or for some of them."""
    problems = [tiny.PROBLEMS[one] for one in problems or table.MODELS[name][1]]
    cls = registry.get("model", name)
    model = cls.from_problems(problems, tiny.HPARAMS.replace(model=name), tiny.VOCABULARY, LABELS)
    model.build(None)
    return tiny.randomise(model, seed)


def texts(name):
    return [one for one in table.MODELS[name][1] if tiny.PROBLEMS[one].targets.is_text]


def test_every_registered_model_has_a_row():
    assert set(table.MODELS) == table.registered("model")


@every_model
def test_it_is_what_the_row_says_and_has_the_arguments_of_the_contracts(name):
    model = make_model(name)
    for protocol in (Trainable, Embeddable, Decodable, ZeroShot):
        assert isinstance(model, protocol) == (protocol in table.MODELS[name][0])
    for protocol in table.MODELS[name][0]:
        for method in (one for one in dir(protocol) if not one.startswith("_")):
            required, has = (
                [one for one in inspect.signature(getattr(thing, method)).parameters if one != "self"]
                for thing in (protocol, model)
            )
            assert has[: len(required)] == required  # it may have further ones of its own


@every_model
def test_paths_are_different_and_do_not_depend_on_the_values(name):
    paths = [[variable.path for variable in make_model(name, seed=seed).variables] for seed in (0, 1)]
    assert paths[0] == paths[1] and len(set(paths[0])) == len(paths[0])


@every_model
def test_a_forward_pass_gives_finite_logits_and_creates_no_variable(name):
    model = make_model(name)
    before = len(model.variables)
    for problem in table.MODELS[name][1]:
        features = tiny.batch(problem)
        with randomness.scope(tf.constant([1, 2])):
            for training in (False, True):
                output = model(features, problem=problem, training=training)
                assert isinstance(output, Output) and output.logits.dtype == tf.float32
                assert output.logits.shape[:-1] == features["targets"].shape
                assert np.isfinite(output.logits).all()
                for statistics in output.experts.values():
                    assert statistics["choices"].shape.rank == 1 and statistics["balance"].loss() >= 0
    assert len(model.variables) == before


@every_model
def test_problems_computed_alike_differ_in_their_variables_alone(name):
    model = make_model(name)
    for one, other in itertools.permutations(table.MODELS[name][1], 2):
        if model.computation(one) == model.computation(other):
            features = tiny.batch(one)
            values = [tf.convert_to_tensor(variable) for variable in model.problem_variables(other)]
            with_values = model(features, problem=one, values=values).logits
            tiny.close(with_values, model(features, problem=other).logits, 1e-6)
    trainable = {variable.path for variable in model.trainable_variables}
    for problem in table.MODELS[name][1]:
        assert {variable.path for variable in model.problem_variables(problem)} <= trainable


@every(Embeddable)
def test_an_encoding_has_a_vector_for_each_position_whatever_the_padding(name):
    model = make_model(name)
    for problem in table.MODELS[name][1]:
        source, _ = model.encode(tiny.batch(problem), problem)
        assert source.x.shape.rank == 3 and (source.mask is None or source.mask.shape == source.x.shape[:2])
        if source.mask is not None:
            assert not np.asarray(source.x)[~np.asarray(source.mask)].any()


@every(Decodable)
def test_positions_one_by_one_are_the_forward_pass(name):
    model = make_model(name)
    for problem in texts(name):
        features = tiny.batch(problem)
        targets = features["targets"]
        whole = model(features, problem=problem).logits
        rows, length = targets.shape
        source, _ = model.encode(features, problem)
        memory, state = model.memory(source), model.initial_state(rows, length)
        x = model.start(problem, rows)
        for t in range(length):
            logits, _, state = model.decode(x, memory, problem, state=state)
            valid = np.asarray(targets[:, t] != 0)
            tiny.close(logits[:, 0][valid], whole[:, t][valid])
            x = model.embed(targets[:, t : t + 1], problem)


@every(ZeroShot)
def test_a_crossed_problem_reads_as_the_one_and_writes_as_the_other(name):
    model = make_model(name)
    model.add_zero_shot("crossed", "captions", "translation")
    features = {**tiny.batch("captions"), "targets": tiny.batch("translation")["targets"]}
    source, _ = model.encode(features, "crossed")
    tiny.close(source.x, model.encode(features, "captions")[0].x, 1e-6)
    rows = len(features["targets"])
    tiny.close(model.start("crossed", rows), model.start("translation", rows), 1e-6)
