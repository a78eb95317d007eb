"""Distillation: the distributions that a trained model, the teacher, predicts are learned by another one."""

import contextlib
import os
from collections.abc import Hashable, Mapping
from typing import Any, Self

import tensorflow as tf

from t2tlite import declarations, registry
from t2tlite.errors import UserError
from t2tlite.hparam import HParams
from t2tlite.hyperparameter import POSITIVE, SHARE, Hyperparameter, Rule
from t2tlite.model import Output, Trainable
from t2tlite.objective import Objective
from t2tlite.objectives.likelihood import Likelihood
from t2tlite.problem import Problem
from t2tlite.run import VOCABULARY_FILE, Run
from t2tlite.types import Batch

# A run is also evaluated and continued from elsewhere.
_ABSOLUTE = Rule("an absolute path", os.path.isabs)


@registry.register_objective
class Distillation(Objective):
    """Divergence from the teacher's distributions, mixed with the likelihood of the targets.

    Hinton et al. 2015, "Distilling the Knowledge in a Neural Network" (arXiv 1503.02531, section 2). With
    weight w and temperature T the loss of a target is (1 - w) times that of `likelihood` or
    `classification`, plus w T^2 KL(teacher || student), where the logits of both are divided by T. The factor
    T^2 keeps the size of the divergence's gradient the same for all T.

    The teacher is the newest checkpoint of a run. It computes in the same compiled update, without dropout
    and dropped experts. Its variables are no part of the student, and so of no checkpoint or export; only
    training and teacher-forced evaluation need its folder.

    Args:
      hparams: the run's `HParams`.
      problem: the `Problem`, of texts or of classes.
      teacher: the `Trainable` that is learned from; its variables must not be trainable.
    """

    HPARAMS = (
        Hyperparameter(
            "teacher",
            str | None,
            "the --output_dir of the run that distillation learns from",
            _ABSOLUTE,
            default=None,
        ),
        Hyperparameter(
            "distillation_temperature",
            float,
            "divides the logits of teacher and student",
            POSITIVE,
            default=1.0,
        ),
        Hyperparameter(
            "distillation_weight",
            float,
            "share of the teacher's distributions in the loss; the rest is that of the targets",
            SHARE,
            default=0.5,
        ),
    )
    FIGURES = {
        **Likelihood.FIGURES,  # loss: as in training, with the divergence
        "divergence": False,  # KL(teacher || student) at the temperature, nats per target
    }
    reads_targets_only = False
    problem: Problem

    @classmethod
    def from_problems(
        cls,
        problems: Mapping[str, Problem],
        hparams: HParams,
        vocabulary: Any,
        labels: Mapping[str, tuple[str, ...]] | None,
    ) -> dict[str, Self]:
        """See `Objective.from_problems`; the problems share the teacher.

        Raises:
          UserError: no teacher is named, it can't be loaded, or it doesn't predict a problem's targets.
        """
        if hparams.teacher is None:
            raise UserError(
                "objective `distillation` needs a teacher; add --hparams=teacher=FOLDER, the absolute path of"
                " a trained run's --output_dir"
            )
        run = Run.load(hparams.teacher)
        for problem in problems.values():
            _check(run, problem, hparams, vocabulary, (labels or {}).get(problem.name))
        with untrainable():
            teacher = run.restore_model()
        return {name: cls(hparams, problem, teacher) for name, problem in problems.items()}

    def __init__(self, hparams: HParams, problem: Problem, teacher: Trainable) -> None:
        super().__init__(hparams, problem)
        self.teacher = teacher
        self.base = _base(problem)(hparams, problem)

    def computation(self) -> Hashable:
        """The teacher may not compute alike what the student does."""
        return self.name, self.problem.name

    def count(self, features: Batch) -> tf.Tensor:
        """How many targets there are."""
        return self.base.count(features)

    def loss(self, output: Output, features: Batch) -> tf.Tensor:
        """See `Objective.loss`."""
        return self._mixed(self.base.loss(output, features), self.divergence(output, features))

    def divergence(self, output: Output, features: Batch) -> tf.Tensor:
        """KL(teacher || student) at the temperature in nats, summed over the targets: float32 scalar."""
        temperature = self.hparams.distillation_temperature
        taught = self.teacher(features, problem=self.problem.name, training=False)
        expected = tf.nn.log_softmax(tf.stop_gradient(taught.logits) / temperature)
        predicted = tf.nn.log_softmax(output.logits / temperature)
        nats = tf.reduce_sum(tf.exp(expected) * (expected - predicted), axis=-1)
        return tf.reduce_sum(nats * self.base.weights(features["targets"]))

    def sums(self, output: Output, features: Batch) -> dict[str, tf.Tensor]:
        """See `Objective.sums`."""
        sums, divergence = self.base.sums(output, features), self.divergence(output, features)
        return {**sums, "loss": self._mixed(sums["loss"], divergence), "divergence": divergence}

    def figures(self, sums: Mapping[str, float]) -> dict[str, float]:
        """See `FIGURES`; and targets and sequences, the numbers of them."""
        return {**self.base.figures(sums), "divergence": sums["divergence"] / sums["count"]}

    def _mixed(self, loss: tf.Tensor, divergence: tf.Tensor) -> tf.Tensor:
        weight = self.hparams.distillation_weight
        scale = self.hparams.distillation_temperature**2
        return (1 - weight) * loss + weight * scale * divergence


def _base(problem: Problem) -> type[Likelihood]:
    """The objective of a problem's target.

    Raises:
      UserError: it predicts no distribution for each target.
    """
    targets = problem.targets
    name = targets.objective if targets is not None else ""
    base = registry.get("objective", name) if name else None
    if base is None or not issubclass(base, Likelihood):
        kind = "nothing" if targets is None else targets.kind
        raise UserError(
            f"objective `distillation` is for targets that are text or a class; those of problem"
            f" `{problem.name}` are {kind}"
        )
    return base


def _check(
    run: Run, problem: Problem, hparams: HParams, vocabulary: Any, labels: tuple[str, ...] | None
) -> None:
    """Raises a UserError unless the run predicts a problem's targets from the same batches."""
    name, teacher = problem.name, f"the teacher in {run.output_dir}"
    _base(problem)
    if name not in run.problems:
        raise UserError(f"{teacher} was not trained on problem `{name}`, but on {', '.join(run.problems)}")
    theirs = run.vocabulary and run.vocabulary.fingerprint
    if problem.has_text() and theirs != vocabulary.fingerprint:
        raise UserError(
            f"{teacher} has another vocabulary; use its own, with --vocab={run.output_dir / VOCABULARY_FILE}"
        )
    if problem.has_classes() and run.labels[name] != labels:
        raise UserError(f"{teacher} has other classes of problem `{name}`: its data was prepared differently")
    for feature in problem.features().values():
        for declared in declarations.of(declarations.Part("feature", feature.kind)):
            name = declared.name
            ours, theirs = getattr(hparams, name), getattr(run.hparams, name)
            if not declared.names and ours != theirs:
                raise UserError(
                    f"{teacher} has {name}={theirs}, and this run {name}={ours}; both read the same"
                    f" batches, so add --hparams={name}={theirs}"
                )


def untrainable() -> contextlib.AbstractContextManager:
    """A scope: no gradient tape watches the variables that are made within, whatever Keras asks for."""
    return tf.variable_creator_scope(lambda creator, **kwargs: creator(**{**kwargs, "trainable": False}))
