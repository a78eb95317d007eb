"""What a predictor gives for one input: Prediction with its Hypotheses, and Score."""

import dataclasses


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
