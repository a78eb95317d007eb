"""Successive halving (Jamieson and Talwalkar 2016): few updates for many trials, more for the best."""

import dataclasses

_MOST = 4


@dataclasses.dataclass(frozen=True)
class Rung:
    """One round.

    Attributes:
      steps: updates that its trials have made at its end.
      trials: how many there are; the best of the rung before.
    """

    steps: int
    trials: int


def rungs(trials: int, steps: int, factor: int) -> tuple[Rung, ...]:
    """The rounds, of which each has `factor` times as many updates as the one before.

    Args:
      trials: of the first round.
      steps: of the last round.
      factor: the best of so many go on, rounded up; with 1 all trials make all updates at once. There are at
        most four rounds, and none without an update.
    """
    counts = [trials]
    while factor > 1 and counts[-1] > 1 and len(counts) < _MOST and steps // factor ** len(counts):
        counts.append(-(-counts[-1] // factor))
    last = len(counts) - 1
    return tuple(Rung(steps // factor ** (last - number), count) for number, count in enumerate(counts))
