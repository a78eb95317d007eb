"""Stages of a run: how they are read, what each trains, and and that a run goes on exactly."""

import json
import shutil

import keras
import numpy as np
import pytest

from t2tlite.checkpoints import CHECKPOINTS
from t2tlite.checkpoints.averaging import Stored
from t2tlite.errors import UserError
from t2tlite.training import launch, paths, stages, trainer
from t2tlite.training.log import NoLog
from t2tlite.training.renaming import Rename

from ..models import tiny
from ..rewind import killed_after

HPARAMS = tiny.HPARAMS.replace(
    num_encoder_layers=1,
    num_decoder_layers=1,
    vocabulary_size=600,
    batch_tokens=64,
    batch_images=2,
    image_size=32,
    length_bounds=(32,),
    learning_rate=0.01,
    learning_rate_warmup_steps=2,
    learning_rate_schedule="rsqrt",
    ema_decay=0.9,
)


def read(*texts, **changes):
    return stages.of(HPARAMS.replace(stages=texts, **changes))


def test_without_stages_there_is_one():
    assert read(learning_rate_decay_steps=7) == (stages.Stage(0, (), 0.01, 7),)
    assert read(freeze=("encoder",)) == (
        stages.Stage(0, ("encoder",), 0.01, HPARAMS.learning_rate_decay_steps),
    )


def test_a_stage_takes_from_the_hyperparameters_what_it_does_not_name():
    read_stages = read(
        "@0 freeze=* freeze=-image",
        "@20 learning_rate=3e-4",
        "@30 freeze= from='/some where' map=a/*:b/* map=c:d",
        freeze=("mixer",),
        learning_rate_decay_steps=50,
    )
    assert read_stages == (
        stages.Stage(0, ("*", "-image"), 0.01, 50),
        stages.Stage(20, ("mixer",), 3e-4, 50),
        stages.Stage(30, (), 0.01, 50, "/some where", (Rename("a/*", "b/*"), Rename("c", "d"))),
    )
    assert [stages.at(read_stages, step).start for step in (0, 19, 20, 29, 30, 1000)] == [
        0,
        0,
        20,
        20,
        30,
        30,
    ]


def test_a_cosine_schedule_ends_with_its_stage():
    cosine = {"learning_rate_schedule": "cosine", "learning_rate_decay_steps": 100}
    assert [stage.decay_steps for stage in read("@0", "@20", "@30", **cosine)] == [20, 10, 70]
    assert read(**cosine)[0].decay_steps == 100
    with pytest.raises(UserError, match="@100: begins when the schedule `cosine` has ended; raise learning"):
        read("@0", "@100", **cosine)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["freeze=encoder"], "`freeze=encoder` is no step"),
        (["@5"], "the first stage begins at @0"),
        (["@0", "@5", "@5"], "must begin after @5"),
        (["@0", "@-5"], "`@-5` is no step"),
        (["@0 freez=a"], "no `freez`; did you mean `freeze`"),
        (["@0 encoder"], "no `encoder`"),
        (["@0 learning_rate=0"], "no number above 0"),
        (["@0 learning_rate=nan"], "no number above 0"),
        (["@0 learning_rate=1 learning_rate=2"], "given twice"),
        (["@0 from=/a"], "--warm_start_from=/a"),
        (["@0", "@1 map=a:b"], "map= is of what comes from"),
        (["@0", "@1 from=/a map=b"], "expected OLD:NEW"),
        (["@0 freeze='a"], "No closing quotation"),
    ],
)
def test_what_can_not_be_read(texts, message):
    with pytest.raises(UserError, match=message) as caught:
        read(*texts)
    assert "\n" not in str(caught.value)


STAGES = (
    "@0 freeze=* freeze=-image freeze=-categorical_*",
    "@3 freeze=encoder learning_rate=0.002",
    "@5 freeze=",
)


def train(folder, data, steps, problems="imagenet", every=2, warm_start_from=None, **changes):
    """The trainer after so many updates, and what it said."""
    keras.utils.set_random_seed(0)
    hparams = HPARAMS.replace(**changes)
    run = launch.make_run(folder, problems, hparams, data, "sample", warm_start_from=warm_start_from)
    intervals = trainer.Intervals(steps, save=every, keep=99, log=1, evaluate=0, eval_steps=1)
    loop = trainer.Trainer(run, intervals, try_first=False)
    loop.train()
    return loop


def figures(folder):
    """The lines of metrics.jsonl without how fast it was."""
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def weights(folder, step):
    """Of a checkpoint, of model and optimizer."""
    stored = Stored(folder / CHECKPOINTS / f"step-{step:08d}")
    return {key: stored.value(key) for key in stored.shapes if key.startswith(("model/", "optimizer/"))}


@pytest.fixture(scope="module")
def whole(sample_data, tmp_path_factory, eager):
    """A run through all stages that was never interrupted, with a checkpoint after each update."""
    folder = tmp_path_factory.mktemp("whole")
    with eager():
        train(folder, sample_data, 7, every=1, stages=STAGES)
    return folder


def moved(folder, before, after):
    """The parts of the model that differ between two checkpoints."""
    one, other = weights(folder, before), weights(folder, after)
    keys = [key for key in one if key.startswith("model/") and not np.array_equal(one[key], other[key])]
    return {key.split(".S")[1].split("_0")[0].split("/")[0] for key in keys}


def test_each_stage_trains_what_it_names(whole):
    nets = {"image"}
    for before, after, parts in ((1, 3, nets), (3, 5, nets), (5, 7, nets | {"encoder"})):
        moved_parts = {part for part in moved(whole, before, after) if not part.startswith("categorical")}
        assert moved_parts == parts
        assert len(moved(whole, before, after)) == len(parts) + 1


def test_a_stage_begins_with_a_new_optimizer(whole):
    """Its schedule warms up again, to its own rate, and its averages are of its own updates."""
    rates = [line["learning_rate"] for line in figures(whole) if line["split"] == "train"]
    # After each update: the rate that the next one of the stage would have, warming up over 2.
    decayed = (2 / 3) ** 0.5
    expected = [0.01, 0.01, 0.01 * decayed, 0.002, 0.002, 0.01, 0.01]
    np.testing.assert_allclose(rates, expected, rtol=1e-5)
    after = weights(whole, 4)
    for key, value in after.items():
        if key.startswith("optimizer/") and "iteration" in key:
            assert value == 1
        if "_average/" in key:
            path = key.partition(".S")[2].removesuffix("_average/.ATTRIBUTES/VARIABLE_VALUE")
            [name] = [k for k in after if k.startswith("model/") and _flat(k) == path]
            np.testing.assert_array_equal(value, after[name])


def _flat(key):
    return key.removeprefix("model/").removesuffix("/.ATTRIBUTES/VARIABLE_VALUE").replace(".S", "_")


@pytest.mark.parametrize("cut", [3, 4])
@pytest.mark.usefixtures("eagerly")
def test_a_run_goes_on_exactly(whole, sample_data, tmp_path, cut):
    """Cut between two stages and within one."""
    folder = killed_after(cut, whole, tmp_path / "run")
    train(folder, sample_data, 6, every=99, stages=STAGES)
    lines = [line for line in figures(whole) if line["step"] <= 6 and line["split"] == "train"]
    assert [line for line in figures(folder) if line["split"] == "train"] == lines
    expected = weights(whole, 6)
    for key, value in weights(folder, 6).items():
        np.testing.assert_array_equal(value, expected[key], err_msg=key)


@pytest.mark.usefixtures("eagerly")
def test_a_run_goes_back_to_the_beginning_of_a_stage(whole, sample_data, tmp_path):
    """The optimizer, restored as it was before the stage, begins anew again."""
    folder = killed_after(3, whole, tmp_path / "run")
    loop = train(folder, sample_data, 4, every=99, stages=STAGES)
    shutil.rmtree(folder / CHECKPOINTS / "step-00000004")
    loop.log = NoLog()
    loop._go_back("for a test")
    assert loop.step == int(loop.optimizer.iterations) == 3
    assert not loop._updates.enter(3), "the functions are those of this stage"
    assert int(loop.optimizer.iterations) == 0
    assert all(np.all(variable.numpy() == 0) for variable in loop.optimizer.variables)


@pytest.mark.usefixtures("eagerly")
def test_a_stage_from_another_run(whole, sample_data, tmp_path):
    """Its weights come once, where the stage begins, also in a run that was cut there; with micro-steps."""
    source = whole / CHECKPOINTS / "step-00000002"
    changes = {"accumulate": 2, "stages": ("@0", f"@1 from={source} freeze=encoder")}
    output_dir = train(tmp_path / "one", sample_data, 2, every=1, **changes)
    killed_after(1, tmp_path / "one", tmp_path / "cut")
    train(tmp_path / "cut", sample_data, 2, every=1, **changes)
    one, cut = (weights(tmp_path / name, 2) for name in ("one", "cut"))
    for key, value in one.items():
        np.testing.assert_array_equal(value, cut[key], err_msg=key)
    stored = Stored(source)  # it holds averages, which are what is taken
    for variable in output_dir.model.trainable_variables:
        came = stored.value(stored.averages[variable.path.replace("/", "_")])
        assert np.array_equal(variable, came) == (paths.part(variable.path) == "encoder")


def test_what_a_stage_begins_with_is_looked_for_at_the_start(sample_data, tmp_path):
    with pytest.raises(UserError, match="a stage's from=/nowhere is neither"):
        train(tmp_path, sample_data, 1, stages=("@0", "@1 from=/nowhere"))


def test_another_freeze_is_another_run(sample_data, tmp_path, eagerly):
    train(tmp_path, sample_data, 1, freeze=("encoder",))
    for changes in ({}, {"freeze": ("image",)}, {"freeze": ("encoder",), "stages": ("@0",)}):
        with pytest.raises(UserError, match="holds a run with .*as it was, or .*--warm_start_from="):
            train(tmp_path, sample_data, 2, **changes)


def test_a_pattern_that_matches_nothing_ends_the_run_before_it_begins(sample_data, tmp_path):
    for stage in ("@0", "@5"):
        texts = ("@0", "@5 freeze=encodr") if stage == "@5" else ("@0 freeze=encodr",)
        with pytest.raises(UserError, match="did you mean `encoder`"):
            train(tmp_path, sample_data, 1, stages=texts)


def test_what_is_said_and_which_stage_the_dry_run_tries(sample_data, tmp_path, eagerly, capsys, monkeypatch):
    tried = []
    monkeypatch.setattr(
        trainer.dry_run, "check", lambda run, model, o, updates, r: tried.append(updates._stage)
    )
    run = launch.make_run(tmp_path, "imagenet", HPARAMS.replace(stages=STAGES), sample_data, "sample")
    trainer.Trainer(run, trainer.Intervals(1, evaluate=0, eval_steps=1)).train()
    assert [stage.start for stage in tried] == [5]
    err = capsys.readouterr().err
    assert "stage 1 of 3, from step 0, learning rate 0.01; parameters:" in err
    [line] = [line for line in err.splitlines() if line.startswith("  encoder ")]
    assert line.split()[1] == "-" and "stage 2" not in err
