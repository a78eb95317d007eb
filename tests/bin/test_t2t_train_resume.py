"""t2t-train: a run that was stopped, in whatever way, goes on exactly."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from t2tlite.bin import t2t_train
from t2tlite.checkpoints import best_checkpoints, checkpoint
from t2tlite.training import horizon, trainer, warm_start

from .runs import SMALL, checkpoints, fault_at, flags, metrics_lines, train


def test_a_run_that_died_goes_on_exactly(whole, sample_data, tmp_path, eagerly, monkeypatch, capsys):
    """All eight problems: checkpoints at 3 and 6, dead at 8, gone on with from 6."""
    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        fault_at(patch, 8)
        assert train(folder, sample_data, "all", 10, keep_checkpoint_max=2) == 1
    assert "internal error: RuntimeError" in capsys.readouterr().err
    assert checkpoints(folder) == ["step-00000003", "step-00000006"]
    assert [line["step"] for line in metrics_lines(folder)] == list(range(1, 8))
    with open(folder / "metrics.jsonl", "a") as file:
        file.write('{"step": 8, "prob')  # what was being written
    assert train(folder, sample_data, "all", 10, keep_checkpoint_max=2) == 0
    assert "going on from step 6" in capsys.readouterr().err
    assert (folder / "metrics.jsonl").read_text() == (whole / "metrics.jsonl").read_text()
    assert checkpoints(folder) == checkpoints(whole)


def test_means_over_an_interval_are_not_torn_by_a_stop(sample_data, tmp_path, eagerly, monkeypatch):
    """With 4 updates in a line, what was seen of them is part of the checkpoint at 3."""
    more = {"log_steps": 4, "hparams": SMALL + ",mixing=wmt_ende:1 wmt_deen:3"}
    for folder in ("whole", "stopped"):
        with monkeypatch.context() as patch:
            if folder == "stopped":
                patch.setattr(trainer.Evaluator, "evaluate", dying)
                assert train(tmp_path / folder, sample_data, "wmt_ende,wmt_deen", 4, **more) == 1
        assert train(tmp_path / folder, sample_data, "wmt_ende,wmt_deen", 4, **more) == 0
    lines = metrics_lines(tmp_path / "whole")
    assert metrics_lines(tmp_path / "stopped") == lines
    assert [(n["step"], n["problem"], n["updates"], n["share"]) for n in lines if n["split"] == "train"] == [
        (4, "wmt_deen", 3, 0.75),
        (4, "wmt_ende", 1, 0.25),
    ]


def dying(*args):
    raise RuntimeError("the machine is gone")


def test_a_killed_process_goes_on_exactly(sample_data, tmp_path, capsys):
    """Compiled, as users run it; killed at a random moment after the first checkpoint.

    What it would have done is what it did: it tells each update at once, those after the checkpoint as well.
    """
    folder = tmp_path / "run"
    command = [sys.executable, "-P", "-c", TELLING, *flags(folder, sample_data, "wsj_parsing", 100_000)]
    with open(tmp_path / "stderr", "w") as stderr:
        process = subprocess.Popen(command, stdout=stderr, stderr=stderr, env=os.environ.copy())
    try:
        while lines_of(folder) < 4:
            assert process.poll() is None, (tmp_path / "stderr").read_text()
            time.sleep(0.05)
        time.sleep(random.random())
        while lines_of(folder) <= last_step(folder):  # right after a checkpoint there is nothing to compare
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
    last, expected = (
        last_step(folder),
        (folder / "metrics.jsonl").read_text().splitlines()[: lines_of(folder)],
    )
    steps = max(last, len(expected)) + 1
    assert train(folder, sample_data, "wsj_parsing", steps) == 0, capsys.readouterr().err
    assert f"going on from step {last}" in capsys.readouterr().err
    assert (folder / "metrics.jsonl").read_text().splitlines()[: len(expected)] == expected
    assert [line["step"] for line in metrics_lines(folder)] == [*range(1, steps + 1), steps]
    saved = sorted({*range(3, steps + 1, 3), steps})[-3:]
    assert checkpoints(folder) == [f"step-{step:08d}" for step in saved]


TELLING = """
import sys
from t2tlite.bin import t2t_train
from t2tlite.training import log
write = log.MetricsLog.write
log.MetricsLog.write = lambda self, *args: (write(self, *args), self._file.flush())
sys.exit(t2t_train.main())
"""


def lines_of(folder) -> int:
    """How many whole lines a run has told."""
    path = folder / "metrics.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def last_step(folder) -> int:
    """The step of the last checkpoint that is complete."""
    return max(int(name.removeprefix("step-")) for name in checkpoints(folder) if name.startswith("step-"))


def test_ctrl_c_twice_stops_at_once(sample_data, tmp_path, monkeypatch, capsys):
    before = signal.getsignal(signal.SIGINT)

    def pressed(self, *args):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("went on")

    monkeypatch.setattr(trainer.Trainer, "_update", pressed)
    assert train(tmp_path / "run", sample_data, "wmt_ende", 3) == 130
    assert capsys.readouterr().err.endswith("t2t-train: interrupted\n")
    assert checkpoints(tmp_path / "run") == []
    assert signal.getsignal(signal.SIGINT) is before


def test_a_run_that_is_done_stays_as_it_is(short, sample_data):
    before = (short / "metrics.jsonl").read_bytes(), checkpoints(short)
    assert train(short, sample_data, "wmt_ende", 3) == 0
    assert ((short / "metrics.jsonl").read_bytes(), checkpoints(short)) == before


PAIR = "wmt_ende,imagenet"


@pytest.fixture(scope="module")
def pair(sample_data, tmp_path_factory, eager):
    """A run on two problems that was never stopped."""
    folder = tmp_path_factory.mktemp("pair") / "run"
    with eager():
        assert train(folder, sample_data, PAIR, 6) == 0
    return folder


def test_ctrl_c_saves(pair, sample_data, tmp_path, eagerly, monkeypatch, capsys):
    """The update it falls in is done, and done once: the losses are those of a run without it."""
    before = signal.getsignal(signal.SIGINT)
    folder = tmp_path / "run"
    update = trainer.Trainer._update

    def pressed(self, *args):
        if self.step == 3:
            signal.raise_signal(signal.SIGINT)
        update(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(trainer.Trainer, "_update", pressed)
        assert train(folder, sample_data, PAIR, 6) == 130
    lines = capsys.readouterr().err.splitlines()
    assert lines[-2:] == ["saved at step 4; the same command goes on from there", "t2t-train: interrupted"]
    assert signal.getsignal(signal.SIGINT) is before
    assert checkpoints(folder) == ["step-00000003", "step-00000004"]
    assert metrics_lines(folder) == metrics_lines(pair)[:4]
    fault_at(monkeypatch, 6)
    assert train(folder, sample_data, PAIR, 6) == 1
    assert metrics_lines(folder) == metrics_lines(pair)[:5]


@pytest.mark.parametrize("place", ["evaluation", "saving"])
def test_a_signal_during(sample_data, tmp_path, eagerly, monkeypatch, capsys, place):
    """What it falls in is done to the end; SIGTERM has a status of its own."""
    folder = tmp_path / "run"
    cls, name = (trainer.Evaluator, "evaluate") if place == "evaluation" else (best_checkpoints, "keep")
    do = getattr(cls, name)

    def interrupted(*args):
        signal.raise_signal(signal.SIGTERM)
        return do(*args)

    with monkeypatch.context() as patch:
        patch.setattr(cls, name, interrupted)
        assert train(folder, sample_data, "wmt_ende", 9, local_eval_frequency=3) == 143
    lines = capsys.readouterr().err.splitlines()
    assert lines[-2] == "saved at step 3; the same command goes on from there"
    assert lines[-1] == "t2t-train: terminated"
    assert "step-00000003" in checkpoints(folder)
    assert sorted(line["split"] for line in metrics_lines(folder) if line["step"] == 3) == [
        "train",
        "validation",
    ]


def test_max_seconds(pair, sample_data, tmp_path, eagerly, capsys):
    folder = tmp_path / "run"
    for steps in (1, 2):
        assert train(folder, sample_data, PAIR, 6, max_seconds=0.001) == 0
        last = capsys.readouterr().err.splitlines()[-1]
        assert last == f"--max_seconds are over: saved at step {steps}; the same command goes on from there"
        assert metrics_lines(folder) == metrics_lines(pair)[:steps]


def test_a_schedule_that_ends_with_the_time(sample_data, tmp_path, eagerly, monkeypatch, capsys):
    """By a clock that an update turns: killed, and slower then, it repeats the updates that it had made."""
    folder, seconds = tmp_path / "run", {"now": 0.0, "update": 1.0}
    monkeypatch.setattr(horizon, "SETTLED", 1)
    monkeypatch.setattr(horizon, "FIRST", 3)
    monkeypatch.setattr(
        horizon,
        "of",
        lambda hparams, steps, deadline, replicas: horizon.Horizon(
            steps, seconds["now"] + 14, clock=lambda: seconds["now"]
        ),
    )
    update = trainer.Trainer._update

    def timed(self):
        update(self)
        seconds["now"] += seconds["update"]

    monkeypatch.setattr(trainer.Trainer, "_update", timed)
    hparams = {"hparams": SMALL + ",learning_rate_decay_steps=0,learning_rate_warmup_steps=0"}
    with monkeypatch.context() as patch:
        fault_at(patch, 9)
        assert train(folder, sample_data, "wsj_parsing", 100, **hparams) == 1
    assert "schedule ends at step 14" in capsys.readouterr().err
    before = metrics_lines(folder)
    assert [line["step"] for line in before] == list(range(1, 9))
    seconds["update"] = 2.0
    assert train(folder, sample_data, "wsj_parsing", 100, **hparams) == 0
    lines = metrics_lines(folder)
    assert lines[:8] == before
    assert (lines[-2]["step"], lines[-2]["split"], lines[-1]["split"]) == (11, "train", "validation")
    assert lines[-2]["learning_rate"] < 0.3 * lines[0]["learning_rate"]
    assert lines[0]["learning_rate"] == lines[2]["learning_rate"]
    assert checkpoints(folder)[-1] == "step-00000011"
    capsys.readouterr()
    assert train(folder, sample_data, "wsj_parsing", 100, **hparams) == 0
    assert metrics_lines(folder) == lines


def test_a_damaged_checkpoint(pair, sample_data, tmp_path, eagerly, capsys):
    """Training goes on from the one before, says so, and comes to the same numbers."""
    folder = shutil.copytree(pair, tmp_path / "run")
    state = folder / "checkpoints" / "step-00000006" / "state.data-00000-of-00001"
    content = state.read_bytes()
    state.unlink()  # the best ones are links to the same file
    state.write_bytes(content[: len(content) // 2])
    assert train(folder, sample_data, PAIR, 6) == 0
    err = capsys.readouterr().err
    assert "step-00000006 is broken: " in err and "kept as damaged-step-00000006-1" in err
    assert "going on from step 3" in err
    assert metrics_lines(folder) == metrics_lines(pair)
    assert checkpoints(folder) == ["damaged-step-00000006-1", "step-00000003", "step-00000006"]


def test_a_disk_that_is_full(pair, sample_data, tmp_path, eagerly, monkeypatch, capsys):
    folder = shutil.copytree(pair, tmp_path / "run")
    shutil.rmtree(folder / "checkpoints" / "step-00000006")
    shutil.rmtree(folder / "checkpoints" / "best")
    write = checkpoint.tf.train.Checkpoint.write

    def full(self, path):
        if "00000006" in path:
            raise checkpoint.tf.errors.ResourceExhaustedError(None, None, f"{path}; No space left on device")
        return write(self, path)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.tf.train.Checkpoint, "write", full)
        assert train(folder, sample_data, PAIR, 6) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("t2t-train: error: can't write the checkpoint") and last.endswith("are kept")
    assert checkpoints(folder) == ["step-00000003"]
    assert train(folder, sample_data, PAIR, 6) == 0
    assert metrics_lines(folder) == metrics_lines(pair)


def test_the_best_are_kept(sample_data, tmp_path, eagerly):
    """An evaluation that is the best so far is saved, whatever the interval."""
    folder = tmp_path / "run"
    more = {"local_eval_frequency": 2, "save_checkpoints_steps": 100, "keep_checkpoint_max": 1}
    assert train(folder, sample_data, PAIR, 7, **more) == 0
    lines = [line for line in metrics_lines(folder) if line["split"] == "validation"]
    steps = sorted({line["step"] for line in lines})
    assert steps == [2, 4, 6, 7]
    scores = {
        name: {line["step"]: line["log_perplexity"] for line in lines if line["problem"] == name}
        for name in ("wmt_ende", "imagenet")
    }
    scores["mean"] = {step: (scores["wmt_ende"][step] + scores["imagenet"][step]) / 2 for step in steps}
    for name, by_step in scores.items():
        best = min(by_step, key=by_step.get)
        assert checkpoints(folder / "checkpoints" / "best", name) == [f"step-{best:08d}"]
    assert checkpoints(folder) == ["step-00000007"]
    meta = json.loads((folder / "checkpoints" / "step-00000007" / "meta.json").read_text())
    assert meta["scores"] == {name: by_step[7] for name, by_step in scores.items()}
    assert meta["score"] == meta["scores"]["mean"]


def test_warm_start(short, sample_data, tmp_path, eagerly, monkeypatch, capsys):
    """It has the old run's vocabulary, is written down, and is not done again when the run goes on."""
    folder, more = tmp_path / "run", {"warm_start_from": short}
    assert train(folder, sample_data, "wmt_ende,wmt_enfr", 2, **more) == 0
    err = capsys.readouterr().err
    assert f"warm start from {short}/checkpoints/step-00000003, with a new optimizer" in err
    assert (folder / "vocabulary.model").read_bytes() == (short / "vocabulary.model").read_bytes()
    assert json.loads((folder / "run.json").read_text())["warm_start_from"] == str(short)
    first = metrics_lines(folder)
    monkeypatch.setattr(warm_start, "load", lambda *args: pytest.fail("was done again"))
    for options in (more, {}):
        assert train(folder, sample_data, "wmt_ende,wmt_enfr", 3, **options) == 0
    assert metrics_lines(folder)[:2] == first[:2] and metrics_lines(folder)[-1]["step"] == 3
    other = flags(folder, sample_data, "wmt_ende,wmt_enfr", 3, warm_start_from=tmp_path)
    assert t2t_train.main(other) == 2
    assert "holds a run with warm_start_from=" in capsys.readouterr().err


def test_a_warm_start_from_nothing(tmp_path, monkeypatch, capsys):
    """Told before any data is prepared."""
    arguments = flags(tmp_path / "run", tmp_path / "data", "wmt_ende", 3, warm_start_from=tmp_path / "none")
    assert t2t_train.main(arguments) == 2
    assert "is neither the --output_dir of a t2t-train nor a checkpoint" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_sigterm_while_data_is_prepared_ends_at_once(tmp_path):
    """And loses nothing, since what is prepared is found again."""
    code = "import sys; from t2tlite.bin import t2t_train; sys.exit(t2t_train.main())"
    command = [sys.executable, "-P", "-c", code, *flags(tmp_path / "run", tmp_path / "data", "imagenet", 3)]
    with open(tmp_path / "stderr", "w") as stderr:
        process = subprocess.Popen(command, stdout=stderr, stderr=stderr)
    try:
        while not (tmp_path / "data").exists():
            assert process.poll() is None, (tmp_path / "stderr").read_text()
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == -signal.SIGTERM
    finally:
        process.kill()
        process.wait()
    assert not (tmp_path / "run" / "checkpoints").exists()
