"""Work that Ctrl-C gives up at once, although the library that does it can't be interrupted."""

import concurrent.futures
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def interruptible(work: Callable[[], T], patience: float, late: Callable[[], object]) -> T:
    """Returns what `work` returns, which another thread does.

    TensorFlow answers no signal while it computes. An interrupt ends the waiting; the thread goes on to its
    end, and the process waits for it before it exits.

    Args:
      patience: seconds.
      late: called if the work takes longer than that.

    Raises:
      KeyboardInterrupt: the user gave up.
    """
    result: concurrent.futures.Future[T] = concurrent.futures.Future()
    threading.Thread(target=_do, args=(work, result)).start()
    if not concurrent.futures.wait([result], patience).done:
        late()
    return result.result()


def _do(work: Callable[[], Any], result: concurrent.futures.Future) -> None:
    try:
        result.set_result(work())
    except BaseException as error:
        result.set_exception(error)
