"""Whether what is traced will be compiled by XLA, for layers that are computed in another way there."""

import contextlib
import threading
from collections.abc import Iterator

_local = threading.local()


@contextlib.contextmanager
def scope() -> Iterator[None]:
    """What is traced within, in this thread, will be compiled by XLA as a whole."""
    before = is_traced_for()
    _local.compiles = True
    try:
        yield
    finally:
        _local.compiles = before


def is_traced_for() -> bool:
    """Whether this is within a `scope`."""
    return getattr(_local, "compiles", False)
