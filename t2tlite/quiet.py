"""Starting TensorFlow without the notes that it writes to stderr on every start."""

import contextlib
import ctypes
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

# Notes of the C++ libraries, written before any log level holds or whatever it is, and the errors that only
# say that there is no GPU, and that oneDNN leaves integers to others.
_NOTE = (
    r"WARNING: All log messages before absl::InitializeLog"
    r"|[IW]\d{4} [\d:.]+ "
    r"|E\d{4} [\d:.]+ .*(?:cuInit|oneDNN supports DT_INT32 only)"
    r"|\w+\.cc\(\d+\) LOG\(INFO\)"
)
_FILTER = """
import re, sys
note = re.compile(sys.argv[1].encode())
for line in sys.stdin.buffer:
    if not note.match(line):
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()
"""
_PATIENCE = 2.0  # seconds
_ARENA_MAX, _MMAP_THRESHOLD = -8, -3  # of malloc.h
_LARGE = 2**20  # bytes that malloc gives back as soon as they are free
_one_at_a_time = threading.RLock()


def start_tensorflow(strategy_follows: bool = False) -> None:
    """Imports TensorFlow and finds its devices; to be called before anything else imports it.

    Args:
      strategy_follows: a `tf.distribute.Strategy` has yet to be made, and wants to come before the first
        operation: then `first_operation` has to be called.
    """
    _choose_xla_flags()
    with without_notes(), _sparing():
        import tensorflow as tf

        tf.config.list_physical_devices()
        # It takes the functions of several problems for one function that is traced again and again.
        tf.get_logger().setLevel("ERROR")
    if not strategy_follows:
        first_operation()


def first_operation() -> None:
    """Runs the operation of which oneDNN says, once in a process, that it is not for it."""
    import tensorflow as tf

    with without_notes():
        tf.transpose(tf.zeros([1, 1], tf.int32))


def _choose_xla_flags() -> None:
    """Keeps XLA from timing kernels for matrix products, unless XLA_FLAGS says otherwise.

    Compiling an update takes minutes that way. What is fastest by a hair differs from run to run, and with it
    the rounding. NVIDIA's library is as fast: on an H200 an update of `transformer_base` with 16,384 targets
    took 33.1 ms by it, and 31.9 ms by the kernels that were chosen in 162 s.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    chosen = {"--xla_gpu_enable_triton_gemm": "false", "--xla_gpu_autotune_level": "0"}
    more = [f"{name}={value}" for name, value in chosen.items() if name not in flags]
    os.environ["XLA_FLAGS"] = " ".join([flags, *more]).strip()


@contextlib.contextmanager
def _sparing() -> Iterator[None]:
    """Saves 100 MB: of matplotlib, which Keras imports if it can, a pool for each thread, and free blocks.

    With a threshold of 128 KB, malloc's own before it adapts, an update would take 5% longer.
    """
    with contextlib.suppress(OSError, AttributeError):  # not the GNU C library
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 2)
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE)
    hidden: dict[str, Any] = {} if "matplotlib" in sys.modules else {"matplotlib": None}
    sys.modules.update(hidden)
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


@contextlib.contextmanager
def without_notes() -> Iterator[None]:
    """Drops TensorFlow's notes from stderr; whatever else is written there passes.

    It passes through a process of its own, so that the last words of one that crashes are shown, too.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with _one_at_a_time:
        sys.stderr.flush()
        stderr = os.dup(2)
        argv = [sys.executable, "-ISc", _FILTER, _NOTE]
        passes = subprocess.Popen(argv, stdin=subprocess.PIPE, start_new_session=True)  # Ctrl-C is not for it
        assert passes.stdin is not None  # it is a pipe
        try:
            os.dup2(passes.stdin.fileno(), 2)
            passes.stdin.close()
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
            with contextlib.suppress(subprocess.TimeoutExpired):  # something started in the block may live on
                passes.wait(_PATIENCE)
