"""Problems that share what is compiled are trained and evaluated as if each had its own."""

import gc

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.training import alike, step
from t2tlite.training.evaluate import make_eval_step
from t2tlite.training.optimizers import make_optimizer
from t2tlite.training.strategy import Replicas

from ..models import tiny
from . import updates

HPARAMS = tiny.HPARAMS.replace(dropout=0.2, learning_rate=0.01, learning_rate_warmup_steps=1)
NAMES = ("to_german", "to_french", "from_french", "pictures")
BATCHES = {name: tiny.batch("pictures" if name == "pictures" else "translation") for name in NAMES}
ORDER = ("to_french", "to_german", "from_french")
SPECS = {name: updates.specs(batch) for name, batch in BATCHES.items()}


@pytest.fixture(autouse=True)
def problems(monkeypatch):
    """Three translations, of which two have a command in common."""
    for name, command in zip(NAMES, ("to_german", "to_french", "to_german"), strict=False):
        text = tiny.problem.Text
        monkeypatch.setitem(tiny.PROBLEMS, name, tiny.a_problem(name, text(), text(), command))


def test_families():
    model = tiny.model(NAMES, HPARAMS)
    translations, pictures = alike.families(model, tiny.objectives(model), SPECS)
    assert (translations.problems, pictures.problems) == (NAMES[:3], NAMES[3:])
    paths = [[variable.name for variable in alternative] for alternative in translations.alternatives]
    assert paths == [["command_to_german"], ["command_to_french"]]
    assert translations.which == {"to_german": 0, "to_french": 1, "from_french": 0}
    assert len(translations.shared) == len(model.trainable_variables) - 2
    assert (pictures.alternatives, len(pictures.shared)) == ([[]], len(model.trainable_variables))
    [value] = translations.values(tf.constant(1))
    np.testing.assert_array_equal(value, model.commands["to_french"])


def test_other_batches_are_no_family():
    longer = {**SPECS["to_french"], "inputs": tf.TensorSpec([None, 7], tf.int32)}
    model = tiny.model(NAMES, HPARAMS)
    families = alike.families(model, tiny.objectives(model), {**SPECS, "to_french": longer})
    assert [family.problems for family in families] == [
        ("to_german", "from_french"),
        ("to_french",),
        ("pictures",),
    ]


def trained(together, micro_steps):
    """Statistics and variables after some updates, with what is compiled in common or one by one."""
    model = tiny.model(NAMES[:3], HPARAMS)
    optimizer = make_optimizer(HPARAMS, model.trainable_variables)
    specs = {name: SPECS[name] for name in NAMES[:3]}
    aims = tiny.objectives(model)
    groups = [specs] if together else [{name: spec} for name, spec in specs.items()]
    figures = []
    if micro_steps == 1:
        steps = {}
        for group in groups:
            steps |= step.make_train_steps(model, optimizer, aims, 3, group)
        assert len({id(function.func) for function in steps.values()}) == (1 if together else 3)
        for number, name in enumerate(ORDER):
            figures.append(steps[name](BATCHES[name], tf.constant(number)))
    else:
        parts = [
            step.Accumulator(model, optimizer, aims, 3, group, micro_steps, Replicas()) for group in groups
        ]
        for number, name in enumerate(ORDER):
            [part] = [part for part, group in zip(parts, groups, strict=True) if name in group]
            figures += part.update([(name, BATCHES[name])] * micro_steps, number)
    return figures, [*model.variables, *optimizer.variables]


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("micro_steps", [1, 2])
def test_updates(micro_steps):
    one, variables = trained(True, micro_steps)
    two, others = trained(False, micro_steps)
    for a, b in zip(one, two, strict=True):
        for name, value in a.items():
            np.testing.assert_allclose(value, b[name], rtol=1e-5, atol=1e-6, err_msg=name)
    for a, b in zip(variables, others, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6, err_msg=a.path)


def test_a_compiled_update_leaves_the_other_commands_alone():
    model = tiny.model(NAMES, HPARAMS)
    optimizer = make_optimizer(HPARAMS, model.trainable_variables)
    specs = {name: SPECS[name] for name in NAMES[:3]}
    steps = step.make_train_steps(model, optimizer, tiny.objectives(model), 0, specs)
    before = updates.values(model)
    steps["to_french"](BATCHES["to_french"], tf.constant(0))
    after = updates.values(model)
    moved = {path.split("/")[-1] for path in before if not np.array_equal(before[path], after[path])}
    assert "command_to_french" in moved and "command_to_german" not in moved
    steps["from_french"](BATCHES["from_french"], tf.constant(1))
    last = updates.values(model)
    assert [np.array_equal(after[p], last[p]) for p in after if "command" in p and "french" in p] == [True]
    assert steps["to_french"].func is steps["from_french"].func
    gc.collect()
    graphs = [one for one in gc.get_objects() if isinstance(one, tf.Graph)]
    assert "train_step" not in [getattr(graph, "name", None) for graph in graphs], "it is forgotten"


@pytest.mark.usefixtures("eagerly")
def test_evaluation():
    model = tiny.randomise(tiny.model(NAMES, HPARAMS))
    aims = tiny.objectives(model)
    shared = make_eval_step(model, aims["to_german"], "to_german", SPECS["to_german"])
    losses = []
    for name in NAMES[:2]:
        values = [tf.convert_to_tensor(variable) for variable in model.problem_variables(name)]
        alone = make_eval_step(model, aims[name], name, SPECS[name])(BATCHES[name], values)
        for key, value in shared(BATCHES[name], values).items():
            np.testing.assert_array_equal(value, alone[key])
        losses.append(float(alone["loss"]))
    assert losses[0] != losses[1]
