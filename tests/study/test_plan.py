"""The runs of an experiment as commands, without running any."""

import json

import pytest

from t2tlite import experiment, registry
from t2tlite.bin import t2t_datagen, t2t_eval, t2t_train
from t2tlite.errors import UserError
from t2tlite.experiment import Column, Row, Table, Training
from t2tlite.study import report


def flags(argv):
    return dict(flag.removeprefix("--").split("=", 1) for flag in argv if "=" in flag)


def hparams(argv):
    return dict(one.split("=") for one in flags(argv)["hparams"].split(","))


def test_runs_of_a_seed_come_before_those_of_the_next(plan):
    names = [job.name for job in plan(seeds=(0, 7)).jobs()]
    first = ["alone-seed0", "two-seed0", "all-seed0", "small-seed0", "small_minutes-seed0"]
    assert names == first + [name.replace("seed0", "seed7") for name in first]


def test_commands_are_those_of_t2t_train_and_t2t_eval(plan, tmp_path):
    made = plan(hparams="hidden_size=64", fraction="wsj_parsing:0.1,imagenet:0.5", usr_dirs=("/mine",))
    alone, two, together, small, _ = made.jobs()
    for job in (alone, two, together, small):
        train, evaluate = t2t_train.COMMAND.parse(job.train), t2t_eval.COMMAND.parse(job.evaluate)
        assert train.output_dir == evaluate.output_dir == str(tmp_path / "runs" / job.name)
        assert train.vocab == str(tmp_path / "vocabulary.model") and train.t2t_usr_dir == ["/mine"]
        assert train.data_dir == str(tmp_path / "data") and train.seed == 0
        assert hparams(job.train)["hidden_size"] == "64" and hparams(job.train)["max_left_out"] == "1.0"
        assert evaluate.split == "test" and evaluate.limit == evaluate.eval_steps == 0
    assert [job.updates for job in (alone, two, together, small)] == [100, 200, 300, 300]
    assert [flags(job.train)["train_steps"] for job in (alone, two, together)] == ["100", "200", "300"]
    assert [hparams(job.train)["learning_rate_decay_steps"] for job in (alone, two)] == ["100", "200"]
    assert flags(alone.train)["fraction"] == "wsj_parsing:0.1"
    assert flags(two.train)["fraction"] == "wsj_parsing:0.1,imagenet:0.5"
    assert hparams(small.train)["moe"] == "none" and "moe" not in hparams(together.train)
    data = t2t_datagen.COMMAND.parse(made.data_command())
    assert data.problems == "wsj_parsing,imagenet,wmt_ende" and data.vocabulary_size == 2048
    assert data.vocab == flags(alone.train)["vocab"] and data.fraction == "wsj_parsing:0.1,imagenet:0.5"


def test_only_what_tables_show_is_evaluated_and_decoded(plan):
    alone, _, together, small, _ = plan().jobs()
    assert flags(alone.evaluate)["problems"] == "wsj_parsing" and "--nodecoded" not in alone.evaluate
    assert flags(together.evaluate)["problems"] == "wsj_parsing,imagenet,wmt_ende"
    assert "--nodecoded" in small.evaluate


def test_what_a_user_asks_for_wins(plan):
    job = plan(hparams="learning_rate_decay_steps=7,max_left_out=0.5").jobs()[0]
    assert hparams(job.train)["learning_rate_decay_steps"] == "7"
    assert hparams(job.train)["max_left_out"] == "0.5"


def test_what_is_compared_wins_over_that(plan):
    _, _, together, small, _ = plan(hparams="moe=dense").jobs()
    assert hparams(together.train)["moe"] == "dense" and hparams(small.train)["moe"] == "none"


def test_other_mixings_are_counted(plan, tmp_path):
    mixing = "mixing=wsj_parsing:2 imagenet:1 wmt_ende:1"
    alone, two, together, *_ = plan(hparams=mixing, updates_per_problem=80).jobs()
    assert [alone.updates, two.updates, together.updates] == [120, 180, 240]
    assert hparams(two.train)["mixing"] == "wsj_parsing:120 imagenet:60"
    assert hparams(together.train)["mixing"] == "wsj_parsing:2 imagenet:1 wmt_ende:1"
    made = plan(hparams="mixing=proportional", fraction="wsj_parsing:0.1")
    with pytest.raises(UserError, match="needs the sizes of the corpora"):
        made.jobs()
    for name, size in (("wsj_parsing", 1000), ("imagenet", 100), ("wmt_en_de", 200), ("wmt_ende", 200)):
        (tmp_path / "data" / name).mkdir(parents=True)
        manifest = {"splits": {"train": {"examples": size}}}
        (tmp_path / "data" / name / "manifest.json").write_text(json.dumps(manifest))
    assert [job.updates for job in made.jobs()[:3]] == [75, 150, 300]  # 100, 100 and 200 examples


def test_equal_minutes_follow_from_measured_times(plan, pretended):
    made = plan()
    *_, together, small, timed = made.jobs()
    assert timed.waits_for == ("all-seed0", "small-seed0") and not timed.train
    assert "# small_minutes-seed0: as many updates" in "\n".join(report.commands(made))
    pretended(together, {}, seconds=90.0)
    pretended(small, {}, seconds=60.0)
    timed = made.jobs()[-1]
    assert timed.updates == 450 and flags(timed.train)["train_steps"] == "450" and not timed.waits_for
    assert hparams(timed.train)["learning_rate_decay_steps"] == "450"


def broken(**methods):
    given = {
        "trainings": lambda self, problems, hparams: [Training("one", problems)],
        "tables": lambda self, problems, hparams: [Table("T", [Row(problems[0])], [Column("c", "one")])],
    }
    registry.register_experiment("broken")(type("Broken", (experiment.Experiment,), {**given, **methods}))


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ({"trainings": lambda s, p, h: [Training("one", ("vqa",))]}, "learns `vqa`, which is not among"),
        ({"trainings": lambda s, p, h: [Training("a/b", p)]}, "needs a name fit for a folder"),
        ({"trainings": lambda s, p, h: [Training("one", p), Training("two", p)]}, "no table shows .* `two`"),
        ({"trainings": lambda s, p, h: [Training("other", p)]}, "no table shows training `other`"),
        ({"trainings": lambda s, p, h: [Training("one", p, {"moe_n": 3})]}, "unknown hyperparameter `moe_n`"),
        (
            {"trainings": lambda s, p, h: [Training("one", p, minutes_of="x", speed_of="one")]},
            "training `one` names the training `x`; there is one",
        ),
        (
            {"tables": lambda s, p, h: [Table("T", [Row(p[0])], [Column("c", "one"), Column("d", "on")])]},
            "table `T` names the training `on`",
        ),
    ],
)
def test_an_experiment_that_contradicts_itself(plan, methods, message):
    broken(**methods)
    with pytest.raises(UserError, match=message):
        plan(experiment="broken")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fraction": "wsj_parsin:0.1"}, "did you mean `wsj_parsing`"),
        ({"hparams": "accumulate=2"}, "add --hparams=accumulate=1"),
        ({"source": "sampel"}, "sampel"),
        ({"hparams_set": "multimodel_tyni"}, "did you mean `multimodel_tiny`"),
    ],
)
def test_mistakes(plan, changes, message):
    with pytest.raises(UserError, match=message):
        plan(**changes)
