"""Energy, by a restricted Boltzmann machine in a user's folder whose likelihood can be enumerated."""

import itertools
import json
import pathlib
import zlib

import numpy as np
import pytest
import tensorflow as tf

from t2tlite import hparam, objective, registry
from t2tlite.bin import t2t_eval, t2t_train
from t2tlite.errors import UserError
from t2tlite.layers import randomness
from t2tlite.model import EnergyBased, Trainable
from t2tlite.run import Run
from t2tlite.training.evaluate import Evaluator
from t2tlite.training.optimizers import make_optimizer

from ..bin.runs import flags
from ..models import tiny
from ..rewind import killed_after
from ..training import updates

FOLDER = pathlib.Path(__file__).parents[1] / "models" / "usr_rbm"
NAME = "bars_and_stripes"
STATES = np.array(list(itertools.product((0.0, 1.0), repeat=9)), np.float32)  # all there are


@pytest.fixture(scope="module", autouse=True)
def folder(registered_here_only):
    with registered_here_only("boltzmann"):
        registry.import_usr_dir(str(FOLDER))
        yield


def make_machine(**changes):
    """The machine, every variable drawn, and the objective of its problem, by name."""
    hparams = hparam.get("multimodel_tiny").replace(
        model="rbm",
        learning_rate=0.01,
        learning_rate_schedule="constant",
        learning_rate_warmup_steps=0,
        clip_grad_norm=0.0,
        **changes,
    )
    model = registry.get("model", "rbm")(hparams, 9)
    model.build(None)
    tiny.randomise(model)
    model.states_of_chains.assign(patterns(hparams.rbm_chains))
    return model, objective.all_of({NAME: registry.get_problem(NAME)}, hparams)


def patterns(rows, seed=0):
    return np.random.default_rng(seed).integers(0, 2, (rows, 9)).astype(np.float32)


def data():
    examples = registry.get_problem(NAME).examples("train", "sample")
    return {"inputs": tf.constant([example["inputs"] for example in examples], tf.float32)}


def log_likelihood(model, states):
    """The mean of states in nats, by all states that there are, in float64."""
    weight, visible, hidden = (np.float64(v) for v in (model.weight, model.visible_bias, model.hidden_bias))

    def negative_energy(x):
        return x @ visible + np.logaddexp(0, x @ weight + hidden).sum(axis=1)

    of_all = negative_energy(STATES)
    return (
        negative_energy(np.asarray(states)).mean()
        - np.log(np.exp(of_all - of_all.max()).sum())
        - of_all.max()
    )


@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize("steps", [1, 3])
def test_the_gradient_is_that_of_contrastive_divergence(persistent, steps):
    model, aims = make_machine(energy_persistent=persistent, energy_chain_steps=steps)
    features, seed = {"inputs": tf.constant(patterns(7, seed=1))}, tf.constant([3, 4])
    with tf.GradientTape() as tape, randomness.scope(seed):
        output = aims[NAME].forward(model, features, NAME, training=True)
        loss = aims[NAME].loss(output, features)
    variables = [v.value for v in (model.weight, model.visible_bias, model.hidden_bias)]
    gradients = tape.gradient(loss, variables)
    with randomness.scope(seed):
        if persistent:
            states = model.states_of_chains
            with randomness.scope(randomness.next_seed()):
                for _ in range(steps):
                    states = model.transition(states, NAME)
            np.testing.assert_array_equal(output.carried[model.states_of_chains.path], states)
        else:
            states = features["inputs"]
            for _ in range(steps):
                states = model.transition(states, NAME)
            assert output.carried == {}
    assert not np.array_equal(states, features["inputs"] if not persistent else model.states_of_chains)
    weight, hidden_bias = np.float64(variables[0]), np.float64(variables[2])
    means = []
    for x in (np.float64(features["inputs"]), np.float64(states)):
        hidden = 1 / (1 + np.exp(-(x @ weight + hidden_bias)))
        means.append([x.T @ hidden / len(x), x.mean(axis=0), hidden.mean(axis=0)])
    for gradient, of_data, of_states in zip(gradients, *means, strict=True):
        tiny.close(gradient, 7 * (of_states - of_data), 1e-5)


def test_a_transition_leaves_the_distribution_as_it_is():
    """The chance of each next state, of states that are drawn from the model."""
    model, _ = make_machine(rbm_hidden_units=2)
    weight, visible, hidden = (np.float64(v) for v in (model.weight, model.visible_bias, model.hidden_bias))
    log = STATES @ visible + np.logaddexp(0, STATES @ weight + hidden).sum(axis=1)
    expected = np.exp(log - log.max()) / np.exp(log - log.max()).sum()
    drawn = np.random.default_rng(0).choice(len(STATES), 40000, p=expected)
    with randomness.scope(tf.constant([1, 2])):
        moved = model.transition(tf.constant(STATES[drawn]), NAME).numpy()
    assert (moved != STATES[drawn]).any(axis=1).mean() > 0.5
    np.testing.assert_allclose(moved.mean(axis=0), expected @ STATES, atol=0.02)
    np.testing.assert_allclose(
        np.cov(moved.T, bias=True), np.cov(STATES.T, aweights=expected, bias=True), atol=0.02
    )


@pytest.mark.parametrize(("persistent", "steps"), [(False, 1), (True, 5)])
def test_the_likelihood_rises(persistent, steps):
    """From less than that of chance to near that of the patterns alone, which have 1 / 14 each."""
    model, aims = make_machine(energy_persistent=persistent, energy_chain_steps=steps, rbm_chains=200)
    features = data()
    before = log_likelihood(model, features["inputs"])
    optimizer = make_optimizer(model.hparams, model.trainable_variables)
    spec = {NAME: updates.specs(features)}
    update = updates.make_train_steps(model, optimizer, aims, 0, spec)[NAME]
    for number in range(1000):
        update(features, tf.constant(number))
    after = log_likelihood(model, features["inputs"])
    assert before < -9 * np.log(2) < np.log(1 / 14) - 1.3 < after < np.log(1 / 14)


def micro_steps(model, aims, features, number, step=0):
    spec = {NAME: updates.specs(features)}
    recorder = updates.Recorder()
    if number == 1:
        updates.make_train_steps(model, recorder, aims, 0, spec)[NAME](features, tf.constant(step))
    else:
        accumulator = updates.Accumulator(model, recorder, aims, 0, spec, number, updates.Replicas())
        accumulator.update([(NAME, features)] * number, step)


@pytest.mark.parametrize("number", [1, 2])
def test_chains_go_on_at_every_micro_step(eagerly, number):
    model, aims = make_machine(energy_persistent=True)
    expected = model.states_of_chains.numpy()
    for micro_step in range(3 * number, 4 * number):
        with randomness.scope(tf.constant([zlib.crc32(NAME.encode()) & 0x7FFFFFFF, micro_step])):
            with randomness.scope(randomness.next_seed()):
                expected = model.transition(tf.constant(expected), NAME).numpy()
    micro_steps(model, aims, data(), number, step=3)
    np.testing.assert_array_equal(model.states_of_chains, expected)


@pytest.mark.parametrize("number", [1, 2])
def test_chains_stay_where_the_loss_is_not_finite(eagerly, number):
    model, aims = make_machine(energy_persistent=True)
    before = model.states_of_chains.numpy()
    micro_steps(model, aims, {"inputs": tf.fill([3, 9], np.nan)}, number)
    np.testing.assert_array_equal(model.states_of_chains, before)


@pytest.fixture(scope="module")
def train(tmp_path_factory):
    """A function of a name and how many updates: the run's folder."""
    base = tmp_path_factory.mktemp("energy")
    data_dir = base / "data"

    def trained(name, steps, hparams="", **more):
        folder = base / name
        hparams = f"model=rbm,batch_tokens=6,energy_persistent=True{hparams}"
        more = {"t2t_usr_dir": FOLDER, **more}
        assert t2t_train.main(flags(folder, data_dir, NAME, steps, hparams, **more)) == 0
        return folder

    return trained


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_run_resumes_exactly_with_its_chains(train, eagerly, accumulate):
    """And a dry run moves no chain."""
    hparams = f",accumulate={accumulate}"
    whole = train(f"whole{accumulate}", 4, hparams, dry_run=True)
    killed_after(3, whole, whole.with_name(f"killed{accumulate}"))
    parted = train(f"killed{accumulate}", 4, hparams)
    one, other = (Run.load(folder).restore_model() for folder in (whole, parted))
    assert one.states_of_chains.numpy().any()
    for variable, again in zip(one.variables, other.variables, strict=True):
        np.testing.assert_array_equal(variable, again, err_msg=variable.path)


def test_an_evaluation_is_the_same_again_and_moves_nothing(train, eagerly, tmp_path):
    run = Run.load(train("evaluated", 3))
    model, path = run.restore_model(), tmp_path / "scores.jsonl"
    assert isinstance(model, Trainable) and isinstance(model, EnergyBased)
    before = model.states_of_chains.numpy()
    figures = [Evaluator(run, model).evaluate(NAME, "validation") for _ in range(2)]
    assert figures[0] == figures[1] and figures[0]["sequences"] == 14
    assert figures[0]["loss"] == pytest.approx(figures[0]["data_energy"] - figures[0]["state_energy"])
    np.testing.assert_array_equal(model.states_of_chains, before)
    arguments = [f"--output_dir={run.output_dir}", "--split=validation", f"--output_file={path}"]
    assert t2t_eval.main(arguments) == 0
    [line] = [json.loads(line) for line in path.read_text().splitlines()]
    assert {name: line[name] for name in figures[0]} == figures[0]


def test_other_models_are_refused(monkeypatch):
    model, aims = make_machine(energy_persistent=True)
    monkeypatch.setattr(type(model), "chains", lambda self, problem: None)
    with pytest.raises(UserError, match="`rbm` has no chains of problem `bars_and_stripes`; use --hparams="):
        aims[NAME].forward(model, data(), NAME, training=True)
    with pytest.raises(UserError, match="needs a model that is `EnergyBased`.*and `rbm` is not"):
        aims[NAME].forward(None, data(), NAME, training=True)
