"""Warm start: which weights a new run takes from another one, and what it says of them."""

import types

import numpy as np
import pytest

from t2tlite import problem, registry
from t2tlite.checkpoints import CHECKPOINTS, averaging, checkpoint
from t2tlite.data.preparing import generate
from t2tlite.errors import UserError
from t2tlite.training import launch, paths, renaming, trainer, warm_start
from t2tlite.training.evaluate import Evaluator
from t2tlite.training.optimizers import make_optimizer

from ..models import tiny

HPARAMS = tiny.HPARAMS.replace(
    vocabulary_size=600, batch_tokens=64, batch_images=4, length_bounds=(32,), num_encoder_layers=1
)
NOTHING = types.SimpleNamespace(variables=[])


class Shouting(problem.Problem):
    """A user's problem, with a command that no other has."""

    name = "shouting"
    inputs = targets = problem.Text()
    command = "to_capitals"

    def examples(self, split, source):
        for number in range(20):
            yield {"inputs": f"a dog and {number} cats", "targets": f"A DOG AND {number} CATS"}


@pytest.fixture
def ninth(sample_data, tmp_path, monkeypatch):
    """The folder of prepared data of all problems and the user's."""
    default = registry.get.__self__
    default.names("problem")
    monkeypatch.setattr(default, "_entries", dict(default._entries))
    monkeypatch.setattr(default, "_things", dict(default._things))
    registry.register_problem("shouting")(Shouting)
    folder = tmp_path / "data"
    folder.mkdir()
    for path in sample_data.iterdir():
        (folder / path.name).symlink_to(path)
    generate.generate([registry.get_problem("shouting")], folder, "sample", progress=False, processes=1)
    return folder


def run_of(folder, data, problems, hparams=HPARAMS, **more):
    return launch.make_run(folder, problems, hparams, data, "sample", **more)


@pytest.fixture
def old(sample_data, tmp_path):
    """A run with a checkpoint of a model that was never trained."""
    run = run_of(tmp_path / "old", sample_data, "wmt_ende,imagenet")
    model = tiny.randomise(run.make_model(), seed=5)
    checkpoint.save(run.output_dir / CHECKPOINTS, 7, model, NOTHING, {}, {}, 3, {"mean": 1.0})
    return run


def rows(table):
    """{part: (loaded, new, left)} of a table."""
    lines = [line.split() for line in table.splitlines()[2:]]
    return {line[0]: tuple(int(n.replace(",", "").replace("-", "0")) for n in line[1:]) for line in lines}


def size(model, part):
    return sum(int(np.prod(v.shape)) for v in model.variables if v.path.split("/")[1] == part)


def test_a_ninth_problem_is_added_to_a_trained_model(ninth, tmp_path, eagerly):
    """The old problems' losses are at step 0 what they were, and training goes on from there."""
    old = run_of(tmp_path / "old", ninth, "wmt_ende,imagenet")
    trainer.Trainer(old, trainer.Intervals(4, evaluate=0, eval_steps=1), try_first=False).train()
    new = run_of(
        tmp_path / "new", ninth, "wmt_ende,imagenet,shouting", vocab=tmp_path / "old" / "vocabulary.model"
    )
    model = new.make_model()
    loaded = rows(warm_start.load(tmp_path / "old", model))
    before = Evaluator(old, old.restore_model())
    after = Evaluator(new, model)
    for name in old.problems:
        assert before.evaluate(name, "validation") == after.evaluate(name, "validation")
    assert loaded["command_to_capitals"] == (0, HPARAMS.hidden_size, 0)
    assert loaded["all"] == (size_of(old.make_model()), HPARAMS.hidden_size, 0)
    assert np.isfinite(after.evaluate("shouting", "validation")["loss"])


def size_of(model):
    return sum(int(np.prod(v.shape)) for v in model.variables)


def test_parts_are_loaded_new_or_left(old, sample_data, tmp_path):
    new = run_of(
        tmp_path / "new", sample_data, "wmt_enfr,wsj_speech", vocab=old.output_dir / "vocabulary.model"
    )
    model, other = new.make_model(), old.restore_model()
    untouched = {v.path: v.numpy() for v in model.variables}
    loaded = rows(warm_start.load(old.output_dir, model))
    language = f"language_{old.vocabulary.fingerprint[:8]}"
    for part in ("encoder", "mixer", "decoder", language):
        assert loaded[part] == (size(model, part), 0, 0), part
    assert loaded["spectral"] == (0, size(model, "spectral"), 0)
    assert loaded["image"] == (0, 0, size(other, "image"))
    assert loaded["command_to_german"] == (0, 0, HPARAMS.hidden_size)
    assert loaded["command_to_french"] == (0, HPARAMS.hidden_size, 0)
    values = {v.path: v.numpy() for v in other.variables}
    for variable in model.variables:
        expected = values.get(variable.path, untouched[variable.path])
        np.testing.assert_array_equal(variable, expected, err_msg=variable.path)


def test_another_vocabulary_is_another_language_net(old, sample_data, tmp_path):
    new = run_of(tmp_path / "new", sample_data, "wmt_ende", HPARAMS.replace(vocabulary_size=400))
    model = new.make_model()
    loaded = rows(warm_start.load(old.output_dir, model))
    language = f"language_{new.vocabulary.fingerprint[:8]}"
    assert loaded[language] == (0, size(model, language), 0)
    assert loaded[f"language_{old.vocabulary.fingerprint[:8]}"][2] > 0
    assert loaded["encoder"][1:] == (0, 0)


def test_a_part_of_another_shape_is_new(old, sample_data, tmp_path):
    new = run_of(tmp_path / "new", sample_data, "imagenet", HPARAMS.replace(image_widths=(4, 6, 8, 16)))
    report = rows(warm_start.load(old.output_dir, new.make_model()))
    loaded, fresh, left = report["image"]
    assert loaded > 0 and fresh > left > 0


def test_parts_under_another_name(old, sample_data, tmp_path):
    """Other parts and other blocks; what isn't renamed is loaded as ever."""
    hparams = HPARAMS.replace(num_encoder_layers=2)
    new = run_of(
        tmp_path / "new", sample_data, "wmt_enfr", hparams, vocab=old.output_dir / "vocabulary.model"
    )
    model = new.make_model()
    renames = [
        renaming.Rename("encoder/block0", "encoder/block1"),
        renaming.Rename("command_to_german", "command_to_french"),
    ]
    loaded = rows(warm_start.load(old.output_dir, model, renames))
    values = {v.path: v.numpy() for v in old.restore_model().variables}
    for variable in model.variables:
        name = paths.within(variable.path)
        there = name.replace("encoder/block1", "encoder/block0").replace("to_french", "to_german")
        expected = values.get(variable.path.replace(name, there))
        if not name.startswith("encoder/block0"):
            np.testing.assert_array_equal(variable, expected, err_msg=variable.path)
    block = sum(int(np.prod(v.shape)) for v in model.variables if "encoder/block0" in v.path)
    assert loaded["command_to_german:command_to_french"] == (HPARAMS.hidden_size, 0, 0)
    assert loaded["encoder"] == (size(model, "encoder") - block, block, 0)


def test_a_part_renamed_to_one_that_does_not_fit(old):
    model = old.make_model()
    with pytest.raises(UserError, match="that `mixer:nowhere` renames fits this model"):
        warm_start.load(old.output_dir, model, [renaming.Rename("mixer", "nowhere")])
    with pytest.raises(UserError, match="`mixr:a` renames nothing.*did you mean `mixer`"):
        warm_start.load(old.output_dir, model, [renaming.Rename("mixr", "a")])


def test_moving_averages_under_another_name(old):
    hparams = HPARAMS.replace(ema_decay=0.5)
    model = old.make_model()
    optimizer = make_optimizer(hparams, model.trainable_variables)
    for variable, average in optimizer.averages():
        average.assign(np.full(average.shape, 0.25 if "gamma" in variable.path else 0.75, np.float32))
    checkpoint.save(old.output_dir / CHECKPOINTS, 8, model, optimizer, {}, {}, 3)
    warm_start.load(
        old.output_dir, model, [renaming.Rename("*/gamma", "*/beta"), renaming.Rename("*/beta", "*/gamma")]
    )
    for variable in model.trainable_variables:
        expected = 0.25 if "beta" in variable.path else 0.75
        assert np.all(variable.numpy() == expected), variable.path


def test_moving_averages_are_what_is_loaded(old):
    hparams = HPARAMS.replace(ema_decay=0.5)
    model = old.make_model()
    optimizer = make_optimizer(hparams, model.trainable_variables)
    for _, average in optimizer.averages():
        average.assign(np.full(average.shape, 0.25, np.float32))
    checkpoint.save(old.output_dir / CHECKPOINTS, 8, model, optimizer, {}, {}, 3)
    warm_start.load(old.output_dir, model)
    assert all(np.all(v.numpy() == 0.25) for v in model.trainable_variables)


def test_where_it_may_come_from(old, tmp_path, monkeypatch):
    folder = old.output_dir / CHECKPOINTS
    for source, path in (
        (old.output_dir, folder / "step-00000007"),
        (folder / "step-00000007", folder / "step-00000007"),
        (folder / "best" / "mean" / "step-00000007", folder / "best" / "mean" / "step-00000007"),
    ):
        assert warm_start.find(source) == warm_start.Source(path, old.output_dir)
        assert warm_start.vocabulary(source).fingerprint == old.vocabulary.fingerprint
    averaging.average([folder / "step-00000007"] * 2, tmp_path / "average")
    assert warm_start.find(tmp_path / "average").run is None
    assert warm_start.vocabulary(tmp_path / "average") is None
    monkeypatch.chdir(tmp_path)
    assert warm_start.find("old").run == old.output_dir


def test_mistakes(old, sample_data, tmp_path):
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(UserError, match="holds no checkpoint yet"):
        warm_start.find(tmp_path)
    for path in (tmp_path / "none", old.output_dir / CHECKPOINTS):
        with pytest.raises(UserError, match="is neither the --output_dir of a t2t-train nor a checkpoint"):
            warm_start.find(path)
    wider = run_of(
        tmp_path / "new",
        sample_data,
        "wsj_speech",
        HPARAMS.replace(hidden_size=32, filter_size=16, moe_num_experts=2),
    )
    with pytest.raises(UserError, match="nothing of .*step-00000007 fits this model: .*--hparams_set"):
        warm_start.load(old.output_dir, wider.make_model())
    with pytest.raises(UserError, match="is neither"):
        warm_start.check(tmp_path / "none", tmp_path / "new")
    warm_start.check(tmp_path / "none", old.output_dir)  # it has begun, and needs it no more
