"""Bounds that follow the data: more of them where too many examples would be left out."""

import math
from collections.abc import Collection, Mapping

import numpy as np

from t2tlite.data.inspection.lengths import Lengths, TooLong, measures
from t2tlite.hparam import HParams

_RATIO = 1.5  # at most, of a bound to the one before: what a batch pads is less than a third


def names() -> tuple[str, ...]:
    """The hyperparameters that hold bounds of lengths."""
    return tuple(measures())


def extended(
    hparams: HParams, lengths: Mapping[str, Lengths], names: Collection[str], replicas: int = 1
) -> HParams:
    """The hyperparameters with bounds added, until at most `max_left_out` of each problem is left out.

    The longest share of the examples decides no bound, so that a single outlier makes none. A bound never
    gets longer than what a batch with one example for each replica can have; `told` says so where that
    leaves out more.

    Args:
      lengths: of the training split, by problem.
      names: hyperparameters that may be extended: "length_bounds", which also needs `max_length` 0, and
        "seconds_bounds".
      replicas: that share a batch.
    """
    names = _open(hparams, names)
    needed: dict[str, int] = {}
    for of_problem in lengths.values():
        for name, longest in _needed(hparams, of_problem, names).items():
            needed[name] = max(longest, needed.get(name, 0))
    added = {name: _added(hparams, name, longest, replicas) for name, longest in needed.items()}
    return hparams.replace(**{name: (*getattr(hparams, name), *more) for name, more in added.items()})


def describe(
    requested: HParams,
    hparams: HParams,
    lengths: Mapping[str, Lengths],
    names: Collection[str],
    replicas: int = 1,
) -> list[str]:
    """What a person should know of it, a line each: the bounds that were added, and what is left out.

    Args:
      requested: the hyperparameters before `extended`.
      hparams: those after it.
      lengths, names, replicas: as for `extended`.
    """
    lines = []
    for name, measure in measures().items():
        bounds, before = getattr(hparams, name), getattr(requested, name)
        if bounds != before:
            problem, share = _worst(requested, name, lengths)
            more = ", ".join(f"{bound:g}" for bound in bounds[len(before) :])
            lines.append(
                f"{name}: added {more}, since {share:.1%} of {problem} are longer than {before[-1]:g} "
                f"{measure.noun} (max_left_out={hparams.max_left_out:g}; {measure.flags} sets bounds)"
            )
    for problem, of_problem in lengths.items():
        too_long = of_problem.too_long(hparams)
        if too_long.dropped:
            advice = [
                flag
                for name in of_problem.values
                for flag in _advice(hparams, name, of_problem, too_long, names, replicas)
            ]
            lines.append(f"{problem}: {too_long}; {' or '.join(advice)} changes that")
    return lines


def _open(hparams: HParams, names: Collection[str]) -> list[str]:
    return [name for name in names if measures()[name].may_grow(hparams)]


def _needed(hparams: HParams, lengths: Lengths, names: Collection[str]) -> dict[str, int]:
    """The lengths that bounds must hold for a problem; empty where they hold enough."""
    rest = np.ones(lengths.seen, bool)  # what no fixed bound leaves out
    for name in lengths.values.keys() - set(names):
        rest &= ~lengths.longer(name, hparams)
    values = {name: lengths.values[name][rest] for name in names if name in lengths.values}
    if not values:
        return {}
    excess = np.max([value / _last(name, hparams) for name, value in values.items()], axis=0)
    fitting = np.argsort(excess, kind="stable")[: len(excess) - _allowed(hparams, lengths, len(excess))]
    if not len(fitting):
        return {}
    longest = {name: int(value[fitting].max()) for name, value in values.items()}
    return {name: value for name, value in longest.items() if value > _last(name, hparams)}


def _last(name: str, hparams: HParams) -> int:
    return measures()[name].limits(hparams)[-1]


def _allowed(hparams: HParams, lengths: Lengths, number: int) -> int:
    """How many of so many may be left out."""
    share = hparams.max_left_out
    expected = share * number
    if lengths.seen < lengths.size:  # two standard deviations less, since the others may be longer
        expected -= 2 * math.sqrt(expected * (1 - share))
    return max(0, math.floor(expected + 1e-9))


def _added(hparams: HParams, name: str, longest: int, replicas: int) -> list[float]:
    """Bounds after the last one, as far apart as each other, up to one that holds the longest."""
    measure = measures()[name]
    last, step = getattr(hparams, name)[-1], measure.step
    top = min(math.ceil(longest / measure.unit / step) * step, _most(hparams, name, replicas))
    if top <= last:
        return []
    number = math.ceil(math.log(top / last) / math.log(_RATIO) - 1e-9)
    ratio = (top / last) ** (1 / number)
    inner = [math.ceil(last * ratio**i / step) * step for i in range(1, number)]
    rising = [bound for bound in dict.fromkeys(inner) if last < bound < top]
    return [*rising, top]


def _most(hparams: HParams, name: str, replicas: int) -> float:
    """The longest bound with which a batch has an example for each replica."""
    budget = getattr(hparams, measures()[name].budget)
    return budget // replicas if isinstance(budget, int) else budget / replicas


def _worst(hparams: HParams, name: str, lengths: Mapping[str, Lengths]) -> tuple[str, float]:
    """The problem of which the bounds of one hyperparameter leave out the most, and the share."""
    shares = {
        problem: of_problem.longer(name, hparams).mean()
        for problem, of_problem in lengths.items()
        if name in of_problem.values
    }
    problem = max(shares, key=shares.__getitem__)
    return problem, shares[problem]


def _advice(
    hparams: HParams, name: str, lengths: Lengths, too_long: TooLong, names: Collection[str], replicas: int
) -> list[str]:
    """The flags that let fewer of a problem's examples be too long."""
    longer = lengths.longer(name, hparams)
    if not longer.any():
        return []
    extendable = name in _open(hparams, names) and too_long.share > hparams.max_left_out
    measure = measures()[name]
    if extendable and getattr(hparams, name)[-1] + measure.step > _most(hparams, name, replicas):
        return [f"a larger --hparams={measure.budget}="]  # a batch can't hold longer ones
    return [measure.flags]
