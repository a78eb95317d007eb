"""What a predictor gives for one input: Prediction with its Hypotheses, and Score."""

import dataclasses
import html
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from t2tlite.tables import Table

_BEST = 5  # classes that are given with their probability


@dataclasses.dataclass(frozen=True)
class Hypothesis:
    """One of several outputs for an input.

    Attributes:
      text: what the model wrote.
      log_probability: in nats, the end token's included.
      score: by which outputs are ranked: log_probability / length penalty, or for samples log_probability.
    """

    text: str
    log_probability: float
    score: float


@dataclasses.dataclass(frozen=True)
class Prediction:
    """The output for one input.

    Attributes:
      text: what the model wrote, or the name of the class.
      score: its log-probability in nats.
      probabilities: (class, probability) of the likeliest classes, best first; empty for text.
      error: why there is no output; "" where there is one.
      beams: all outputs that were asked for, best first: of a search the best alone unless `return_beams`,
        and all samples; empty for classes.
    """

    text: str
    score: float = 0.0
    probabilities: tuple[tuple[str, float], ...] = ()
    error: str = ""
    beams: tuple[Hypothesis, ...] = ()

    def _repr_html_(self) -> str:
        """Classes with their probabilities, outputs with their scores, or the error, for a notebook."""
        if self.error:
            return f"<em>{html.escape(self.error)}</em>"
        if self.probabilities:
            rows = [[name, f"{probability:.1%}"] for name, probability in self.probabilities]
            return Table("", ["class", "probability"], rows)._repr_html_()
        beams = self.beams or (Hypothesis(self.text, self.score, self.score),)
        rows = [[beam.text, f"{beam.log_probability:.3f}", f"{beam.score:.3f}"] for beam in beams]
        return Table("", ["output", "log-probability (nats)", "score"], rows)._repr_html_()


@dataclasses.dataclass(frozen=True)
class Score:
    """How likely the model holds a given output to be.

    Attributes:
      log_probability: in nats, the end token's included.
      units: (subword unit, its log-probability) one after the other, the end token last; or the class.
      error: why there is none; "" where there is one.
    """

    log_probability: float
    units: tuple[tuple[str, float], ...] = ()
    error: str = ""


def prediction_of_outputs(
    vocabulary: Any, ids: np.ndarray, log_probability: np.ndarray, score: np.ndarray
) -> Prediction:
    """The prediction of one input's `Outputs`: `[outputs, length]`, `[outputs]`, `[outputs]`."""
    beams = tuple(
        Hypothesis(vocabulary.decode(row), float(p), float(s))
        for row, p, s in zip(ids, log_probability, score, strict=True)
        if s > -math.inf
    )
    best = beams[0] if beams else Hypothesis("", -math.inf, -math.inf)
    return Prediction(best.text, best.log_probability, beams=beams)


def prediction_of_classes(names: Sequence[str], probabilities: np.ndarray) -> Prediction:
    """The prediction of one input's probabilities `[classes]`."""
    best = np.argsort(-probabilities, kind="stable")[:_BEST]
    ranked = tuple((names[i], float(probabilities[i])) for i in best)
    return Prediction(ranked[0][0], math.log(max(ranked[0][1], 1e-37)), ranked)
