"""Early stopping: when a figure of the evaluations has not become better for a while."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from t2tlite import metrics, registry
from t2tlite.checkpoints.best_checkpoints import MEAN
from t2tlite.errors import UserError
from t2tlite.nearest import did_you_mean
from t2tlite.objective import figures_of
from t2tlite.problem import Problem

Figures = Mapping[str, Mapping[str, float]]  # problem -> name -> value


class EarlyStopping:
    """Watches one figure over the evaluations of a training.

        stopping = EarlyStopping("wmt_ende/bleu", patience=5, problems=run.problems.values())
        ...
        stopping.update(step, {"wmt_ende": {"bleu": 21.3}})
        if stopping.stopped: ...

    Args:
      monitor: "PROBLEM/FIGURE", or "mean/FIGURE" for the mean over the problems that have it. A figure is a
        teacher-forced one of the problem's objective, or a metric of decoded outputs that the problem lists.
      patience: stops at this many evaluations in a row that were not better than the best.
      problems: the `Problem`s that are trained.
      least: an evaluation is better if it is so by more than this.

    Raises:
      UserError: there is no such problem or figure; before anything is trained.
    """

    def __init__(self, monitor: str, patience: int, problems: Sequence[Problem], least: float = 0.0) -> None:
        if patience < 1 or least < 0:
            raise UserError(f"early stopping needs a patience of 1 or more. Received: {patience}, {least}")
        self.monitor = monitor
        self.patience = patience
        self.least = least
        problem, _, self._figure = monitor.partition("/")
        watched = _with_figure(monitor, problem, self._figure, list(problems))
        self._problems = [each.name for each in watched]
        directions = [figures_of(each).get(self._figure) for each in watched]
        self.is_decoded = directions[0] is None  # whether the figure comes of decoded evaluations
        self.higher_is_better = (
            metrics.higher_is_better(registry.get("metric", self._figure))
            if self.is_decoded
            else directions[0]
        )
        self.best: float | None = None
        self.best_step: int | None = None
        self.waited = 0

    @property
    def stopped(self) -> bool:
        return self.waited >= self.patience

    def update(self, step: int, figures: Figures) -> bool:
        """Takes in one evaluation; one without the figure changes nothing.

        Args:
          step: when it was made.
          figures: of every problem that it covered.

        Returns:
          Whether it is the best so far.
        """
        values = [
            figures[name][self._figure] for name in self._problems if self._figure in figures.get(name, ())
        ]
        if len(values) < len(self._problems):
            return False
        value = float(sum(values) / len(values))
        better = self._is_better(value)
        if better:
            self.best, self.best_step, self.waited = value, step, 0
        else:
            self.waited += 1
        return better

    def state(self) -> dict[str, Any]:
        """What a checkpoint has to hold, as JSON, for a resumed run to stop where this one would."""
        return {"monitor": self.monitor, "best": self.best, "step": self.best_step, "waited": self.waited}

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Goes on from `state()`; of another figure, or None, there is nothing to go on from."""
        if state and state["monitor"] == self.monitor:
            self.best, self.best_step, self.waited = state["best"], state["step"], state["waited"]

    def __str__(self) -> str:
        if self.best is None:
            return f"{self.monitor} had no finite value in {self.waited} evaluations"
        return (
            f"{self.monitor} was best at step {self.best_step} ({self.best:.4g}), and not better in "
            f"{self.waited} evaluations since"
        )

    def _is_better(self, value: float) -> bool:
        if not math.isfinite(value):
            return False
        if self.best is None:
            return True
        gain = value - self.best if self.higher_is_better else self.best - value
        return gain > self.least


def _with_figure(monitor: str, problem: str, figure: str, problems: Sequence[Problem]) -> list[Problem]:
    """The problems whose figure is watched."""
    names = [each.name for each in problems]
    if not figure:
        raise UserError(
            f"`{monitor}` is no figure of a problem; expected PROBLEM/FIGURE or {MEAN}/FIGURE, such as "
            f"{names[0]}/log_perplexity"
        )
    if problem not in (MEAN, *names):
        near = did_you_mean(problem, [MEAN, *names]) or f"; there is {', '.join([MEAN, *names])}"
        raise UserError(f"`{monitor}`: no problem `{problem}` is trained{near}")
    selected = [each for each in problems if problem in (MEAN, each.name)]
    watched = [each for each in selected if figure in figures_of(each)]
    watched = watched or [each for each in selected if figure in each.metrics]
    if not watched:
        known = list(dict.fromkeys(name for each in selected for name in (*figures_of(each), *each.metrics)))
        near = did_you_mean(figure, known) or f"; there is {', '.join(known)}"
        raise UserError(f"`{monitor}`: `{problem}` has no figure `{figure}`{near}")
    return watched
