"""The same run on one device, on two replicas, in two processes and in two micro-steps."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

from t2tlite.bin import t2t_train
from t2tlite.errors import UserError
from t2tlite.training import strategy
from t2tlite.training.optimizers import make_optimizer
from t2tlite.training.step import Accumulator, make_train_steps
from t2tlite.training.strategy import Replicas

from ..bin.runs import SMALL, flags, metrics_lines
from ..models import tiny

# Dropout and noise are on. No expert is ever full: which choices a full one drops depends on the replicas.
HPARAMS = SMALL + ",moe_capacity_factor=4,batch_tokens=192,batch_images=5,batch_seconds=24"
HPARAMS = HPARAMS.replace("batch_tokens=64,batch_images=2,batch_seconds=4,", "")
PROBLEMS = "wmt_ende,imagenet"
STEPS = 6
MIRRORED = """
import sys
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from t2tlite.training import strategy
replicas = strategy.Replicas(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
strategy.make = lambda *args: replicas
from t2tlite.bin import t2t_train
sys.exit(t2t_train.main(sys.argv[1:]))
"""


def losses(folder):
    return [
        (line["step"], line["split"], line["problem"], line["loss"])
        for line in metrics_lines(folder)
        if line["split"] == "train" or line["step"] == STEPS
    ]


@pytest.fixture(scope="module")
def one(sample_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("one") / "run"
    assert t2t_train.main(flags(folder, sample_data, PROBLEMS, STEPS, HPARAMS)) == 0
    return folder


def check_equal(folder, other):
    for (*place, loss), (*place2, loss2) in zip(losses(folder), losses(other), strict=True):
        assert place == place2
        assert abs(loss - loss2) <= 1e-5 * loss, place


def test_two_replicas_are_one(one, sample_data, tmp_path):
    arguments = flags(tmp_path / "run", sample_data, PROBLEMS, STEPS, HPARAMS)
    completed = subprocess.run(
        [sys.executable, "-P", "-c", MIRRORED, *arguments], capture_output=True, text=True
    )
    assert completed.returncode == 0, completed.stderr
    check_equal(tmp_path / "run", one)


def test_two_processes_are_one_and_go_on_after_one_was_killed(one, sample_data, tmp_path):
    """Also: a run that goes on with other shards, and with another number of workers.

    The two processes share the optimizer's moments, and then the experts.
    """
    run = tmp_path / "run"
    workers = {"local_workers": 2, "save_checkpoints_steps": 1}
    arguments = flags(run, sample_data, PROBLEMS, STEPS, HPARAMS, **workers, shard="optimizer")
    command = [
        sys.executable,
        "-P",
        "-c",
        "import sys; from t2tlite.bin.t2t_train import main; sys.exit(main())",
    ]
    first = subprocess.Popen([*command, *arguments], stderr=subprocess.PIPE, text=True, env=os.environ.copy())
    while not list(run.glob("checkpoints/step-00000002")):
        assert first.poll() is None, first.stderr.read()
        time.sleep(0.05)
    [_, victim] = children(first.pid)
    os.kill(victim, signal.SIGKILL)
    _, err = first.communicate()
    assert first.returncode == 2
    assert "t2t-train: error: worker 1 of 2 was killed (signal 9), and the others have been stopped" in err
    arguments = flags(run, sample_data, PROBLEMS, STEPS, HPARAMS, **workers, shard="experts")
    completed = subprocess.run([*command, *arguments], capture_output=True, text=True)
    assert completed.returncode == 0, completed.stderr
    check_equal(run, one)
    last = json.loads((run / "checkpoints" / f"step-{STEPS:08d}" / "meta.json").read_text())
    assert last["replicas"] == 2
    shutil.rmtree(run / "checkpoints" / f"step-{STEPS:08d}")
    arguments = flags(run, sample_data, PROBLEMS, STEPS, HPARAMS)
    completed = subprocess.run([*command, *arguments], capture_output=True, text=True)
    assert completed.returncode == 0 and "on 1 replica, after 2 before" in completed.stderr
    check_equal(run, one)


def children(pid):
    pids = []
    for process in os.listdir("/proc"):
        if process.isdecimal():
            try:
                fields = open(f"/proc/{process}/stat").read().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == pid:
                pids.append(int(process))
    return sorted(pids)


@pytest.mark.usefixtures("eagerly")
def test_micro_steps_of_one_batch_are_one_update():
    """Two halves with unequal numbers of targets, of one problem after the other."""
    hparams = tiny.HPARAMS.replace(dropout=0.0, moe="none")
    results = []
    for parts in (1, 2):
        model = tiny.model(("translation", "pictures"), hparams)
        optimizer = make_optimizer(hparams, model.trainable_variables)
        batches = {name: tiny.batch(name, size=6) for name in ("translation", "pictures")}
        specs = {
            name: {f: tf.TensorSpec([None] * v.shape.rank, v.dtype) for f, v in batch.items()}
            for name, batch in batches.items()
        }
        accumulator = Accumulator(model, optimizer, tiny.objectives(model), 0, specs, 2, Replicas())
        for step, name in enumerate(["translation", "pictures"] * 3):
            if parts == 2:
                halves = [{f: v[a:b] for f, v in batches[name].items()} for a, b in ((0, 2), (2, 6))]
                accumulator.update([(name, half) for half in halves], step)
            else:
                steps = make_train_steps(model, optimizer, tiny.objectives(model), 0, specs)
                steps[name](batches[name], tf.constant(step))
        results.append([variable.numpy() for variable in model.trainable_variables])
    for one, two in zip(*results, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "gpus", "config", "message"),
    [
        ("mirrored", 0, None, "--strategy=mirrored needs GPUs"),
        ("auto", 3, None, "--worker_gpu=3, but TensorFlow finds 0 GPUs"),
        ("multiworker", 0, None, "needs the environment variable TF_CONFIG"),
        ("auto", 0, "{", "TF_CONFIG can't be read"),
        ("auto", 0, '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}', "no task"),
    ],
)
def test_mistakes(monkeypatch, name, gpus, config, message):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if config:
        monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(UserError, match=message):
        strategy.make(name, gpus)


def test_one_gpu_needs_no_strategy(monkeypatch):
    """Sums of micro-steps can't be kept under a strategy of one replica."""
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["a GPU"])
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", lambda gpu, grows: None)
    mirrored = tf.distribute.MirroredStrategy
    monkeypatch.setattr(tf.distribute, "MirroredStrategy", lambda devices: mirrored(["CPU:0"]))
    one_device = strategy.make("mirrored")
    assert one_device.number == 1 and one_device.strategy is tf.distribute.get_strategy()


def test_batches_too_small_for_the_replicas(one, monkeypatch):
    from t2tlite.run import Run
    from t2tlite.training.trainer import Intervals, Trainer

    replicas = Replicas()
    replicas.number = 200
    with pytest.raises(UserError, match="a batch of `wmt_ende` has . examples for 200 replicas"):
        Trainer(Run.load(one), Intervals(1), replicas=replicas)


def test_gpus_that_are_in_use_already(monkeypatch):
    """As in a notebook: they keep their memory, and others can't be chosen any more."""

    def refuse(*args):
        raise RuntimeError("can't be modified after being initialized")

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["GPU:0"])
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", refuse)
    monkeypatch.setattr(tf.config, "set_visible_devices", refuse)
    assert strategy.make("one").number == 1
    with pytest.raises(UserError, match="--worker_gpu=1: TensorFlow already uses other GPUs"):
        strategy.make("one", 1)
