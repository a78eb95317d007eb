"""What a run shows while it trains: a table in a terminal, a line now and then elsewhere."""

import dataclasses
import sys
import time
from typing import TYPE_CHECKING

from t2tlite.progress import duration

if TYPE_CHECKING:
    import rich.console
    import rich.live
    import rich.table

_REFRESH = 1.0  # seconds


@dataclasses.dataclass
class _Row:
    """Of one problem: updates since the start, and smoothed figures."""

    updates: int
    loss: float
    norm: float


class Progress:
    """Losses, gradient norms and shares by problem; speed, wait for data and time left.

    In a terminal a table that is drawn again every second, with what is said above it; elsewhere, or in a
    terminal that can't move its cursor, a line at each log interval. The first updates of each problem, which
    are compiled, don't count for the speed and the time left.

    Args:
      step, steps: where the run starts and ends.
    """

    def __init__(self, step: int, steps: int) -> None:
        self._steps = steps
        self._rows: dict[str, _Row] = {}
        self._terminal = _terminal()
        self._live: rich.live.Live | None = None
        self._shown = time.monotonic()
        self._restart(step)

    def _restart(self, step: int) -> None:
        self._first = step
        self._start = time.monotonic()
        self._targets = self._examples = self._waited = 0.0

    def update(self, step: int, problem: str, figures: dict[str, float], waited: float) -> None:
        """Takes in one update.

        Args:
          step: updates so far, with this one.
          problem: whose it was.
          figures: loss, gradient_norm, targets and examples (their numbers).
          waited: how long its batch was waited for, in seconds.
        """
        loss, norm = figures["loss"], figures["gradient_norm"]
        row = self._rows.get(problem)
        if row is None:
            self._rows[problem] = _Row(1, loss, norm)
            self._restart(step)
        else:
            row.updates += 1
            row.loss = 0.9 * row.loss + 0.1 * loss
            row.norm = 0.9 * row.norm + 0.1 * norm
            self._targets += figures["targets"]
            self._examples += figures["examples"]
            self._waited += waited
        if self._terminal and time.monotonic() - self._shown >= _REFRESH:
            self._shown = time.monotonic()
            self._draw(step)

    def ends(self, steps: int) -> None:
        """The run will end, as far as is known now, at another step."""
        self._steps = steps

    def speed(self) -> dict[str, float]:
        """Targets and examples a second, and the share of the time that batches were waited for."""
        elapsed = max(time.monotonic() - self._start, 1e-6)
        return {
            "targets_per_second": self._targets / elapsed,
            "examples_per_second": self._examples / elapsed,
            "waiting_for_data": self._waited / elapsed,
        }

    def line(self, step: int) -> str:
        losses = " ".join(f"{name} {row.loss:.2f}" for name, row in self._rows.items())
        return "  ".join([self._place(step), losses, self._speed()])

    def say(self, text: str) -> None:
        """Prints a line of its own."""
        if self._live:
            self._live.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            print(text, file=sys.stderr, flush=True)

    def log(self, step: int) -> None:
        if not self._terminal:
            print(self.line(step), file=sys.stderr, flush=True)

    def close(self) -> None:
        """Leaves the table as it is, and the terminal as it was; to be called however the run ends."""
        if self._live:
            self._live.stop()
            self._live = None

    def _place(self, step: int) -> str:
        elapsed = max(time.monotonic() - self._start, 1e-6)
        left = (self._steps - step) * elapsed / max(step - self._first, 1)
        return f"step {step}/{self._steps}  {duration(left)} left"

    def _speed(self) -> str:
        targets, examples, waiting = self.speed().values()
        return f"{targets:,.0f} targets/s  {examples:,.1f} examples/s  {100 * waiting:.1f}% waiting for data"

    def _draw(self, step: int) -> None:
        table = self._table(step)
        if self._live is None:
            import rich.live

            # No thread of its own, which a signal or a fork could find at work.
            self._live = rich.live.Live(table, console=self._terminal, auto_refresh=False)
            self._live.start(refresh=True)
        else:
            self._live.update(table, refresh=True)

    def _table(self, step: int) -> "rich.table.Table":
        import rich.table

        table = rich.table.Table(title=self._place(step), caption=self._speed(), title_justify="left")
        table.add_column("problem", no_wrap=True)
        for heading in ("updates", "loss", "gradient norm", "share"):
            table.add_column(heading, justify="right", no_wrap=True)
        updates = sum(row.updates for row in self._rows.values())
        for name, row in self._rows.items():
            share = f"{100 * row.updates / updates:.1f}%"
            table.add_row(name, f"{row.updates:,}", f"{row.loss:.3f}", f"{row.norm:.2f}", share)
        return table


def _terminal() -> "rich.console.Console | None":
    """The console of a terminal that a table can be drawn in again and again, or None."""
    if not sys.stderr.isatty():
        return None
    import rich.console

    console = rich.console.Console(stderr=True)
    return console if console.is_terminal and not console.is_dumb_terminal else None


class NoProgress:
    """That of a worker that is not the chief."""

    def ends(self, steps: int) -> None:
        pass

    def update(self, step: int, problem: str, figures: dict[str, float], waited: float) -> None:
        pass

    def say(self, text: str) -> None:
        pass

    def log(self, step: int) -> None:
        pass

    def close(self) -> None:
        pass
