"""Objective: what is learned of a problem, and which figures tell how well."""

from collections.abc import Mapping
from typing import Any, ClassVar

import tensorflow as tf

from t2tlite import registry


class Objective:
    """Base class of objectives; register one with `@registry.register_objective`.

    A problem names its objective, or its target does. One object serves the update, the dry run, evaluations,
    the choice of the best checkpoints, early stopping and the Keras model. All sums are over the rows it is
    given: who calls it adds those of replicas and micro-steps, and divides by the count of all of them.

    Attributes:
      name: under which it is registered.
      FIGURES: `{figure: whether a higher value is the better one}` that `figures` may give. By the first that
        it does give the best checkpoint is chosen.

    Args:
      hparams: the run's `HParams`.
    """

    name: str = ""
    FIGURES: ClassVar[Mapping[str, bool]] = {"loss": False}

    def __init__(self, hparams):
        self.hparams = hparams

    def targets(self, features: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """What of a batch the loss compares the logits with; to be overridden where there are no targets.

        Args:
          features: a batch of the problem's pipeline.
        """
        return features["targets"]

    def count(self, targets) -> tf.Tensor:
        """By what the loss of a batch is divided: float32 scalar, such as the number of its targets."""
        raise NotImplementedError(f"objective `{self.name}` defines no count")

    def loss(self, logits, targets) -> tf.Tensor:
        """What an update lessens, summed over what `count` counts: float32 scalar.

        Args:
          logits: what the model gives, see `t2tlite.model.Output`.
          targets: of the batch, as `targets` gives them.
        """
        raise NotImplementedError(f"objective `{self.name}` defines no loss")

    def sums(self, logits, targets) -> dict[str, tf.Tensor]:
        """Sums over a batch, float32 scalars, from which `figures` computes those of an evaluation.

        Among them are "loss" and "count", and "sequences", the number of examples.
        """
        rows = tf.cast(tf.shape(targets)[0], tf.float32)
        return {"loss": self.loss(logits, targets), "count": self.count(targets), "sequences": rows}

    def figures(self, sums: Mapping[str, float]) -> dict[str, float]:
        """The figures of an evaluation, from the sums over all of its batches."""
        return {"loss": sums["loss"] / sums["count"]}


def of(problem, hparams) -> Objective:
    """The objective of a problem."""
    return registry.get("objective", problem.objective_name())(hparams)


def all_of(problems: Mapping[str, Any], hparams) -> dict[str, Objective]:
    """The objective of each problem, by name."""
    return {name: of(problem, hparams) for name, problem in problems.items()}


def figures_of(problem) -> Mapping[str, bool]:
    """The figures that an evaluation of a problem may give, and whether a higher one is better."""
    return registry.get("objective", problem.objective_name()).FIGURES


def score(problem, figures: Mapping[str, float]) -> float | None:
    """By what the checkpoints are compared, lower being better; None where there is no such figure."""
    for name, higher_is_better in figures_of(problem).items():
        if name in figures:
            return -float(figures[name]) if higher_is_better else float(figures[name])
    return None
