"""Stages of a run: from which update on what is trained, how fast, and from which weights."""

import dataclasses
import math
import shlex
from collections.abc import Sequence

from t2tlite.errors import UserError
from t2tlite.hparam import HParams
from t2tlite.nearest import did_you_mean
from t2tlite.training import renaming

SOURCE = "a stage's from="  # as which errors call it
_NAMES = ("freeze", "learning_rate", "from", "map")
_EXPECTED = "expected such as `@0 freeze=encoder` and `@2000 learning_rate=0.0003`"


@dataclasses.dataclass(frozen=True)
class Stage:
    """A stage begins with a new optimizer: moments, averages and the learning rate's schedule begin anew.

    Attributes:
      start: updates before it.
      freeze: patterns of variables that don't train, see `paths.frozen`.
      learning_rate, decay_steps: those of its schedule, see `Schedule`.
      source: the run or checkpoint whose weights it begins with, where they fit; None: it keeps those that
        there are.
      renames: what of the source is called otherwise here.
    """

    start: int
    freeze: tuple[str, ...]
    learning_rate: float
    decay_steps: int
    source: str | None = None
    renames: tuple[renaming.Rename, ...] = ()


def of(hparams: HParams) -> tuple[Stage, ...]:
    """The stages that the hyperparameters name, at least one.

    What a stage doesn't name is as in the hyperparameters. A cosine schedule ends with its stage, and that of
    the last one at the update `learning_rate_decay_steps`.

    Raises:
      UserError: they can't be read, or are not in their order.
    """
    if not hparams.stages:
        return (Stage(0, hparams.freeze, hparams.learning_rate, hparams.learning_rate_decay_steps),)
    stages = [_parsed(text, hparams) for text in hparams.stages]
    if stages[0].start:
        raise UserError(f"stages={hparams.stages[0]}: the first stage begins at @0; {_EXPECTED}")
    for text, before, stage in zip(hparams.stages[1:], stages, stages[1:], strict=False):
        if stage.start <= before.start:
            raise UserError(f"stages={text}: must begin after @{before.start}, the stage before it")
    if stages[0].source:
        raise UserError(
            f"stages={hparams.stages[0]}: what a run begins with is --warm_start_from={stages[0].source}"
        )
    if hparams.learning_rate_schedule != "cosine":
        return tuple(stages)
    ends = [*(stage.start for stage in stages[1:]), hparams.learning_rate_decay_steps]
    if ends[-1] <= stages[-1].start:
        raise UserError(
            f"stages={hparams.stages[-1]}: begins when the schedule `cosine` has ended; raise "
            f"learning_rate_decay_steps={ends[-1]} to the number of updates that you train"
        )
    return tuple(
        dataclasses.replace(stage, decay_steps=end - stage.start)
        for stage, end in zip(stages, ends, strict=True)
    )


def at(stages: Sequence[Stage], step: int) -> Stage:
    """The stage of the update that follows so many."""
    return [stage for stage in stages if stage.start <= step][-1]


def _parsed(text: str, hparams: HParams) -> Stage:
    try:
        place, *words = shlex.split(text)
    except ValueError as error:
        raise UserError(f"stages={text}: {error}; {_EXPECTED}") from None
    if not place.startswith("@") or not place[1:].isdecimal():
        raise UserError(f"stages={text}: `{place}` is no step; {_EXPECTED}")
    settings: dict[str, list[str]] = {}
    for word in words:
        name, _, value = word.partition("=")
        if name not in _NAMES:
            near = did_you_mean(name, _NAMES)
            raise UserError(
                f"stages={text}: a stage has no `{name}`{near}; it has {', '.join(_NAMES)} (name=value)"
            )
        settings.setdefault(name, []).append(value)
    for name in ("learning_rate", "from"):
        if len(settings.get(name, [])) > 1:
            raise UserError(f"stages={text}: {name} is given twice")
    if "map" in settings and "from" not in settings:
        raise UserError(f"stages={text}: map= is of what comes from=RUN")
    rates = settings.get("learning_rate")
    return Stage(
        int(place[1:]),
        tuple(filter(None, settings["freeze"])) if "freeze" in settings else hparams.freeze,
        _positive(rates[0], text) if rates else hparams.learning_rate,
        hparams.learning_rate_decay_steps,
        settings.get("from", [None])[0],
        tuple(map(renaming.parse, settings.get("map", []))),
    )


def _positive(value: str, text: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise UserError(f"stages={text}: learning_rate={value} is no number above 0")
    return number
