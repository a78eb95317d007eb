"""Whether claims held, by a rule that is stated with them."""

import dataclasses

from t2tlite.experiment import Claim
from t2tlite.study import figures
from t2tlite.study.results import Results
from t2tlite.study.statistics import Paired

RULE = (
    "A claim is that a difference over seeds is below a margin (0 for a gain), counted so that lower is "
    "better. It held where the whole 95% confidence interval of the mean (paired t-test) is below the "
    "margin, and did not hold where the whole interval is above it. Otherwise it is undecided, as with one "
    "seed."
)
HELD, NOT_HELD, UNDECIDED = "held", "not held", "undecided"


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What came of a claim.

    Attributes:
      claim: the `Claim`.
      word: `HELD`, `NOT_HELD` or `UNDECIDED`.
      difference: the training's figure less the reference's; None where no seed has both.
    """

    claim: Claim
    word: str
    difference: Paired | None


def of(results: Results) -> list[Verdict]:
    """The verdict on each claim of the experiment."""
    return [_verdict(claim, results) for claim in results.plan.claims]


def _verdict(claim: Claim, results: Results) -> Verdict:
    difference = results.difference(claim.training, claim.reference, claim.problem, claim.figure)
    if difference is None:
        return Verdict(claim, UNDECIDED, None)
    worst, best = difference.high, difference.low
    if figures.higher_is_better(claim.problem, claim.figure):
        worst, best = -difference.low, -difference.high
    word = HELD if worst < claim.margin else NOT_HELD if best > claim.margin else UNDECIDED
    return Verdict(claim, word, difference)
