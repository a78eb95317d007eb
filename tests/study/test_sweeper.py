"""Making the trials of a sweep, with programs that only pretend to train."""

import json
import subprocess
import sys
import threading
import time

import pytest

from t2tlite.errors import UserError
from t2tlite.study import lock, sweep_report, sweeper
from t2tlite.study.trials import FILE, SweepSettings, Trials

# Its figure is the learning rate, at which it begins, minus what its updates bring.
FAKE = """
import json, pathlib, sys
name, *argv = sys.argv[1:]
flags = dict(flag[2:].split("=", 1) for flag in argv if "=" in flag)
if name == "t2t-train":
    folder = pathlib.Path(flags["output_dir"])
    hparams = dict(part.split("=", 1) for part in flags["hparams"].split(",") if part)
    rate = float(hparams.get("learning_rate", 0.001))
    steps = int(flags["train_steps"])
    if rate > 0.009:
        sys.exit("t2t-train: error: the loss is not finite")
    value = float("nan") if rate > 0.008 else 1000 * rate - steps / 1000
    with open(folder / "metrics.jsonl", "a") as file:
        for problem in flags["problems"].split(","):
            line = {"step": steps, "problem": problem, "split": "validation", "log_perplexity": value}
            line["accuracy"] = -value
            file.write(json.dumps(line) + chr(10))
"""


@pytest.fixture
def world(tmp_path):
    class World:
        said, calls = [], []

        def trials(self, **changes):
            values = dict(
                problems=("wmt_ende", "wmt_deen"),
                source="sample",
                source_dir=None,
                tmp_dir=None,
                data_dir="/data",
                hparams_set="multimodel_tiny",
                hparams="learning_rate_schedule=constant",
                fraction="",
                search="learning_rate=1e-4..1.5e-2",
                trials=9,
                train_steps=900,
                halving=3,
                metric="mean/log_perplexity",
                seed=1,
            )
            return Trials(SweepSettings(**values | changes), tmp_path)

        def program(self, name, argv):
            self.calls.append((name, argv))
            return [sys.executable, "-c", FAKE, name, *argv]

        def run(self, **changes):
            self.calls, self.said = [], []
            trials = self.trials(**changes)
            sweeper.Sweeper(trials, self.program, self.said.append).run()
            return trials

    return World()


def rate(trials, number):
    return float(trials.drawn(number).get("learning_rate", 0.001))


def trained(calls):
    flags = [dict(flag[2:].split("=", 1) for flag in argv if "=" in flag) for _, argv in calls[1:]]
    return [(int(each["output_dir"][-3:]), int(each["train_steps"])) for each in flags]


def test_the_best_third_goes_on(world):
    trials = world.run()
    fit = sorted((rate(trials, number), number) for number in range(9) if rate(trials, number) <= 0.008)
    assert len(fit) < 9  # some failed
    best = [number for _, number in fit]
    assert trained(world.calls) == [
        *((number, 100) for number in range(9)),
        *((number, 300) for number in sorted(best[:3])),
        (best[0], 900),
    ]
    assert [number for number, _ in trials.ranking()][: len(best)] == [
        best[0],
        *sorted(best[1:3], key=lambda number: rate(trials, number)),
        *best[3:],
    ]
    assert any("round 2 of 3: 3 trials, to step 300" in line for line in world.said)
    assert any("failed: t2t-train: error: the loss is not finite" in line for line in world.said)
    world.run()
    assert not world.calls  # all of it is known


def test_where_more_is_better(world):
    trials = world.run(metric="wmt_deen/accuracy", halving=1, trials=5)
    ranked = [rate(trials, number) for number, result in trials.ranking() if result.value is not None]
    assert ranked == sorted(ranked) and trials.higher_is_better
    assert {steps for _, steps in trained(world.calls)} == {900}


def test_the_commands(world):
    trials = world.trials(hparams="dropout=0.1,learning_rate=0.002", fraction="wmt_ende:0.5,wmt_deen:0.5")
    command = trials.train_command(2, 300)
    changes = "learning_rate_warmup_steps=90,learning_rate_decay_steps=900,dropout=0.1"
    changes += f",learning_rate={rate(trials, 2):g}"
    assert f"--hparams={changes}" in command and "--fraction=wmt_ende:0.5,wmt_deen:0.5" in command
    assert f"--vocab={trials.folder / 'vocabulary.model'}" in command and "--train_steps=300" in command
    assert "--vocabulary_size=2048" in trials.data_command()
    assert "learning_rate=0.002" in trials.train_command(0, 300)[4]
    assert trials.hyperparameters(0) == {"learning_rate": 0.002}


def test_a_sweep_that_was_stopped_goes_on(world, monkeypatch):
    take, taken = sweeper.Sweeper._take, []

    def stopping(self, number, place, rung):
        if len(taken) == 4:
            raise KeyboardInterrupt
        taken.append(number)
        return take(self, number, place, rung)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(sweeper.Sweeper, "_take", stopping)
        world.run()
    world.run()
    assert trained([None, *world.calls])[0] == (4, 100)


def test_other_processes_are_waited_for(world, monkeypatch):
    monkeypatch.setattr(sweeper, "_WAIT", 0.05)
    trials = world.trials(trials=2, halving=1)
    held, done = threading.Event(), threading.Event()

    def another():
        with lock.held(trials.folder_of(1)):
            held.set()
            while not done.is_set():
                time.sleep(0.01)
            (trials.folder_of(1) / "metrics.jsonl").write_text(
                "".join(
                    json.dumps({"step": 900, "problem": name, "split": "validation", "log_perplexity": 1.0})
                    + "\n"
                    for name in ("wmt_ende", "wmt_deen")
                )
            )
            trials.keep(1, trials.rungs[0], 1.0)

    thread = threading.Thread(target=another)
    thread.start()
    held.wait()

    def say(line):
        if "waiting for 1 trial that other processes make" in line:
            done.set()

    sweeper.Sweeper(trials, world.program, say).run()
    thread.join()
    assert done.is_set() and trials.result(1, trials.rungs[0]).value == 1.0


def test_a_figure_that_is_not_finite_is_a_failure(world):
    trials = world.trials()
    trials.folder_of(0).mkdir(parents=True)
    lines = [
        {"step": 100, "problem": name, "split": "validation", "log_perplexity": value}
        for name, value in (("wmt_ende", 1.0), ("wmt_deen", float("nan")))
    ]
    (trials.folder_of(0) / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    result = trials.keep(0, trials.rungs[0], 1.0)
    assert result.value is None and result.failed == "no finite mean/log_perplexity at step 100"
    assert trials.result(0, trials.rungs[0]) == result


def test_all_that_fail_is_an_error(world):
    with pytest.raises(UserError, match="all trials failed, one of them so: t2t-train: error: the loss"):
        world.run(hparams="learning_rate=0.02", search="learning_rate=0.02..0.04")


def test_a_failed_preparation_is_an_error(world, monkeypatch):
    monkeypatch.setattr(
        world, "program", lambda name, argv: [sys.executable, "-c", "import sys; sys.exit('no disk')"]
    )
    with pytest.raises(UserError, match="could not be prepared: no disk"):
        world.run()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metric": "wmt_edne/accuracy"}, "no problem `wmt_edne`; did you mean `wmt_ende`"),
        ({"metric": "mean/acuracy"}, "no figure `acuracy` among .*; did you mean `accuracy`"),
        ({"metric": "mean/bleu"}, "`bleu` is of decoded outputs"),
        ({"search": "vocabulary_size=100..200"}, "vocabulary_size can't be searched"),
        ({"search": "objective=likelihood|distillation"}, "objective"),
        ({"search": "hidden_size=100..200"}, "trial .*: .*name values that fit"),
        ({"source": "nowhere"}, "no source `nowhere`"),
        ({"fraction": "imagenet:0.5"}, "imagenet"),
    ],
)
def test_mistakes(world, changes, message):
    with pytest.raises(UserError, match=message) as caught:
        world.trials(**changes)
    assert "\n" not in str(caught.value)


def test_another_sweep_is_not_mixed_in(world):
    trials = world.trials()
    trials.settings.keep(trials.folder)
    trials.settings.keep(trials.folder)
    assert json.loads((trials.folder / FILE).read_text())["trials"] == 9
    with pytest.raises(UserError, match="holds a sweep with trials=9, and 8 is asked for"):
        world.trials(trials=8).settings.keep(trials.folder)


def test_the_report(world):
    trials = world.run()
    text = sweep_report.write(trials)
    [best] = [line for line in text.splitlines() if line.split()[2:3] == ["900"]]
    assert best.split()[0] == f"trial-{trials.ranking()[0][0]:03d}"
    document = sweep_report.path(trials).read_text()
    assert "lower is better" in document and "the loss is not finite" in document
    assert "--train_steps=900" in document


def test_tensorboard_reads_it(world):
    """By the plugin's own way of reading."""
    trials = world.run(search="learning_rate=1e-4..8e-3,num_encoder_layers=1..3,moe=top_k|none", trials=3)
    code = """
import sys
from tensorboard.backend.event_processing import plugin_event_multiplexer as multiplexer
from tensorboard.plugins.hparams import plugin_data_pb2
events = multiplexer.EventMultiplexer().AddRunsFromDirectory(sys.argv[1])
events.Reload()
for run, content in sorted(events.PluginRunToTagToContent("hparams").items()):
    for tag, data in content.items():
        message = plugin_data_pb2.HParamsPluginData.FromString(data)
        if message.HasField("session_start_info"):
            hparams = sorted(message.session_start_info.hparams.items())
            print(run, *(f"{name}={value.number_value or value.string_value}" for name, value in hparams))
        if message.HasField("experiment"):
            print(run, *(info.name for info in message.experiment.hparam_infos))
            print(*(f"{info.name.group}:{info.name.tag}" for info in message.experiment.metric_infos))
"""
    read = subprocess.run(
        [sys.executable, "-c", code, trials.folder / "trials"], capture_output=True, text=True
    )
    lines = read.stdout.splitlines()
    assert ". learning_rate num_encoder_layers moe" in lines, read.stderr
    assert "validation:wmt_ende/log_perplexity validation:wmt_deen/log_perplexity" in lines
    values = trials.hyperparameters(2)
    expected = [f"{name}={values[name]}" for name in sorted(values)]
    [line] = [line for line in lines if line.startswith("trial-002/tensorboard ")]
    assert [part.removesuffix(".0") for part in line.split()[1:]] == expected
