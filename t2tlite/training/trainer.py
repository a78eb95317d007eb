"""The training loop."""

import dataclasses
import math
import time

import tensorflow as tf

from t2tlite.data import damage, mixing, pipeline
from t2tlite.errors import UserError
from t2tlite.metrics import teacher_forced
from t2tlite.run import CHECKPOINTS, Run
from t2tlite.training import checkpoint, interrupt
from t2tlite.training.averaging import averaged
from t2tlite.training.evaluate import Evaluator
from t2tlite.training.log import MetricsLog, Progress
from t2tlite.training.optimizers import make_optimizer
from t2tlite.training.step import make_train_step


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
    """

    train_steps: int
    save: int = 1000
    keep: int = 3
    log: int = 100
    evaluate: int = 1000
    eval_steps: int = 10
    decode: int = 0


class Trainer:
    """Trains the model of a run, from its newest checkpoint if there is one.

    Args:
      run: the `Run`; its prepared data must be complete.
      intervals: how long and how often.
      evaluate_decoded: of run and model, `{problem: {metric: value}}` of the validation split's outputs; None
        for no decoded evaluations.
      early_stopping: an `EarlyStopping`, or None.
    """

    def __init__(self, run: Run, intervals: Intervals, evaluate_decoded=None, early_stopping=None):
        self.run = run
        self.evaluate_decoded = evaluate_decoded
        self.early_stopping = early_stopping
        self.intervals = intervals
        self.model = run.make_model()
        self.optimizer = make_optimizer(run.hparams, self.model.trainable_variables)
        self.datasets = {name: self._dataset(problem) for name, problem in run.problems.items()}
        self.iterators = {name: iter(dataset) for name, dataset in self.datasets.items()}
        self.train_steps = {
            name: make_train_step(self.model, self.optimizer, name, run.seed, dataset.element_spec)
            for name, dataset in self.datasets.items()
        }
        self.evaluator = Evaluator(run, self.model)
        sizes = {
            name: pipeline.size(problem, "train", run.data_dir) for name, problem in run.problems.items()
        }
        names = list(run.problems)
        rates = mixing.parse_rates(run.hparams.mixing, names, sizes)
        self.mixing = mixing.Mixing(rates, run.hparams.order, run.seed, names)
        self.step = 0
        self.pending: dict[str, list] = {}  # problem -> statistics since the last log interval
        self.folder = run.output_dir / CHECKPOINTS

    def train(self):
        """Runs the loop to `train_steps`; a run stopped anywhere goes on with the same losses.

        Raises:
          UserError: a loss is not finite, or a checkpoint can't be read or written.
          KeyboardInterrupt: Ctrl-C was pressed; the update it fell in is done and saved.
        """
        newest = checkpoint.newest(self.folder)
        if newest:
            meta = checkpoint.restore(newest, self.model, self.optimizer, self.iterators)
            self.step, self.pending = meta["step"], meta["pending"]
            if self.early_stopping:
                self.early_stopping.restore(meta.get("early_stopping"))
        self.log = MetricsLog(self.run.output_dir, self.step)
        self.progress = Progress(self.step, self.intervals.train_steps)
        if newest:
            self.progress.say(f"going on from step {self.step} ({newest})")
        size = sum(math.prod(variable.shape) for variable in self.model.trainable_variables)
        self.progress.say(
            f"{len(self.run.problems)} problems, {size:,} parameters; the first update of each problem is "
            "compiled, which takes some seconds"
        )
        self._tell_too_long()
        try:
            with interrupt.deferred() as interrupted:
                while self.step < self.intervals.train_steps and not self._stopped_early():
                    problem = self.mixing.problem_at(self.step)
                    self._update(problem)
                    self.step += 1
                    last = self.step == self.intervals.train_steps
                    self._evaluate(last)
                    last = last or self._stopped_early()
                    if self.step % self.intervals.log == 0 or last:
                        self._log()
                    stop = interrupted()
                    if self.step % self.intervals.save == 0 or last or stop:
                        self.save()
                    if stop:
                        self.progress.say(f"saved at step {self.step}; the same command goes on from there")
                        raise KeyboardInterrupt
                if self._stopped_early():
                    self.progress.say(f"stopped early at step {self.step}: {self.early_stopping}")
        finally:
            self.log.close()

    def _tell_too_long(self):
        run = self.run
        for name, problem in run.problems.items():
            found = pipeline.too_long(problem, "train", run.data_dir, run.vocabulary, run.hparams)
            if found.dropped:
                self.progress.say(f"{name}: {found}")

    def _evaluate(self, last: bool):
        """Makes the evaluations that are due; figures of the same step and problem are one line."""
        intervals = self.intervals
        found: dict[str, dict[str, float]] = {}
        with averaged(self.optimizer):
            if last or _due(self.step, intervals.evaluate):
                for name in self.run.problems:
                    found[name] = self.evaluator.evaluate(name, "validation", intervals.eval_steps or None)
            if self.evaluate_decoded and (last or _due(self.step, intervals.decode)):
                for name, figures in self.evaluate_decoded(self.run, self.model).items():
                    found[name] = {**found.get(name, {}), **figures}
        for name, figures in found.items():
            self.log.write(self.step, name, "validation", figures)
            self.progress.say(f"step {self.step}  validation {name}: {_told(figures)}")
        if self.early_stopping:
            # Not that of the last step: a run that goes on further would not have made it there.
            interval = intervals.decode if self.early_stopping.is_decoded else intervals.evaluate
            if _due(self.step, interval):
                self.early_stopping.update(self.step, found)

    def _stopped_early(self) -> bool:
        return self.early_stopping is not None and self.early_stopping.stopped

    def save(self):
        self.log.flush()  # first, so that no checkpoint knows of steps that the log does not
        meta = {"pending": self.pending, "problems": list(self.run.problems)}
        meta["early_stopping"] = self.early_stopping and self.early_stopping.state()
        checkpoint.save(
            self.folder, self.step, self.model, self.optimizer, self.iterators, meta, self.intervals.keep
        )

    def _update(self, problem: str):
        start = time.monotonic()
        with damage.errors(self.run.problems[problem], "train", self.run.data_dir):
            batch = next(self.iterators[problem])
        waited = time.monotonic() - start
        statistics = self.train_steps[problem](batch, tf.constant(self.step))
        statistics = {name: float(value) for name, value in statistics.items()}
        if not math.isfinite(statistics["loss"] + statistics["gradient_norm"]):
            raise UserError(
                f"the loss of `{problem}` at step {self.step} is {statistics['loss']} (gradient norm "
                f"{statistics['gradient_norm']}); train in another --output_dir with a lower "
                "--hparams=learning_rate=..., or with more warmup_steps"
            )
        self.pending.setdefault(problem, []).append(statistics)
        self.progress.update(self.step + 1, problem, statistics["loss"], statistics["targets"], waited)

    def _log(self):
        """Tells each problem's means since the last time; `share` is that of its updates."""
        updates = sum(len(seen) for seen in self.pending.values())
        asked = self.mixing.shares(self.step - 1)
        for problem, seen in self.pending.items():
            figures = {name: sum(s[name] for s in seen) / len(seen) for name in seen[0]}
            figures |= {"updates": len(seen), "share": len(seen) / updates, "share_asked": asked[problem]}
            figures["learning_rate"] = float(self.optimizer.learning_rate)
            self.log.write(self.step, problem, "train", figures)
        self.pending = {}
        self.progress.log(self.step)

    def _dataset(self, problem):
        run = self.run
        return pipeline.dataset(
            problem,
            "train",
            run.data_dir,
            run.vocabulary,
            run.labels.get(problem.name),
            run.hparams,
            run.seed,
            training=True,
        )


def _due(step: int, interval: int) -> bool:
    return interval > 0 and step % interval == 0


def _told(figures: dict[str, float]) -> str:
    """Teacher-forced figures, then "decoded" and the metrics of the outputs."""
    parts = []
    if "log_perplexity" in figures:
        parts.append(
            f"log-perplexity {figures['log_perplexity']:.3f}, accuracy {100 * figures['accuracy']:.1f}%, "
            f"whole {100 * figures['sequence_accuracy']:.1f}%"
        )
    known = {*teacher_forced.HIGHER_IS_BETTER, "targets", "sequences"}
    decoded = [f"{name} {value:.2f}" for name, value in figures.items() if name not in known]
    return "; ".join([*parts, *(["decoded " + ", ".join(decoded)] if decoded else [])])
