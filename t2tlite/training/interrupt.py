"""Reasons to stop early that wait for the end of an update: half an update can't be gone on from."""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

TIME = 1  # what `stop_reason()` says when the time is over; the others are numbers of signals
SIGNALS = (signal.SIGINT, signal.SIGTERM)
_WEIGHTS = {TIME: 1.0, signal.SIGINT: 2.0**12, signal.SIGTERM: 2.0**24}  # sums of 4,095 don't overlap
_PATIENCE = 2.0  # seconds in which a second signal may unwind the process before it is ended
_NOTED: tuple[bytes, dict[int, bytes]] = (
    b"\nstopping after this update, with a checkpoint; %s again stops at once, without one\n",
    {signal.SIGINT: b"Ctrl-C", signal.SIGTERM: b"SIGTERM"},
)


class Terminated(SystemExit):
    """SIGTERM: ends the process with the status that a shell gives for it, 143."""

    def __init__(self) -> None:
        super().__init__(128 + signal.SIGTERM)


@contextlib.contextmanager
def deferred(deadline: float | None = None) -> Iterator[Callable[[], int]]:
    """Within the block a first Ctrl-C or SIGTERM is only noted; a second one leaves at once.

    Then KeyboardInterrupt or `Terminated` is raised. Should the process be deep in an operation that knows
    nothing of it, such as a compilation of minutes, it is ended two seconds later.

    Args:
      deadline: `time.monotonic()` after which it is time to stop; None for never.

    Yields:
      A function that says whether, and why, to stop: 0 for not, SIGINT, SIGTERM or `TIME`. Outside the main
      thread, which alone hears of signals, it knows of the time only.
    """
    noted: list[int] = []

    def note(signum: int, frame: FrameType | None) -> None:
        if noted:
            leave(signum)
        noted.append(signum)
        line, names = _NOTED
        os.write(2, line % names[signum])  # not `print`, which may be what is being interrupted

    def stop_reason() -> int:
        if noted:
            return int(noted[0])
        return TIME if deadline is not None and time.monotonic() >= deadline else 0

    if threading.current_thread() is not threading.main_thread():
        yield stop_reason
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    with _ended_by_the_second():
        for number in SIGNALS:
            signal.signal(number, note)
        try:
            yield stop_reason
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def shared(reason: int, total: Callable[[float], float]) -> int:
    """The reason of all workers, which have to stop after the same update: SIGTERM, then SIGINT, then `TIME`.

    Args:
      reason: this worker's, or 0.
      total: sums a float over the workers.
    """
    weight = total(_WEIGHTS.get(reason, 0.0))
    return next((int(number) for number in reversed(_WEIGHTS) if weight >= _WEIGHTS[number]), 0)


def describe(reason: int, step: int) -> str:
    """What to say when the checkpoint is written."""
    why = "--max_seconds are over: " if reason == TIME else ""
    return f"{why}saved at step {step}; the same command goes on from there"


def leave(reason: int) -> None:
    """Raises what ends the process with the status of a signal; for `TIME` there is nothing to raise."""
    if reason == signal.SIGINT:
        raise KeyboardInterrupt
    if reason == signal.SIGTERM:
        raise Terminated


def _is_interactive() -> bool:
    """Whether this is a notebook or a prompt, whose other variables are worth more than a quick end."""
    return hasattr(sys, "ps1")


@contextlib.contextmanager
def _ended_by_the_second() -> Iterator[None]:
    """Within, a second signal ends the process if it has not left the block two seconds later.

    Python runs its handlers between two of its own instructions, and not within an operation.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    left = threading.Event()

    def watch() -> None:
        count = 0
        while byte := os.read(reader, 1):  # the number of a signal
            count += byte[0] in SIGNALS
            if count > 1:
                if not left.wait(_PATIENCE) and not _is_interactive():
                    os._exit(128 + byte[0])
                return

    thread = threading.Thread(target=watch, name="second signal", daemon=True)
    thread.start()
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield
    finally:
        left.set()
        signal.set_wakeup_fd(before)
        os.close(writer)
        thread.join()
        os.close(reader)
