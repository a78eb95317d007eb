"""The training loop."""

import contextlib
import dataclasses
import pathlib
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from t2tlite import objective, shards
from t2tlite.checkpoints import CHECKPOINTS, best_checkpoints, checkpoint
from t2tlite.checkpoints.averaging import averaged
from t2tlite.data.reading import mixing, pipeline
from t2tlite.data.reading.reader import ReadConfig
from t2tlite.data.stored import damage
from t2tlite.model import Trainable
from t2tlite.plural import counted
from t2tlite.problem import Problem
from t2tlite.run import Run
from t2tlite.training import (
    dry_run,
    expert_load,
    guard,
    horizon,
    interrupt,
    memory,
    memory_plan,
    renaming,
    warm_start,
)
from t2tlite.training.callbacks import Callbacks
from t2tlite.training.early_stopping import EarlyStopping
from t2tlite.training.evaluate import Evaluator
from t2tlite.training.log import TENSORBOARD, MetricsLog, NoLog
from t2tlite.training.optimizers import make_optimizer, set_pace
from t2tlite.training.profile import Profiler
from t2tlite.training.progress import NoProgress, Progress
from t2tlite.training.staged import Updates
from t2tlite.training.strategy import Replicas
from t2tlite.training.weights import Weights
from t2tlite.types import Batch


@dataclasses.dataclass(frozen=True)
class Intervals:
    """How long to train, and how often to do what, in updates.

    Attributes:
      train_steps: updates in all, those of earlier runs in the same folder included.
      save: between two checkpoints; there is always one at the end.
      keep: number of checkpoints to keep.
      log: between two lines of metrics.jsonl for each problem.
      evaluate: between two evaluations; 0 for none but that at the end.
      eval_steps: batches of one evaluation of one problem; 0 for the whole split.
      decode: between two decoded evaluations; 0 for none but that at the end.
      profile: first and last update of each range to be traced, from 1.
    """

    train_steps: int
    save: int = 1000
    keep: int = 3
    log: int = 100
    evaluate: int = 2000
    eval_steps: int = 10
    decode: int = 0
    profile: Sequence[tuple[int, int]] = ()


@dataclasses.dataclass(frozen=True)
class _Made:
    """An update whose figures have yet to be read: the updates before it, its batches and statistics."""

    step: int
    batches: Sequence[tuple[str, Batch]]
    results: Sequence[dict[str, tf.Tensor]]
    waited: float  # seconds for each batch


class Trainer:
    """Trains the model of a run, from its newest checkpoint if there is one.

    Args:
      run: the `Run`; its prepared data must be complete.
      intervals: how long and how often.
      evaluate_decoded: of run and model, `{problem: {metric: value}}` of the validation split's outputs; None
        for no decoded evaluations.
      early_stopping: an `EarlyStopping`, or None.
      replicas: the `Replicas` that share every update; default: those of the current strategy.
      on_nonfinite: what comes of an update that is not finite, one of `guard.MODES`.
      try_first: whether to begin with `memory_plan.check`, and a new run with `dry_run.check`.
      deadline: `time.monotonic()` after which to save and leave; None for never. A schedule that ends with
        the training ends with it, see `Horizon`.
      callbacks: of Keras; `t2tlite/training/callbacks.py` says what is called.
    """

    def __init__(
        self,
        run: Run,
        intervals: Intervals,
        evaluate_decoded: Callable[[Run, Trainable], Mapping[str, Mapping[str, float]]] | None = None,
        early_stopping: EarlyStopping | None = None,
        replicas: Replicas | None = None,
        on_nonfinite: str = "stop",
        try_first: bool = True,
        deadline: float | None = None,
        callbacks: Collection[keras.callbacks.Callback] = (),
    ) -> None:
        self.run = run
        self.replicas = replicas or Replicas()
        self.horizon = horizon.of(run.hparams, intervals.train_steps, deadline, self.replicas)
        self.deadline = None if self.horizon else deadline  # by which to leave within a schedule
        self.evaluate_decoded = evaluate_decoded
        self.early_stopping = early_stopping
        self.intervals = intervals
        self.memory = memory_plan.check(run, self.replicas) if try_first else ""
        with self.replicas.scope():
            self.model = run.make_model()
            self.optimizer = make_optimizer(
                run.hparams, self.model.trainable_variables, self.replicas.sharing_moments
            )
            self.objectives = objective.all_of(run.problems, run.hparams, run.vocabulary, run.labels)
            self.callbacks = Callbacks(callbacks, self.model, intervals.train_steps, self.replicas)
            weights = Weights.of(run.hparams, list(run.problems), self.optimizer)
        self._splits = {name: run.split(name, "train") for name in run.problems}
        with self.replicas.chief_first():  # what it writes beside the data is there for the others
            self.datasets = self._datasets()
        self.iterators = {name: iter(dataset) for name, dataset in self.datasets.items()}
        self.micro_steps = run.hparams.accumulate
        specs = {name: dataset.element_spec for name, dataset in self.datasets.items()}
        self._updates = Updates(
            run, self.model, self.optimizer, self.objectives, specs, self.replicas, self._say, weights
        )
        self.evaluator = Evaluator(run, self.model, self.objectives, self.replicas)
        sizes = {name: split.size for name, split in self._splits.items()}
        names = list(run.problems)
        rates = mixing.parse_rates(run.hparams.mixing, names, sizes)
        self.mixing = mixing.Mixing(rates, run.hparams.order, run.seed, names, self.micro_steps)
        self.try_first = try_first
        self.expert_load = expert_load.ExpertLoad(names)
        scaled = run.hparams.precision == "mixed_float16"
        self.guard = guard.Guard(run, on_nonfinite, scaled, self._say, writes=self.replicas.is_chief)
        self.step = 0
        self._unread: _Made | None = None
        self._compiled: set[str] = set()  # problems whose update is compiled
        self.scores: dict[str, float] = {}  # of an evaluation at this step
        self.pending: dict[str, list] = {}  # problem -> statistics since the last log interval
        self.folder = run.output_dir / CHECKPOINTS

    def train(self) -> None:
        """Runs the loop to `train_steps`; a run stopped anywhere goes on with the same losses.

        Raises:
          UserError: a loss is not finite, or a checkpoint can't be read or written.
          KeyboardInterrupt: Ctrl-C was pressed; the update it fell in is done and saved.
          Terminated: SIGTERM came; the same.
        """
        resumed = checkpoint.resume(self.folder, self.model, self.optimizer, self.iterators, _say)
        if resumed:
            newest, meta = resumed
            self._take_up(meta)
        else:
            self.guard.start(0, None)
            if self.horizon:
                self.horizon.restore(0, None)
        chief = self.replicas.is_chief
        self.log: MetricsLog | NoLog = MetricsLog(self.run.output_dir, self.step) if chief else NoLog()
        self.progress: Progress | NoProgress = Progress(self.step, self._end()) if chief else NoProgress()
        self.profiler = Profiler(self.intervals.profile, self.run.output_dir / TENSORBOARD, self._say)
        self._updates.check_sources(self.step)
        if not resumed and self.run.warm_start_from:
            renames = [renaming.parse(text) for text in self.run.warm_start_map]
            self.progress.say(warm_start.load(self.run.warm_start_from, self.model, renames))
        if resumed:
            self.progress.say(f"going on from step {self.step} ({newest})")
            if meta.get("replicas", 1) != self.replicas.number:
                self.progress.say(
                    f"on {counted(self.replicas.number, 'replica')}, after {meta.get('replicas', 1)} before: "
                    "the batches are the same, and so are the losses but for rounding and what full "
                    "experts drop"
                )
        size = shards.size(self.model.trainable_variables)
        self.progress.say(
            f"{counted(len(self.run.problems), 'problem')}, {counted(size, 'parameter')}; the first update "
            "of each problem is compiled, which takes some seconds"
        )
        if self.memory:
            self.progress.say(self.memory)
        if self.try_first and not resumed:
            self._updates.make_largest()
            dry_run.check(self.run, self.model, self.optimizer, self._updates, self.replicas)
            self._compiled = set(self.run.problems)
            memory.release()
        self.callbacks.train_begin()
        try:
            with interrupt.deferred(self.deadline) as interrupted:
                while self.step < self._end() and not self._stopped_early():
                    try:
                        if self._go_on(interrupted):
                            break
                    except guard.GoBack as reason:
                        self._go_back(reason)
                if self._stopped_early():
                    why = "a callback asked for it" if self.callbacks.stopped else self.early_stopping
                    self.progress.say(f"stopped early at step {self.step}: {why}")
            self.callbacks.train_end()
        finally:
            self.progress.close()
            self.profiler.close()
            self.log.close()

    def _go_on(self, interrupted: Callable[[], int]) -> bool:
        """One update and what is due after it; returns whether to leave."""
        if self._updates.enter(self.step):
            self._compiled = set()
        with self.profiler.update(self.step + 1):
            self._update()
        self.step += 1
        last = self.horizon.updated(self.step) if self.horizon else self.step == self._end()
        last = last or self.callbacks.stopped
        if self.step % self.intervals.log == 0 or last:
            self._log()
        self._evaluate(last)
        if self._stopped_early() and self.pending:
            self._log()
        last = last or self._stopped_early()
        stop = interrupt.shared(interrupted(), self.replicas.total)
        best = self._is_best()
        due = self.horizon is not None and self.horizon.is_due(self.step)
        if self.step % self.intervals.save == 0 or last or stop or best or due:
            self.save()
            # A signal may have come meanwhile.
            stop = stop or interrupt.shared(interrupted(), self.replicas.total)
        if not stop or last:
            return False
        self.progress.say(interrupt.describe(stop, self.step))
        interrupt.leave(stop)
        return True

    def _take_up(self, meta: Mapping[str, Any]) -> None:
        """Goes on from what is in a checkpoint besides variables and iterators."""
        self._unread = None
        self.step, self.pending = meta["step"], meta["pending"]
        self.guard.start(self.step, meta.get("guard"))
        self.expert_load.restore(meta.get("expert_load"))
        if self.early_stopping:
            self.early_stopping.restore(meta.get("early_stopping"))
        if self.horizon:
            self.horizon.restore(self.step, meta.get("horizon"))

    def _go_back(self, reason: guard.GoBack) -> None:
        self._say(str(reason))
        self.log.close()
        newest = checkpoint.newest(self.folder)
        assert newest is not None  # the guard has seen it
        self._take_up(checkpoint.restore(newest, self.model, self.optimizer, self.iterators))
        self._updates.leave()
        if self.replicas.is_chief:
            self.log = MetricsLog(self.run.output_dir, self.step)

    def _say(self, text: str) -> None:
        self.progress.say(text)

    def _evaluate(self, last: bool) -> None:
        """Makes the evaluations that are due; figures of the same step and problem are one line."""
        intervals = self.intervals
        decoded = self.evaluate_decoded and (last or _due(self.step, intervals.decode))
        if last or _due(self.step, intervals.evaluate) or decoded:
            self._read()
            self.callbacks.test_begin()
        evaluations: dict[str, dict[str, float]] = {}
        with averaged(self.optimizer):
            if last or _due(self.step, intervals.evaluate):
                for name in self.run.problems:
                    evaluations[name] = self.evaluator.evaluate(
                        name, "validation", intervals.eval_steps or None
                    )
            if self.evaluate_decoded and decoded:
                for name, figures in self.evaluate_decoded(self.run, self.model).items():
                    evaluations[name] = {**evaluations.get(name, {}), **figures}
        if evaluations:
            self.callbacks.test_end(evaluations)
        self.scores = best_checkpoints.scores(evaluations, self.run.problems)
        for name, figures in evaluations.items():
            self.log.write(self.step, name, "validation", figures)
            line = _summary(self.run.problems[name], figures)
            self.progress.say(f"step {self.step}  validation {name}: {line}")
        if self.early_stopping:
            # Not that of the last step: a run that goes on further would not have made it there.
            interval = intervals.decode if self.early_stopping.is_decoded else intervals.evaluate
            if _due(self.step, interval):
                self.early_stopping.update(self.step, evaluations)

    def _end(self) -> int:
        """The update after which training ends, as far as is known."""
        return (self.horizon and self.horizon.end) or self.intervals.train_steps

    def _stopped_early(self) -> bool:
        by_metric = self.early_stopping is not None and self.early_stopping.stopped
        return by_metric or self.callbacks.stopped

    def _is_best(self) -> bool:
        """Whether a score is the best so far; no worker saves before all have looked."""
        better = best_checkpoints.is_better(self.folder, self.scores)
        return self.replicas.any(better) if self.scores else False

    def save(self) -> None:
        self._read()
        if self.horizon and self.horizon.decide(self.step):
            self.progress.ends(self._end())
            self.progress.say(f"step {self.step}  {self.horizon}")
        self.log.flush()  # first, so that no checkpoint knows of steps that the log does not
        meta: dict[str, Any] = {"pending": self.pending, "problems": list(self.run.problems)}
        meta |= {"guard": self.guard.state(), "expert_load": self.expert_load.state()}
        meta["early_stopping"] = self.early_stopping and self.early_stopping.state()
        meta["horizon"] = self.horizon and self.horizon.state()
        meta["replicas"] = self.replicas.number
        with contextlib.ExitStack() as stack:
            folder = self.folder
            together = self.replicas if self.replicas.shard != "none" else None
            if not self.replicas.is_chief and not together:  # all have to save, and one to keep it
                folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
            checkpoint.save(
                folder,
                self.step,
                self.model,
                self.optimizer,
                self.iterators,
                meta,
                self.intervals.keep,
                self.scores,
                together,
            )
        memory.release()  # what evaluations and other shapes of batches have left

    def _update(self) -> None:
        """Takes a batch for each micro-step, and updates the model once."""
        self.callbacks.update_begin(self.step)
        first = self.step * self.micro_steps
        names = [self.mixing.problem_at(first + number) for number in range(self.micro_steps)]
        start = time.monotonic()
        batches = [(name, self._next(name)) for name in names]
        waited = (time.monotonic() - start) / len(names)
        if self.guard.leaves_out(self.step, batches):
            self.callbacks.update_end(self.step, ())
            return
        if self.horizon:
            set_pace(self.optimizer, self.horizon.factor(self.step))
        results = self._updates(batches, self.step)
        self._read()  # of the update before, while this one is computed
        self._unread = _Made(self.step, batches, results, waited)
        if first_time := set(names) - self._compiled:
            self._compiled |= first_time
            memory.release()  # what compiling has left
        if self.callbacks:  # which are told before the next begins
            self._read()

    def _read(self) -> None:
        """Reads the figures of the newest update, which waits for it, unless they have been read.

        An accelerator computes an update while the next one is prepared, so they are read one update late. No
        harm is done: an update that is not finite changed nothing. Before a line of the log, an evaluation
        and a checkpoint all are read.

        Raises:
          UserError: they are not finite, as `Guard.accepts` says.
          GoBack: the same.
        """
        made, self._unread = self._unread, None
        if made is None:
            return
        results = [expert_load.parted(statistics) for statistics in made.results]
        taken = self.guard.accepts(made.step, made.batches, [figures for _, figures in results])
        if taken:
            for (name, batch), (choices, figures) in zip(made.batches, results, strict=True):
                self.expert_load.add(name, choices)
                self._take(made.step + 1, name, batch, figures, made.waited)
        every = [(name, figures) for (name, _), (_, figures) in zip(made.batches, results, strict=True)]
        self.callbacks.update_end(made.step, every if taken else ())

    def _next(self, problem: str) -> Batch:
        with damage.errors(self._splits[problem]):
            return next(self.iterators[problem])

    def _take(
        self, step: int, problem: str, batch: Batch, statistics: dict[str, float], waited: float
    ) -> None:
        self.pending.setdefault(problem, []).append(statistics)
        examples = len(next(iter(batch.values()))) * self.replicas.workers
        self.progress.update(step, problem, {**statistics, "examples": examples}, waited)

    def _log(self) -> None:
        """Tells each problem's means since the last time; `share` is that of its updates."""
        self._read()
        updates = sum(len(rows) for rows in self.pending.values())
        shares = self.mixing.shares(self.step * self.micro_steps - 1)
        for problem, rows in self.pending.items():
            figures = {name: sum(s[name] for s in rows) / len(rows) for name in rows[0]}
            figures |= {
                "updates": len(rows),
                "share": len(rows) / updates,
                "share_asked": shares[problem],
            }
            figures |= self.guard.take_skipped(problem)
            figures["learning_rate"] = float(self.optimizer.learning_rate)
            self.log.write(self.step, problem, "train", figures)
        if isinstance(self.progress, Progress):  # the chief's
            speed = {f"speed/{name}": value for name, value in self.progress.speed().items()}
            images = {f"experts/{place}": image for place, image in self.expert_load.images().items()}
            self.log.show(self.step, "train", speed, images)
            self.expert_load.write(self.run.output_dir, self.step)
        self.expert_load.clear()
        self.pending = {}
        self.progress.log(self.step)

    def _datasets(self) -> dict[str, tf.data.Dataset]:
        config = ReadConfig(training=True, seed=self.run.seed, rows=self.replicas.rows)
        return {
            name: pipeline.dataset(split, self.run.hparams, config) for name, split in self._splits.items()
        }


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _due(step: int, interval: int) -> bool:
    return interval > 0 and step % interval == 0


def _summary(problem: Problem, figures: dict[str, float]) -> str:
    """The objective's figures, then "decoded" and the metrics of the outputs."""
    parts = []
    known = objective.figures_of(problem)
    first = next((name for name in known if name in figures), None)
    if first:
        shares = [
            f"{label} {100 * figures[name]:.1f}%"
            for name, label in (("accuracy", "accuracy"), ("sequence_accuracy", "whole"))
            if name in known and name in figures
        ]
        parts.append(", ".join([f"{first.replace('_', '-')} {figures[first]:.3f}", *shares]))
    decoded = [f"{name} {value:.2f}" for name, value in figures.items() if name in problem.metrics]
    return "; ".join([*parts, *(["decoded " + ", ".join(decoded)] if decoded else [])])
