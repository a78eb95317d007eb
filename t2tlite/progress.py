"""A progress line for long work: a bar in a terminal, now and then a plain line elsewhere."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    import rich.progress

T = TypeVar("T")
_EVERY = 10.0  # seconds between plain lines


def track(items: Iterable[T], label: str, total: int | None = None, show: bool = True) -> Iterator[T]:
    """Yields the items, and shows on stderr how many there were and how long the rest will take.

    Args:
      items: iterated once.
      label: what is being done.
      total: about how many items there are, if known.
      show: False: shows nothing.
    """
    if not show:
        yield from items
    elif sys.stderr.isatty():
        yield from _bar(items, label, total)
    else:
        yield from _lines(items, label, total)


def _bar(items: Iterable[T], label: str, total: int | None) -> Iterator[T]:
    with _progress() as progress:
        task = progress.add_task(label, total=total)
        for item in items:
            yield item
            progress.advance(task)


def _progress() -> "rich.progress.Progress":
    import rich.console
    import rich.progress as parts

    columns = (
        parts.TextColumn("{task.description}"),
        parts.BarColumn(),
        parts.MofNCompleteColumn(),
        parts.TimeElapsedColumn(),
        parts.TimeRemainingColumn(),
    )
    return parts.Progress(*columns, console=rich.console.Console(stderr=True))


def _lines(items: Iterable[T], label: str, total: int | None) -> Iterator[T]:
    line = _Line(label)
    for item in items:
        yield item
        line.advance(1, total)
    line.finish()


class Board:
    """Progress of several labels that are worked on at the same time; a context manager.

    Args:
      show: False: shows nothing.
    """

    def __init__(self, show: bool = True) -> None:
        self._show = show
        self._bars: Any = None  # rich's, which takes a moment to import
        self._tasks: dict[str, Any] = {}
        self._lines: dict[str, _Line] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        if self._bars:
            self._bars.stop()

    def advance(self, label: str, amount: int, total: int | None) -> None:
        """Says that so much more of a label is done, of about `total`."""
        if not self._show:
            return
        if sys.stderr.isatty():
            self._advance_bar(label, amount, total)
        else:
            self._lines.setdefault(label, _Line(label)).advance(amount, total)

    def finish(self, label: str) -> None:
        """Says that a label is done."""
        if self._bars and label in self._tasks:
            self._bars.update(self._tasks[label], total=self._bars.tasks[self._tasks[label]].completed)
        elif label in self._lines:
            self._lines.pop(label).finish()

    def _advance_bar(self, label: str, amount: int, total: int | None) -> None:
        if self._bars is None:
            self._bars = _progress()
            self._bars.start()
        if label not in self._tasks:
            self._tasks[label] = self._bars.add_task(label, total=total)
        self._bars.update(self._tasks[label], advance=amount, total=total)


class _Line:
    """A plain line now and then about one label.

    The first has no estimate, and what was done before it counts for none: that is where things are compiled.
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self._start = self._shown = time.monotonic()
        self._count = 0
        self._first: tuple[float, int] | None = None  # when the first line was shown, and its count

    def advance(self, amount: int, total: int | None) -> None:
        self._count += amount
        now = time.monotonic()
        if now - self._shown >= _EVERY and self._count:
            self._shown = now
            rest = f" of {total:,}" if total else ""
            if self._first is None:
                self._first = now, self._count
            elif total and self._count > self._first[1]:
                start, before = self._first
                left = max(total - self._count, 0) * (now - start) / (self._count - before)
                rest += f", {duration(left)} left"
            print(f"{self._label}: {self._count:,}{rest}", file=sys.stderr, flush=True)

    def finish(self) -> None:
        took = time.monotonic() - self._start
        print(f"{self._label}: {self._count:,} in {took:.1f} s", file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """`h:mm:ss`, or `m:ss` under an hour."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
