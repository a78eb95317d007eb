"""The updates of a run: the compiled functions of the stage that it is in."""

from collections.abc import Callable, Mapping, Sequence

import keras
import tensorflow as tf

from t2tlite.data.reading import pipeline
from t2tlite.errors import UserError
from t2tlite.model import Trainable
from t2tlite.objective import Objective
from t2tlite.plural import counted
from t2tlite.run import Run
from t2tlite.training import paths, stages, warm_start
from t2tlite.training.optimizers import begin_anew, set_schedule
from t2tlite.training.step import Accumulator, make_train_steps
from t2tlite.training.strategy import Replicas
from t2tlite.training.weights import Weights
from t2tlite.types import Batch


class Updates:
    """A function of batches and a step that updates the model.

    A stage has functions of its own, compiled anew. At its beginning the optimizer begins anew, too. That
    depends on the step alone, so a run that goes on, or goes back, does what it would have done.

    Args:
      run: the `Run`.
      model, optimizer, objectives: what is trained, how, and for what.
      specs: `{problem: spec of its batches}`.
      replicas: the `Replicas`.
      say: is given what there is to say of a stage.
      weights: of the problems' losses; None for the plain sum.

    Raises:
      UserError: stages can't be read, or freeze what isn't there or everything; or a batch has fewer examples
        than there are replicas.
    """

    def __init__(
        self,
        run: Run,
        model: Trainable,
        optimizer: keras.optimizers.Optimizer,
        objectives: Mapping[str, Objective],
        specs: Mapping[str, dict[str, tf.TensorSpec]],
        replicas: Replicas,
        say: Callable[[str], None],
        weights: Weights | None = None,
    ) -> None:
        self._run, self._model, self._optimizer = run, model, optimizer
        self._objectives, self._specs, self._replicas = objectives, specs, replicas
        self._say, self._weights = say, weights
        _check_batches(run, replicas)
        self._stages = stages.of(run.hparams)
        trainable = [variable.path for variable in model.trainable_variables]
        self._frozen = {stage: paths.frozen(stage.freeze, trainable) for stage in self._stages}
        self._stage: stages.Stage | None = None  # that the functions are of
        self._entered: stages.Stage | None = None
        self._make(self._stages[0])

    def __call__(self, batches: Sequence[tuple[str, Batch]], step: int) -> list[dict[str, tf.Tensor]]:
        """One update.

        Args:
          batches: pairs of a problem's name and this worker's rows of a batch of it.
          step: of the update.

        Returns:
          The statistics of each batch, see `make_train_steps`.
        """
        return self._update(batches, step)

    def check_sources(self, step: int) -> None:
        """Looks for what stages that have yet to begin after so many updates begin with.

        Raises:
          UserError: it isn't there.
        """
        for stage in self._stages:
            if stage.source and stage.start >= step:
                warm_start.find(stage.source, stages.SOURCE)

    def make_largest(self) -> None:
        """Makes the functions of the stage that trains most, for the dry run."""
        self._make(min(self._stages, key=lambda stage: len(self._frozen[stage])))

    def enter(self, step: int) -> bool:
        """Enters the stage of the update that follows so many, unless the run is in it.

        Returns:
          Whether there are new functions, which are compiled when they are first called.
        """
        stage = stages.at(self._stages, step)
        if stage is self._entered:
            return False
        lines = [self._description(stage)]
        if step == stage.start > 0:
            if stage.source:
                lines.append(warm_start.load(stage.source, self._model, stage.renames, stages.SOURCE))
            begin_anew(self._optimizer)
        self._entered = stage
        for text in filter(None, lines):
            self._say(text)
        return self._make(stage)

    def leave(self) -> None:
        """The run goes back to a checkpoint: `enter` has to look again which stage it is in."""
        self._entered = None

    def _make(self, stage: stages.Stage) -> bool:
        if stage is self._stage:
            return False
        self._stage = stage
        set_schedule(self._optimizer, stage.learning_rate, stage.decay_steps)
        hparams = self._run.hparams
        options = self._replicas, _compiles(hparams.jit_compile, self._replicas), self._frozen[stage]
        common = self._model, self._optimizer, self._objectives, self._run.seed, self._specs
        if hparams.accumulate > 1:
            self._update = Accumulator(*common, hparams.accumulate, *options).update
            return True
        steps = make_train_steps(*common, *options, self._weights)

        def update(batches: Sequence[tuple[str, Batch]], step: int) -> list[dict[str, tf.Tensor]]:
            [(problem, batch)] = batches
            return [steps[problem](batch, tf.constant(step))]

        self._update = update
        return True

    def _description(self, stage: stages.Stage) -> str:
        """What a person should know of a stage; nothing where all of the model trains in a single one."""
        frozen = self._frozen[stage]
        if len(self._stages) == 1 and not frozen:
            return ""
        place = self._stages.index(stage) + 1
        title = f"stage {place} of {len(self._stages)}, from step {stage.start}, "
        title = title if len(self._stages) > 1 else ""
        title += f"learning rate {stage.learning_rate:g}; parameters:"
        kind = {True: "frozen", False: "trained"}
        variables = self._model.trainable_variables
        counts = paths.counts(variables, lambda path: kind[path in frozen])
        return paths.table(title, ("trained", "frozen"), counts)


def _check_batches(run: Run, replicas: Replicas) -> None:
    for name, problem in run.problems.items():
        least = min(pipeline.batch_plan(problem, run.hparams).sizes)
        if least < replicas.number:
            raise UserError(
                f"a batch of `{name}` has {counted(least, 'example')} for {replicas.number} replicas; raise "
                "--hparams=batch_tokens=,batch_images=,batch_seconds=, which are of all replicas together"
            )


def _compiles(jit_compile: str, replicas: Replicas) -> bool:
    """Whether XLA is used: where there is an accelerator, unless the hyperparameter says so or otherwise.

    Raises:
      UserError: it can't be.
    """
    if replicas.shard == "experts":  # what XLA compiles can't talk to other replicas
        if jit_compile == "true":
            raise UserError("--shard=experts can't be compiled; use --hparams=jit_compile=false")
        return False
    if jit_compile == "auto":
        return bool(tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("TPU"))
    return jit_compile == "true"
