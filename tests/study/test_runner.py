"""Making runs, with programs that only pretend to train."""

import contextlib
import json
import signal
import subprocess
import sys
import time

import pytest

from t2tlite.errors import UserError
from t2tlite.study import lock, processes, runner, times
from t2tlite.study.outlook import Outlook, step_of

FAKE = """
import json, os, pathlib, signal, sys, time
name, *argv = sys.argv[1:]
flags = dict(flag[2:].split("=", 1) for flag in argv if "=" in flag)
folder = pathlib.Path(flags.get("output_dir", "."))
print(name, "begins")
if (folder / "fails").exists():
    sys.exit("t2t-train: error: no memory")
if name == "t2t-train":
    open_files = [os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]
    print("holds the lock:", str(folder / "lock") in open_files)
    print("out of the terminal's reach:", os.getsid(0) == os.getpid())
    (folder / "metrics.jsonl").write_text(json.dumps({"step": int(flags["train_steps"])}) + "\\n")
    signal.signal(signal.SIGTERM, lambda *_: ((folder / "saved").touch(), sys.exit(143)))
    (folder / "begun").touch()
    while (folder / "hangs").exists():
        time.sleep(0.02)
if name == "t2t-eval":
    line = {"problem": flags["problems"].split(",")[0], "mode": "teacher_forced", "log_perplexity": 1.5}
    pathlib.Path(flags["output_file"]).write_text(json.dumps(line) + "\\n")
"""


@pytest.fixture
def world(plan, tmp_path):
    """A plan, and a function that runs it and returns what is left; `calls` are the commands that it ran."""

    class World:
        def __init__(self):
            self.plan, self.calls, self.said = plan(), [], []

        def program(self, name, argv):
            self.calls.append((name, argv))
            return [sys.executable, "-c", FAKE, name, *argv]

        def run(self):
            self.calls.clear()
            self.said.clear()
            return runner.Runner(self.plan, self.program, self.said.append).run()

        def folder(self, name):
            folder = tmp_path / "runs" / name
            folder.mkdir(parents=True, exist_ok=True)
            return folder

        def trained(self):
            return [argv[-1].rpartition("/")[2] for name, argv in self.calls if name == "t2t-train"]

    return World()


ALL = ["alone-seed0", "two-seed0", "all-seed0", "small-seed0", "small_minutes-seed0"]


def test_all_runs_once(world):
    assert world.run() == []
    assert [name for name, _ in world.calls] == ["t2t-datagen"] + ["t2t-train", "t2t-eval"] * 5
    assert world.trained() == ALL
    assert all(runner.is_finished(job) for job in world.plan.jobs())
    assert world.said[1] == "[1/5] alone-seed0: 100 updates"
    log = (world.folder("alone-seed0") / "train.log").read_text()
    command = processes.shown("t2t-train", world.plan.jobs()[0].train)
    seen = ["holds the lock: True", "out of the terminal's reach: True"]
    assert log.splitlines() == [f"$ {command}", "t2t-train begins", *seen]
    assert times.read(world.folder("alone-seed0") / times.FINISHED)["version"]
    assert world.run() == [] and world.calls == []


def test_a_run_that_fails_does_not_lose_the_others(world):
    fails = world.folder("two-seed0") / "fails"
    fails.touch()
    (world.folder("small-seed0") / "fails").touch()
    left = world.run()
    assert world.trained() == ALL[:4]
    assert "two-seed0 failed: t2t-train: error: no memory (all of it is in " in left[0]
    assert left[2] == "small_minutes-seed0 waits for all-seed0 and small-seed0"
    fails.unlink()
    (world.folder("small-seed0") / "fails").unlink()
    assert world.run() == [] and world.trained() == ["two-seed0", "small-seed0", "small_minutes-seed0"]


def test_a_run_that_another_process_holds_is_left_to_it(world):
    holder = (
        "import pathlib, sys, time; from t2tlite.study import lock\n"
        "with lock.held(pathlib.Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-P", "-c", holder, str(world.folder("two-seed0"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        left = world.run()
        assert left == [f"two-seed0 is made by process {other.pid} on {lock.socket.gethostname()}"]
        other.kill()  # its lock goes with it
    assert world.run() == [] and world.trained() == ["two-seed0"]


def test_a_run_of_a_killed_process_is_held_while_its_training_goes_on(tmp_path):
    with contextlib.ExitStack() as stack:
        with lock.held(tmp_path) as descriptor:
            child = subprocess.Popen(
                [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[descriptor]
            )
            stack.callback(child.wait)
        with lock.held(tmp_path) as taken:
            assert taken is None
        child.communicate(b"\n")
        with lock.held(tmp_path) as taken:
            assert taken is not None


@pytest.mark.parametrize("how", [KeyboardInterrupt, SystemExit])
def test_a_stop_lets_the_run_save(world, how):
    folder = world.folder("two-seed0")
    (folder / "hangs").touch()

    def tick(self, *args):
        if (folder / "begun").exists():
            if how is SystemExit:
                signal.raise_signal(signal.SIGTERM)
            raise how

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "_KEEP", 0.0)
        patch.setattr(Outlook, "show", tick)
        with pytest.raises(how):
            world.run()
    assert (folder / "saved").exists() and "stopping" in world.said[-1]
    assert times.taken(folder)["train"] > 0
    (folder / "hangs").unlink()
    assert world.run() == [] and world.trained() == ALL[1:]


def test_time_adds_up_over_starts(world):
    folder = world.folder("alone-seed0")
    times.keep(folder, {"train": 100.0, "evaluate": 0.0})
    world.run()
    assert 100 < times.finished(folder) < 160


def test_a_run_of_another_command_is_refused(world, pretended):
    job = world.plan.jobs()[0]
    pretended(job, {})
    made = json.loads((job.folder / times.FINISHED).read_text())
    elsewhere = [flag.replace(str(world.plan.folder), "/mnt/other") for flag in made["train"]]
    (job.folder / times.FINISHED).write_text(json.dumps({**made, "train": elsewhere}))
    assert runner.is_finished(job)
    changed = [flag.replace("train_steps=100", "train_steps=7") for flag in elsewhere]
    (job.folder / times.FINISHED).write_text(json.dumps({**made, "train": changed}))
    with pytest.raises(UserError, match="another command, with --train_steps=7 and not --train_steps=100"):
        world.run()


def test_data_that_cannot_be_prepared(world, monkeypatch, tmp_path):
    fails = [sys.executable, "-c", "import sys; sys.exit('t2t-datagen: error: no such folder')"]
    monkeypatch.setattr(world, "program", lambda name, argv: fails)
    with pytest.raises(UserError, match="could not be prepared: t2t-datagen: error: no such folder"):
        world.run()


def test_how_long_the_rest_takes(plan, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    said = []
    outlook = Outlook(said.append)
    alone, two, *_ = jobs = plan().jobs()[:4]  # 100, 200, 300 and 300 updates
    outlook.begin(alone, jobs)
    assert outlook.seconds_left(0) is None
    now[0] += 50
    assert outlook.seconds_left(50) == 850
    outlook.show(50)
    assert said == []  # too early
    now[0] += 50
    outlook.show(100)
    assert said == ["alone-seed0: step 100 of 100; all runs: about 13:20 left"]
    outlook.end(alone)
    outlook.begin(two, jobs[1:])
    now[0] += 100  # twice as fast
    assert outlook.seconds_left(200) == 400
    assert step_of(two.folder) == 0


def test_data_is_prepared_once_and_waited_for(world, tmp_path):
    holder = (
        "import pathlib, sys; from t2tlite.study import lock\n"
        "with lock.held(pathlib.Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-P", "-c", holder, str(tmp_path / "data-lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        said = f"process {other.pid} on {lock.socket.gethostname()} prepares the data; waiting"

        def release(line):
            world.said.append(line)
            if line == said:
                other.stdin.close()

        world.calls.clear()
        assert runner.Runner(world.plan, world.program, release).run() == []
    assert world.said[0] == said and world.calls[0][0] == "t2t-datagen"
