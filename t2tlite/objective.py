"""Objective: what is learned of a problem, and which figures tell how well."""

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar, Self

import tensorflow as tf

from t2tlite import registry
from t2tlite.errors import UserError
from t2tlite.hparam import HParams
from t2tlite.model import Output
from t2tlite.problem import Problem
from t2tlite.types import Batch


class Objective:
    """Base class of objectives; register one with `@registry.register_objective`.

    A problem names its objective, or its target does. One object serves the update, the dry run, evaluations,
    the choice of the best checkpoints, early stopping and the Keras model. All sums are over the rows it is
    given: who calls it adds those of replicas and micro-steps, and divides by the count of all of them.

    What compares the rows of a batch with each other sets `across_replicas` and asks
    `t2tlite.layers.replicas.gathered` for those of the other replicas. The rows of a micro-step are compared
    with each other alone: of several micro-steps (`accumulate`) only one is held at a time.

    Attributes:
      name: under which it is registered.
      FIGURES: `{figure: whether a higher value is the better one}` that `figures` may give. By the first that
        it does give the best checkpoint is chosen.
      reads_targets_only: whether the loss is a function of logits and targets alone, as a Keras loss is.
      reads_targets: whether it can't be learned of a problem without targets.
      across_replicas: whether `loss` asks other replicas for their rows. It is then never compiled by XLA
        where there are several, since compiled code can't talk to them; `forward` still is.

    Args:
      hparams: the run's `HParams`.
      problem: the `Problem` that is learned; None for a Keras loss.

    Raises:
      UserError: the problem has no targets, and the objective reads them.
    """

    name: str = ""
    FIGURES: ClassVar[Mapping[str, bool]] = {"loss": False}
    reads_targets_only: ClassVar[bool] = True
    reads_targets: ClassVar[bool] = True
    across_replicas: ClassVar[bool] = False

    def __init__(self, hparams: HParams, problem: Problem | None = None) -> None:
        self.hparams, self.problem = hparams, problem
        if self.reads_targets and problem is not None and problem.targets is None:
            raise UserError(
                f"objective `{self.name}` needs targets, and problem `{problem.name}` has none; name an"
                " objective that needs none, such as `contrastive`"
            )

    @classmethod
    def from_problems(
        cls,
        problems: Mapping[str, Any],
        hparams: HParams,
        vocabulary: Any,
        labels: Mapping[str, tuple[str, ...]] | None,
    ) -> dict[str, Self]:
        """The objective of each problem, by name; override it to load what they share.

        It is called where the run's variables are made.

        Args:
          problems: those that have this objective, by name.
          hparams: the run's `HParams`.
          vocabulary: the `Vocabulary` of all text, or None.
          labels: `{problem name: tuple of class names}` for problems with a label.
        """
        return {name: cls(hparams, problem) for name, problem in problems.items()}

    def computation(self) -> Hashable:
        """A key. Problems with the same one share what is compiled, if the model computes them alike.

        Override it where `forward`, `count`, `loss` or `sums` depend on the problem.
        """
        return self.name

    def forward(
        self, model: Any, features: Batch, problem: str, training: bool, values: Any = None
    ) -> Output:
        """What `loss` and `sums` read of a batch; default: what a call of the model gives.

        Override it where the model is asked for something else, such as embeddings. It may be compiled by
        XLA, so it can't talk to other replicas.

        Args:
          model: the `Trainable`.
          features: the batch.
          problem: the problem's name, or that of another one with the same `computation`.
          training: whether dropout and the like take part.
          values: see `Trainable.__call__`.
        """
        return model(features, problem=problem, training=training, values=values)

    def count(self, features: Batch) -> tf.Tensor:
        """By what the loss of a batch is divided: float32 scalar, such as the number of its targets.

        Args:
          features: a batch of the problem's pipeline.
        """
        raise NotImplementedError(f"objective `{self.name}` defines no count")

    def loss(self, output: Output, features: Batch) -> tf.Tensor:
        """What an update lessens, summed over what `count` counts: float32 scalar.

        Args:
          output: what `forward` gives of the batch.
          features: the batch.
        """
        raise NotImplementedError(f"objective `{self.name}` defines no loss")

    def sums(self, output: Output, features: Batch) -> dict[str, tf.Tensor]:
        """What `figures` computes the figures of an evaluation from.

        Float32 scalars, which are sums over the batch and added up over the batches; among them "loss" and
        "count", and "sequences", the number of examples. And tensors `[batch, ...]`, of which the rows of all
        batches are put together.
        """
        rows = tf.cast(tf.shape(next(iter(features.values())))[0], tf.float32)
        return {"loss": self.loss(output, features), "count": self.count(features), "sequences": rows}

    def figures(self, sums: Mapping[str, Any]) -> dict[str, float]:
        """The figures of an evaluation, from the floats and arrays that `sums` gave of all of its batches."""
        return {"loss": sums["loss"] / sums["count"]}


def all_of(
    problems: Mapping[str, Any],
    hparams: HParams,
    vocabulary: Any = None,
    labels: Mapping[str, tuple[str, ...]] | None = None,
) -> dict[str, Objective]:
    """The objective of each problem, by name; arguments as for `Objective.from_problems`."""
    names = {name: problem.objective_name() for name, problem in problems.items()}
    objectives: dict[str, Objective] = {}
    for objective in dict.fromkeys(names.values()):
        learned = {name: problems[name] for name in problems if names[name] == objective}
        objectives |= registry.get("objective", objective).from_problems(learned, hparams, vocabulary, labels)
    return {name: objectives[name] for name in problems}


def overrides_forward(problem: Problem) -> bool:
    """Whether a problem's objective asks the model for something else than a call gives."""
    return registry.get("objective", problem.objective_name()).forward is not Objective.forward


def figures_of(problem: Problem) -> Mapping[str, bool]:
    """The figures that an evaluation of a problem may give, and whether a higher one is better."""
    return registry.get("objective", problem.objective_name()).FIGURES


def score(problem: Problem, figures: Mapping[str, float]) -> float | None:
    """By what the checkpoints are compared, lower being better; None where there is no such figure."""
    for name, higher_is_better in figures_of(problem).items():
        if name in figures:
            return -float(figures[name]) if higher_is_better else float(figures[name])
    return None
