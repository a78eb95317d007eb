"""A progress line for long work: a bar in a terminal, now and then a plain line elsewhere."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

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


def _bar(items, label, total):
    import rich.console
    import rich.progress as parts

    columns = (
        parts.TextColumn("{task.description}"),
        parts.BarColumn(),
        parts.MofNCompleteColumn(),
        parts.TimeElapsedColumn(),
        parts.TimeRemainingColumn(),
    )
    with parts.Progress(*columns, console=rich.console.Console(stderr=True)) as progress:
        task = progress.add_task(label, total=total)
        for item in items:
            yield item
            progress.advance(task)


def _lines(items, label, total):
    start = shown = time.monotonic()
    count = 0
    for item in items:
        yield item
        count += 1
        now = time.monotonic()
        if now - shown >= _EVERY:
            shown = now
            left = f" of {total}, {(total - count) * (now - start) / count:.0f} s left" if total else ""
            print(f"{label}: {count}{left}", file=sys.stderr, flush=True)
    print(f"{label}: {count} in {time.monotonic() - start:.1f} s", file=sys.stderr, flush=True)
