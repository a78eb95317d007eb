"""Training a run: what `t2t-train` does, and `t2tlite.train`."""

import dataclasses
import functools
import os
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec

from t2tlite import hparam, quiet, registry, shards
from t2tlite.api import problems as given_problems
from t2tlite.api.problems import Problems
from t2tlite.api.trained import TrainedRun
from t2tlite.errors import UserError

if TYPE_CHECKING:
    import keras

    from t2tlite.hparam import HParams
    from t2tlite.run import Run
    from t2tlite.training.early_stopping import EarlyStopping
    from t2tlite.training.strategy import Replicas

P = ParamSpec("P")
Names = str | Sequence[str]
STEPS = 12000
STRATEGIES = ("auto", "one", "mirrored", "multiworker", "tpu")
NONFINITE = ("stop", "skip", "restore")
AT_LEAST = {
    "max_length": 0,
    "seed": 0,
    "worker_gpu": 0,
    "train_steps": 1,
    "max_seconds": 0,
    "save_checkpoints_steps": 1,
    "keep_checkpoint_max": 1,
    "log_steps": 1,
    "local_eval_frequency": 0,
    "eval_steps": 0,
    "decode_eval_frequency": 0,
    "decode_eval_examples": 0,
    "eval_early_stopping_patience": 1,
}


@dataclasses.dataclass(kw_only=True)
class Training:
    """The training of one model on one or many problems, as `t2t-train` does it.

    The arguments have the names and defaults of its flags, and are checked at once, without TensorFlow. A run
    that is already in the folder is resumed, if all that decides its results is the same.

    Args:
      problems: names (as one text with commas, or a list), classes or instances of `Problem`. Classes and
        instances are registered, see `t2tlite.register`, and their data is prepared if it is missing.
      output_dir: folder of the run.
      hparams_set: name of a registered set of hyperparameters.
      hparams: changes to it, `{"hidden_size": 64}` or "hidden_size=64".
      gin_file, gin_bindings: further changes, as gin files and as their lines.
      vocab: path of a sentencepiece model; None: one is learned from the problems' texts.
      max_length: longest text in subwords; 0: the last of the hyperparameter `length_bounds`.
      freeze: parts of the model that don't train.
      seed: of everything random, below 2**31. It also sets that of Python, NumPy and Keras.
      strategy: one of `STRATEGIES`.
      worker_gpu: GPUs to use; 0: all.
      shard: one of `shards.KINDS`, what replicas share.
      data_dir: folder of the prepared data; None: `data` in the run's folder.
      source, source_dir, tmp_dir: where examples come from, as for `t2t-datagen`.
      generate_data: whether to prepare data that is missing; sample data always is.
      fraction: share of the training examples by problem, `{"imagenet": 0.5}` or "imagenet:0.5".
      warm_start_from: a run or checkpoint whose weights a new run begins with.
      warm_start_map: what has another name there, each OLD:NEW.
      train_steps: updates in all; None: 12,000, or what `max_seconds` allow where the schedule ends with it.
      max_seconds: seconds after which to save and return; 0: none.
      save_checkpoints_steps, keep_checkpoint_max: updates between checkpoints, and how many to keep.
      log_steps: updates between two lines of metrics.jsonl for each problem.
      local_eval_frequency: updates between evaluations; 0: only at the end.
      eval_steps: batches of one evaluation of a problem; 0: the whole split.
      decode_eval_frequency: updates between decoded evaluations; 0: none.
      decode_eval_examples: examples they decode of a problem; 0: the whole split.
      dry_run: whether a new run first tries each problem's largest batch.
      on_nonfinite: one of `NONFINITE`: what to do about an update that is not finite.
      profile_steps: updates to trace, such as "200:209".
      eval_early_stopping_metric: PROBLEM/FIGURE or mean/FIGURE that has to get better; None: no early stop.
      eval_early_stopping_patience: after so many evaluations that were not better.
      t2t_usr_dir: folders with modules of your own.
      callbacks: of Keras, as `t2tlite/training/callbacks.py` calls them.

    Raises:
      UserError: an argument is unknown, out of range or doesn't fit the others.
    """

    problems: Problems
    output_dir: str | os.PathLike
    hparams_set: str = "multimodel_base"
    hparams: str | Mapping[str, Any] = ""
    gin_file: Names = ()
    gin_bindings: Names = ()
    vocab: str | os.PathLike | None = None
    max_length: int = 0
    freeze: Names | None = None
    seed: int = 0
    strategy: str = "auto"
    worker_gpu: int = 0
    shard: str = "none"
    data_dir: str | os.PathLike | None = None
    source: str = "files"
    source_dir: str | None = None
    tmp_dir: str | None = None
    generate_data: bool = False
    fraction: str | Mapping[str, float] | None = None
    warm_start_from: str | os.PathLike | None = None
    warm_start_map: Names | None = None
    train_steps: int | None = None
    max_seconds: float = 0
    save_checkpoints_steps: int = 1000
    keep_checkpoint_max: int = 3
    log_steps: int = 100
    local_eval_frequency: int = 2000
    eval_steps: int = 10
    decode_eval_frequency: int = 0
    decode_eval_examples: int = 64
    dry_run: bool = True
    on_nonfinite: str = "stop"
    profile_steps: str | None = None
    eval_early_stopping_metric: str | None = None
    eval_early_stopping_patience: int = 5
    t2t_usr_dir: Names = ()
    callbacks: "Collection[keras.callbacks.Callback]" = ()

    def __post_init__(self) -> None:
        from t2tlite import run
        from t2tlite.data.stored import fractions
        from t2tlite.training import renaming, stages

        self._check_values()
        self._usr_dirs = _several(self.t2t_usr_dir) or run.usr_dirs_of(self.output_dir)
        with quiet.without_notes():
            for folder in self._usr_dirs:
                registry.import_usr_dir(folder)
        self._problems = registry.problems(given_problems.names(self.problems))
        names = [problem.name for problem in self._problems]
        fraction = self.fraction
        self._fraction = fractions.parse(
            fractions.describe(fraction) if isinstance(fraction, Mapping) else fraction, names
        )
        gin = _several(self.gin_file), _several(self.gin_bindings)
        selection = self.hparams_set, self.hparams, *gin, self._problems
        self._changes = hparam.changes(*selection)
        hparams = hparam.get(*selection)
        if self.max_length:
            hparams = hparams.replace(max_length=self.max_length)
        if self.freeze:
            hparams = hparams.replace(freeze=given_problems.listed(self.freeze))
        stages.of(hparams)
        self._hparams: HParams = hparams
        self._warm_start_map = tuple(
            str(renaming.parse(text)) for text in given_problems.listed(self.warm_start_map)
        )
        if self._warm_start_map and not self.warm_start_from:
            raise UserError("--warm_start_map needs --warm_start_from")
        for problem in self._problems:
            problem.check_source(self.source)
            problem.configure(hparams)
        self._stopping = self._early_stopping()

    def run(self) -> TrainedRun:
        """Trains, or resumes.

        In the main thread Ctrl-C and SIGTERM save first; other threads don't hear of them.

        Raises:
          UserError: data or devices are missing, the folder holds another run, or a loss is not finite.
          KeyboardInterrupt: Ctrl-C was pressed; the run is saved, and the same call resumes it.
        """
        deadline = time.monotonic() + self.max_seconds if self.max_seconds else None
        notes: list[str] = []
        run, replicas = self._made(notes.append)
        from t2tlite.decoding.evaluate import DecodedEvaluation
        from t2tlite.training import profile, trainer

        intervals = trainer.Intervals(
            train_steps=self._train_steps(),
            save=self.save_checkpoints_steps,
            keep=self.keep_checkpoint_max,
            log=self.log_steps,
            evaluate=self.local_eval_frequency,
            eval_steps=self.eval_steps,
            decode=self.decode_eval_frequency,
            profile=profile.parse(self.profile_steps),
        )
        decode = None
        if self.decode_eval_frequency:
            decode = DecodedEvaluation(limit=self.decode_eval_examples or None)
        with replicas.errors():
            trained = trainer.Trainer(
                run,
                intervals,
                decode,
                self._stopping,
                replicas,
                self.on_nonfinite,
                self.dry_run,
                deadline,
                self.callbacks,
            )
            if decode:
                decode.check(run, trained.model)
            for note in notes if replicas.is_chief else ():  # now that nothing of them is refused
                print(note, file=sys.stderr, flush=True)
            trained.train()
        return TrainedRun(run.output_dir)

    def on_paper(self, devices: int, memory: float) -> str:
        """What the training takes of so many devices with so many bytes each, which need not be there.

        Raises:
          UserError: data is missing, or the folder holds another run.
        """
        run, _ = self._made(lambda note: None, devices)
        from t2tlite.training import memory_plan

        return memory_plan.on_paper(run, self.shard, devices, memory)

    def _made(self, say: Callable[[str], None], devices: int = 0) -> "tuple[Run, Replicas]":
        """The run in its folder, for so many replicas (0: those that train it), and these."""
        quiet.start_tensorflow(strategy_follows=True)
        import keras

        from t2tlite.training import callbacks, profile, strategy, warm_start

        callbacks.check(self.callbacks)
        profile.parse(self.profile_steps)
        # Before TensorFlow does anything else.
        replicas = strategy.make(self.strategy, self.worker_gpu, self.shard)
        quiet.first_operation()
        if replicas.shard == "experts" and self.decode_eval_frequency:
            raise UserError(
                "--decode_eval_frequency needs all experts on one device; leave it out with --shard=experts, "
                "and use t2t-eval"
            )
        if self.warm_start_from:
            warm_start.check(self.warm_start_from, self.output_dir)
        # Before any text is tokenized: setting the seed drops tokenizers, and what was built with them.
        keras.utils.set_random_seed(self.seed)
        with replicas.errors(), replicas.chief_first():
            return self._make_run(devices or replicas.number, say), replicas

    def _make_run(self, replicas: int, say: Callable[[str], None]) -> "Run":
        """Has the data prepared, and describes the run in its folder."""
        from t2tlite.data.inspection import bounds
        from t2tlite.training import launch

        data_dir = self.data_dir or f"{self.output_dir}/data"
        may_generate = self.generate_data or self.source == "sample"
        # Those that no t2t-datagen would find are prepared in any case.
        mine = [one for one in self._problems if given_problems.is_of_this_process(one.name)]
        others = [one for one in self._problems if one not in mine]
        for problems, generate in ((others, may_generate), (mine, True)):
            if problems:
                launch.prepare(
                    problems, data_dir, self.source, self.source_dir, self.tmp_dir, may_generate=generate
                )
        return launch.make_run(
            self.output_dir,
            ",".join(problem.name for problem in self._problems),
            self._hparams,
            data_dir,
            self.source,
            self.seed,
            self._usr_dirs,
            self.vocab,
            self.warm_start_from,
            self._warm_start_map,
            extend=[name for name in bounds.names() if name not in self._changes],
            replicas=replicas,
            say=say,
            fraction=self._fraction,
        )

    def _check_values(self) -> None:
        for name, least in AT_LEAST.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise UserError(f"--{name} must be at least {least}. Received: {value}")
        if self.seed >= 2**31:
            raise UserError(f"--seed must be less than 2147483648. Received: {self.seed}")
        for name, values in (("strategy", STRATEGIES), ("shard", shards.KINDS), ("on_nonfinite", NONFINITE)):
            if getattr(self, name) not in values:
                raise UserError(
                    f"--{name} must be one of {', '.join(values)}. Received: {getattr(self, name)}"
                )

    def _train_steps(self) -> int:
        from t2tlite.training import horizon

        if self.train_steps is None and self.max_seconds and horizon.ends_with_training(self._hparams):
            return horizon.MOST
        return self.train_steps or STEPS

    def _early_stopping(self) -> "EarlyStopping | None":
        if not self.eval_early_stopping_metric:
            return None
        quiet.start_tensorflow(strategy_follows=True)  # which objectives need, who know their figures
        from t2tlite.training.early_stopping import EarlyStopping

        stopping = EarlyStopping(
            self.eval_early_stopping_metric, self.eval_early_stopping_patience, self._problems
        )
        needed = "decode_eval_frequency" if stopping.is_decoded else "local_eval_frequency"
        if not getattr(self, needed):
            raise UserError(f"--eval_early_stopping_metric={stopping.monitor} needs --{needed}")
        return stopping


def _as_function(training: Callable[P, Training]) -> Callable[P, TrainedRun]:
    """A function of the same arguments, which editors and type checkers see, that also runs the training."""

    @functools.wraps(training, updated=())
    def train(*args: P.args, **kwargs: P.kwargs) -> TrainedRun:
        return training(*args, **kwargs).run()

    train.__name__ = train.__qualname__ = "train"
    return train


train = _as_function(Training)


def _several(values: Names) -> tuple[str, ...]:
    """One text or several, in which commas mean nothing."""
    return (values,) if isinstance(values, str) else tuple(values)
