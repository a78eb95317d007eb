"""Ctrl-C that waits for the end of an update: half an update can't be gone on from."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator

_NOTED = b"\nstopping after this update, with a checkpoint; Ctrl-C again stops at once, without one\n"


@contextlib.contextmanager
def deferred() -> Iterator[Callable[[], bool]]:
    """Within the block a first Ctrl-C is only noted; a second one raises KeyboardInterrupt.

    Yields:
      A function that says whether Ctrl-C was pressed; always False outside the main thread, which alone
      hears of it.
    """
    noted = []

    def note(signum, frame):
        if noted:
            raise KeyboardInterrupt
        noted.append(signum)
        os.write(2, _NOTED)  # not `print`, which may be what is being interrupted

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(noted)
    finally:
        signal.signal(signal.SIGINT, before)
