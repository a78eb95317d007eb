"""t2t-experiment: a user's own experiment, from its folder to its report, and mistakes."""

import contextlib
import importlib
import json
import pathlib
import re
import subprocess

import pytest

from t2tlite.bin import t2t_experiment
from t2tlite.study import lock, processes, runner

# A Transformer, which takes less time than the MultiModel as long as nothing is compiled.
SMALL = (
    "encoder=transformer,mixer=none,decoder=transformer,moe=none,hidden_size=16,filter_size=16,num_heads=2,"
    "num_encoder_layers=1,num_decoder_layers=1,vocabulary_size=600,batch_tokens=64"
)
GUIDE = (pathlib.Path(__file__).parents[2] / "docs" / "experiments.md").read_text(encoding="utf-8")


def in_this_process(self, name, argv, log, descriptor, tick):
    """As `Processes.run`, without waiting for TensorFlow and graphs; `test_runner.py` has the processes."""
    tick()
    main = importlib.import_module(f"t2tlite.bin.{name.replace('-', '_')}").main
    argv = [*argv, "--nodry_run"] if name == "t2t-train" else argv
    with open(log, "a") as output, contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        return main(list(argv))


@pytest.mark.parametrize("name", ["t2t-train", "t2t-eval", "t2t-datagen"])
def test_programs_are_the_commands(name):
    started = processes.program(name, ["--version"])
    assert subprocess.run(started, capture_output=True, text=True).stdout.startswith(f"{name} (t2tlite)")


def test_a_users_own_experiment(sample_data, eagerly, registered_here_only, tmp_path, monkeypatch, capsys):
    """That of the guide, which has some twenty lines; it is stopped in between, and goes on."""
    [source] = re.findall(r"^```python\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    assert len(source[source.index("@registry") :].splitlines()) <= 20
    folder, mine = tmp_path / "experiment", tmp_path / "mine"
    mine.mkdir()
    (mine / "my_experiments.py").write_text(source)
    argv = ["both_directions", f"--t2t_usr_dir={mine}", "--source=sample", f"--data_dir={sample_data}"]
    argv += ["--hparams_set=multimodel_tiny", f"--hparams={SMALL}", "--updates_per_problem=1"]
    argv += ["--fraction=wmt_deen:0.5", f"--output_dir={folder}"]
    monkeypatch.setattr(processes.Processes, "run", in_this_process)
    take = runner.Runner._take

    def stopped(self, job, jobs):
        if job.name == "both-seed0":
            raise KeyboardInterrupt
        return take(self, job, jobs)

    with registered_here_only("my_experiments"):
        monkeypatch.setattr(runner.Runner, "_take", stopped)
        assert t2t_experiment.main(argv) == 130
        assert "the same command goes on" in capsys.readouterr().err
        assert "Missing: both-seed0" in (folder / "report.md").read_text()
        monkeypatch.setattr(runner.Runner, "_take", take)
        before = (folder / "runs" / "alone-seed0" / "finished.json").stat().st_mtime_ns
        assert t2t_experiment.main(argv) == 0
    printed = capsys.readouterr().out
    assert (folder / "runs" / "alone-seed0" / "finished.json").stat().st_mtime_ns == before
    assert "2 of 2 runs done." in printed and "It gains from the other direction" in printed
    described = {
        name: json.loads((folder / "runs" / f"{name}-seed0" / "run.json").read_text())
        for name in ("alone", "both")
    }
    assert described["alone"]["vocabulary"] == described["both"]["vocabulary"]
    assert described["both"]["fraction"] == {"wmt_deen": 0.5}
    for name, steps in (("alone", 1), ("both", 2)):
        run = folder / "runs" / f"{name}-seed0"
        assert [path.name for path in (run / "checkpoints").glob("step-*")] == [f"step-{steps:08}"]
        told = [json.loads(line) for line in (run / "test.jsonl").read_text().splitlines()]
        assert [line["mode"] for line in told] == ["teacher_forced", "decoded"]
        assert {line["problem"] for line in told} == {"wmt_deen"} and "bleu" in told[1]
        assert told[0]["sequences"] == 4 and f"{told[0]['log_perplexity']:.3f}" in printed
    with registered_here_only("my_experiments"):
        again = ["both_directions", f"--t2t_usr_dir={mine}", f"--output_dir={folder}", "--report"]
        assert t2t_experiment.main(again) == 0
    assert capsys.readouterr().out == printed
    with lock.held(folder / "runs" / "both-seed0") as descriptor:
        assert descriptor is not None


def sample(folder, *more):
    given = ["--source=sample", "--hparams_set=multimodel_tiny", f"--output_dir={folder}"]
    return ["parsing_transfer", *given, *more]


def test_a_list_runs_nothing(tmp_path, capsys):
    assert t2t_experiment.main(sample(tmp_path / "new", "--list", "--seeds=1,0")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["t2t-datagen"] + ["t2t-train", "t2t-eval"] * 6
    assert "--train_steps=12000" in lines[5] and "--seed=0" in lines[5] and "--seed=1" in lines[-2]
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("--seeds=0,x",), "--seeds=0,x; expected numbers"),
        (("--seeds=,",), "expected numbers"),
        (("--fraction=wsj_parsin:0.1",), "did you mean `wsj_parsing`"),
        (("--problems=imagenet,wmt_ende",), "learns `wsj_parsing`, which is not among the problems"),
        (("--updates_per_problem=0",), "1 or more"),
        (("--report",), "holds no experiment"),
    ],
)
def test_mistakes(tmp_path, capsys, argv, message):
    assert t2t_experiment.main(sample(tmp_path / "new", *argv)) == 2
    said = capsys.readouterr().err
    assert said.startswith("t2t-experiment: error: ") and said.count("\n") == 1 and message in said
    assert not (tmp_path / "new").exists()


def test_a_mistyped_experiment(mistake_in_a_process, tmp_path):
    said = mistake_in_a_process("t2t_experiment", "joint_vs_singel", f"--output_dir={tmp_path}")
    assert "unknown experiment `joint_vs_singel`; did you mean `joint_vs_single`" in said
