"""What training costs: speed by precision and jit, the share of what is not training, starting, two workers.

    python benchmarks/training.py --data_dir=/tmp/data --sections=speed,overhead,start,workers

Every figure stands beside its goal. Whatever else the machine does counts: read ratios before times.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from t2tlite import cli, quiet, tables
from t2tlite.errors import UserError

SECTIONS = ("speed", "overhead", "start", "workers")
COMMAND = cli.Command(
    "training",
    "Prints what training costs. Sample data that is missing is generated first.",
    examples=[("all sections", "python benchmarks/training.py --data_dir=/tmp/data")],
)
COMMAND.group("Flags")
COMMAND.string("sections", ",".join(SECTIONS), "which to run, separated by commas")
COMMAND.string("problems", "all", "names separated by commas, or all")
COMMAND.string("data_dir", "data", "folder of the prepared data")
COMMAND.string("hparams_set", "multimodel_tiny", "a registered set of hyperparameters")
COMMAND.string("hparams", "", "changes to it, as for t2t-train", may_be_empty=True)
COMMAND.integer("steps", 20, "updates of each problem that are measured", at_least=1)
COMMAND.integer("warm_up", 2, "rounds before those; in the first the updates are compiled", at_least=1)
COMMAND.string("precisions", "float32,mixed_bfloat16", "for speed")
COMMAND.string("jits", "false", "for speed: jit_compile; true compiles each problem and shape for long")
COMMAND.integer("worker_steps", 120, "updates of a run with workers", at_least=20)
_PLACE = re.compile(r"^step (\d+)/\d+ ")
_RUN = "import sys; from t2tlite.bin import t2t_train; sys.exit(t2t_train.main(sys.argv[1:]))"


def benchmark(flags):
    from t2tlite import hparam, registry

    sections = flags.sections.split(",")
    if unknown := [name for name in sections if name not in SECTIONS]:
        raise UserError(f"--sections={unknown[0]} must be among {', '.join(SECTIONS)}")
    problems = registry.problems(flags.problems)
    hparam.get(flags.hparams_set, flags.hparams)
    quiet.start_tensorflow()
    from t2tlite.training import launch

    launch.prepare(problems, flags.data_dir, "sample", may_generate=True)
    with tempfile.TemporaryDirectory() as folder:
        for section in SECTIONS:
            if section in sections:
                globals()[f"_{section}"](flags, pathlib.Path(folder))


def _trainer(flags, folder, changes=""):
    """A trainer, and its rounds: every problem once, so that what else the machine does slows all."""
    from t2tlite import hparam
    from t2tlite.training import launch, trainer

    hparams = hparam.get(flags.hparams_set, ",".join(filter(None, [flags.hparams, changes])))
    run = launch.make_run(folder, flags.problems, hparams, flags.data_dir, "sample")
    return trainer.Trainer(run, trainer.Intervals(train_steps=1), try_first=False)


def _rounds(trainer, number, first):
    """Seconds of each of several rounds, and the targets of all."""
    import tensorflow as tf

    seconds, targets = [], 0.0
    for turn in range(number):
        start = time.perf_counter()
        for name, iterator in trainer.iterators.items():
            figures = trainer._updates([(name, next(iterator))], first + turn)
            targets += float(tf.add_n([each["targets"] for each in figures]))  # waits for the result
        seconds.append(time.perf_counter() - start)
    return seconds, targets


def _speed(flags, folder):
    rows = []
    for precision in flags.precisions.split(","):
        for jit in flags.jits.split(","):
            trainer = _trainer(
                flags, folder / f"{precision}-{jit}", f"precision={precision},jit_compile={jit}"
            )
            compiling, _ = _rounds(trainer, flags.warm_up, 0)
            seconds, targets = _rounds(trainer, flags.steps, flags.warm_up)
            rows.append((precision, jit, targets / sum(seconds), sum(seconds), compiling[0]))
    table = [
        (name, jit, f"{speed:,.0f}", f"{rows[0][3] / took:.2f}", f"{first:.1f}")
        for name, jit, speed, took, first in rows
    ]
    headings = ("precision", "jit", "targets/s", f"speed, of {rows[0][0]}'s", "first round, s")
    tables.show(f"{flags.hparams_set}: {flags.steps} updates of each problem", headings, table)


def _overhead(flags, folder):
    """What is done at the default intervals, as a share of the updates between."""
    from t2tlite.training.trainer import Intervals

    trainer = _trainer(flags, folder / "overhead")
    default = Intervals(train_steps=1)
    _rounds(trainer, flags.warm_up, 0)
    seconds, _ = _rounds(trainer, flags.steps, flags.warm_up)
    update = sum(seconds) / flags.steps / len(trainer.iterators)
    _begin_logging(trainer)
    works = {
        "a checkpoint": (trainer.save, default.save),
        f"an evaluation, {default.eval_steps} batches each": (
            lambda: _evaluate(trainer, default),
            default.evaluate,
        ),
        "a line of the log": (lambda: _log(trainer), default.log),
    }
    rows, total = [], 0.0
    for name, (work, interval) in works.items():
        work()  # the first time compiles
        start = time.perf_counter()
        for _ in range(3):
            work()
        took = (time.perf_counter() - start) / 3
        share = took / (interval * update)
        total += share
        rows.append((name, f"{1000 * took:.0f}", f"{interval}", f"{100 * share:.2f}%", ""))
    rows.append(("together", "", "", f"{100 * total:.2f}%", "under 3%"))
    headings = ("what", "ms", "every so many updates", "share of the updates", "goal")
    tables.show(f"an update takes {1000 * update:.0f} ms in the mean", headings, rows)
    trainer.log.close()


def _begin_logging(trainer):
    from t2tlite.training import log, progress

    trainer.log = log.MetricsLog(trainer.run.output_dir, 0)
    trainer.progress = progress.Progress(0, 1)


def _evaluate(trainer, intervals):
    for name in trainer.run.problems:
        trainer.evaluator.evaluate(name, "validation", intervals.eval_steps)


def _log(trainer):
    figures = {"loss": 1.0, "gradient_norm": 1.0, "expert_loss": 0.0, "targets": 1.0, "dropped": 0.0}
    experts = trainer.run.hparams.moe_num_experts
    for name in trainer.run.problems:
        trainer.pending[name] = [dict(figures) for _ in range(12)]
        trainer.expert_load.add(name, {place: [1.0] * experts for place in ("encoder", "decoder")})
    trainer._log()


def _start(flags, folder):
    """From the command to the end of its first update."""
    rows = []
    every = flags.problems if flags.problems != "all" else None
    for title, problems, goal in (("1", "wmt_ende", ""), (every or "8", every or "all", "under 30 s")):
        for dry_run in ("true", "false"):
            name = f"start-{len(rows)}"
            argv = _command(flags, folder / name, problems, 2, f"--dry_run={dry_run}", "--log_steps=1")
            places = _places(argv, dict(os.environ))
            rows.append((title, dry_run, f"{places[1]:.1f}", goal))
    tables.show("time to the first update", ("problems", "dry run", "first update after, s", "goal"), rows)


def _workers(flags, folder):
    """Examples a second of two workers with one core each, and of a process with one core."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise UserError("the section `workers` needs two cores")
    environment = os.environ | {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    speeds = {}
    for number, mine in ((1, cores[:1]), (2, cores[:2])):
        extra = [f"--local_workers={number}"] if number > 1 else []
        place = folder / f"workers-{number}"
        argv = _command(flags, place, "wmt_ende", flags.worker_steps, "--log_steps=10", *extra)
        pinned = ["taskset", "-c", ",".join(map(str, mine)), *argv]
        places = _places(pinned, environment)
        first = flags.worker_steps // 4 // 10 * 10  # what is compiled lies before
        updates = flags.worker_steps - first
        speeds[number] = updates / (places[flags.worker_steps] - places[first])
    # A batch is of all workers together: two that lose nothing make twice as many updates.
    efficiency = speeds[2] / (2 * speeds[1])
    rows = [(f"{n}", f"{speed:.2f}", "", "") for n, speed in speeds.items()]
    rows.append(("2 of 1", "", f"{efficiency:.2f}", "at least 0.85"))
    tables.show("the same batches", ("workers, one core each", "updates/s", "efficiency", "goal"), rows)


def _command(flags, folder, problems, steps, *more):
    options = {
        "problems": problems,
        "source": "sample",
        "data_dir": flags.data_dir,
        "hparams_set": flags.hparams_set,
        "output_dir": folder,
        "train_steps": steps,
        "eval_steps": 1,
        "local_eval_frequency": 0,
    }
    hparams = [f"--hparams={flags.hparams}"] if flags.hparams else []
    return [sys.executable, "-P", "-c", _RUN, *(f"--{k}={v}" for k, v in options.items()), *hparams, *more]


def _places(argv, environment) -> dict[int, float]:
    """After how many seconds a run reported each step."""
    start, places, lines = time.perf_counter(), {}, []
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, env=environment) as process:
        for line in process.stderr:
            lines.append(line)
            if match := _PLACE.match(line):
                places.setdefault(int(match[1]), time.perf_counter() - start)
    if process.returncode:
        raise UserError(f"{json.dumps(argv[4:])} failed: {''.join(lines[-3:])}")
    return places


if __name__ == "__main__":
    raise SystemExit(COMMAND.main(benchmark))
