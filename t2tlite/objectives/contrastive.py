"""Contrastive learning: the two inputs of a pair are represented alike, and unlike those of other pairs."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from t2tlite import registry
from t2tlite.errors import UserError
from t2tlite.features.encoding import MARK
from t2tlite.features.measure import deciding
from t2tlite.hparam import HParams
from t2tlite.hyperparameter import POSITIVE, Hyperparameter, one_of
from t2tlite.layers import replicas
from t2tlite.layers.masking import masked_mean
from t2tlite.model import Embeddable, Output
from t2tlite.objective import Objective
from t2tlite.problem import Problem
from t2tlite.types import Batch

_BLOCK = 1024  # rows that are compared with all others at a time
_SAME = 1e-6  # cosines that differ by no more are the same, but for rounding


@registry.register_objective
class Contrastive(Objective):
    """Two named inputs are embedded apart from each other, and each is to find its own pair in the batch.

    An input's embedding is the mean of its encoded positions, padding left out, divided by its length; s_ij
    is the product of the i-th first input with the j-th second one. `contrastive_loss` of a first input i is

    * `info_nce`: the cross-entropy of softmax_j(s_ij / temperature) (van den Oord et al. 2018, arXiv
      1807.03748). It is halved, so that both directions together are their mean (Radford et al. 2021, "CLIP",
      arXiv 2103.00020, figure 3);
    * `sum_of_violations`: the sum over the others of max(0, margin - s_ii + s_ij) (Kiros et al. 2014, arXiv
      1411.2539);
    * `hardest`: the largest of these (Faghri et al. 2018, "VSE++", arXiv 1707.05612, equation 6).

    To it that of the i-th second input is added, among all first ones. The others are the rows of the whole
    batch on all replicas; with `accumulate`, of a micro-step. Equal inputs in a batch count as different.

    Args:
      hparams: the run's `HParams`.
      problem: the `Problem`, of two named inputs; its targets are not read.

    Raises:
      UserError: the problem has other inputs.
    """

    HPARAMS = (
        Hyperparameter(
            "contrastive_loss",
            str,
            "how the pairs of a batch are compared",
            one_of("info_nce", "sum_of_violations", "hardest"),
            default="info_nce",
        ),
        Hyperparameter(
            "contrastive_temperature", float, "divides the cosines of info_nce", POSITIVE, default=0.07
        ),
        Hyperparameter(
            "contrastive_margin",
            float,
            "by which a pair's cosine is to exceed others, of sum_of_violations and hardest",
            POSITIVE,
            default=0.2,
        ),
    )
    # Recall: the share in [0, 1] of inputs whose pair is the most similar, or among the 5 most similar, of
    # all that are evaluated together. `recall_at_1` is that of first inputs, in the order of
    # `Problem.inputs`, which look for second ones, and `reverse_recall_at_1` that of second inputs.
    FIGURES = {
        "mean_recall": True,  # of the four
        "recall_at_1": True,
        "recall_at_5": True,
        "reverse_recall_at_1": True,
        "reverse_recall_at_5": True,
        "loss": False,  # per pair, as in training: within the batches of the evaluation
    }
    reads_targets_only = False
    reads_targets = False
    across_replicas = True

    def __init__(self, hparams: HParams, problem: Problem) -> None:
        super().__init__(hparams, problem)
        features = problem.inputs.named("inputs")
        if len(features) != 2 or any(feature.optional for feature in features.values()):
            raise UserError(
                f"objective `contrastive` compares two named inputs, neither of them optional; problem"
                f" `{problem.name}` has {problem.inputs.kind}"
            )
        self._sides = tuple(features)
        measure = deciding(problem.features().values())[0].measure
        self._most = max(measure.plan(hparams).sizes)  # rows of a batch, or more

    def computation(self) -> Hashable:
        """By the names of the inputs, which it asks for."""
        return self.name, *self._sides

    def forward(
        self,
        model: Any,
        features: Batch,
        problem: str,
        training: bool,
        values: Sequence[tf.Tensor] | None = None,
    ) -> Output:
        """The embeddings of both inputs, a pair of float32 `[batch, hidden]` of length 1.

        Raises:
          UserError: the model is no `Embeddable`.
        """
        if not isinstance(model, Embeddable):
            raise UserError(
                f"objective `contrastive` needs a model that is `Embeddable` (t2tlite/model.py), and"
                f" `{self.hparams.model}` is not"
            )
        embeddings, experts = [], {}
        for side in self._sides:
            source, statistics = model.encode(features, problem, training, only=side)
            mean = masked_mean(tf.cast(source.x, tf.float32), source.mask)
            embeddings.append(tf.math.l2_normalize(mean, axis=-1))
            if statistics:
                experts[f"encoder/{side.rpartition(MARK)[2]}"] = statistics
        return Output(tuple(embeddings), experts)

    def count(self, features: Batch) -> tf.Tensor:
        """How many pairs there are."""
        return tf.cast(tf.shape(features[self._sides[0]])[0], tf.float32)

    def loss(self, output: Output, features: Batch) -> tf.Tensor:
        """See `Objective.loss`; of the rows that are given, among those of all replicas."""
        candidates, places = replicas.gathered(output.logits, self._most)
        return tf.add_n(
            [
                tf.reduce_sum(self._losses(tf.matmul(mine, theirs, transpose_b=True), places))
                for mine, theirs in zip(output.logits, reversed(candidates), strict=True)
            ]
        )

    def _losses(self, cosines: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
        """Of each row `[rows]`, in one direction.

        Args:
          cosines: `[rows, rows of the whole batch]`.
          places: int32 `[rows]`, where in the whole batch the rows are.
        """
        if self.hparams.contrastive_loss == "info_nce":
            logits = cosines / self.hparams.contrastive_temperature
            return 0.5 * tf.nn.sparse_softmax_cross_entropy_with_logits(places, logits)
        positive = tf.gather(cosines, places, batch_dims=1)[:, None]
        violations = tf.nn.relu(self.hparams.contrastive_margin - positive + cosines)
        violations *= 1 - tf.one_hot(places, tf.shape(cosines)[1], dtype=cosines.dtype)
        hardest = self.hparams.contrastive_loss == "hardest"
        return tf.reduce_max(violations, axis=1) if hardest else tf.reduce_sum(violations, axis=1)

    def sums(self, output: Output, features: Batch) -> dict[str, tf.Tensor]:
        """See `Objective.sums`; with the embeddings, float32 `[batch, hidden]`."""
        first, second = output.logits
        return {**super().sums(output, features), "first": first, "second": second}

    def figures(self, sums: Mapping[str, Any]) -> dict[str, float]:
        """See `FIGURES`; and candidates, among how many a pair is looked for."""
        recalls = {}
        for prefix, queries, candidates in (("", "first", "second"), ("reverse_", "second", "first")):
            for most, share in recall(sums[queries], sums[candidates], (1, 5)).items():
                recalls[f"{prefix}recall_at_{most}"] = share
        return {
            "loss": sums["loss"] / sums["count"],
            "mean_recall": sum(recalls.values()) / len(recalls),
            **recalls,
            "candidates": sums["count"],
            "sequences": sums["sequences"],
        }


def recall(queries: np.ndarray, candidates: np.ndarray, cutoffs: tuple[int, ...]) -> dict[int, float]:
    """In which share of the rows the pair is among the most similar candidates, by how many these are.

    Of candidates that are as similar as the pair any may come first: a row then counts with the probability
    that the pair is among the most similar. So embeddings that are all the same have the recall of chance.

    Args:
      queries, candidates: `[rows, size]`, of length 1; the pairs are rows of the same number.
      cutoffs: how many candidates are looked at.
    """
    candidates = np.asarray(candidates, np.float64)
    hits = dict.fromkeys(cutoffs, 0.0)
    for start in range(0, len(queries), _BLOCK):
        rows = np.asarray(queries[start : start + _BLOCK], np.float64)
        cosines = rows @ candidates.T
        positive = np.sum(rows * candidates[start : start + _BLOCK], axis=1, keepdims=True)
        better = np.sum(cosines > positive + _SAME, axis=1)
        equal = np.sum(np.abs(cosines - positive) <= _SAME, axis=1)
        for most in cutoffs:
            hits[most] += np.sum(np.clip((most - better) / equal, 0.0, 1.0))
    return {most: float(value / len(queries)) for most, value in hits.items()}
