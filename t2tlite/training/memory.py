"""How much memory there is, and how much something takes."""

import contextlib
import ctypes
import gc
import math
import pathlib
import re
import subprocess
from collections.abc import Callable

import tensorflow as tf

_MEMINFO = pathlib.Path("/proc/meminfo")
_GROUP = pathlib.Path("/sys/fs/cgroup")  # limit, use, and what of it is a mere cache
_GROUPS = (
    ("memory.max", "memory.current", "memory.stat"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat"),
)
_CPU = "CPU:0"


def on_gpu() -> bool:
    """Whether tensors live where memory that runs out is an error that can be caught."""
    return bool(tf.config.list_logical_devices("GPU"))


def free() -> float:
    """Bytes that this process could still take: the machine's, or its container's where they are fewer."""
    [available] = re.findall(r"^MemAvailable:\s*(\d+)", _MEMINFO.read_text(), re.MULTILINE)
    limits = [1024.0 * int(available)]
    for limit, used, stat in _GROUPS:
        with contextlib.suppress(OSError, ValueError):  # no such group, or "max"
            statistics = (_GROUP / stat).read_text()
            cache = re.search(r"^(?:total_)?inactive_file (\d+)", statistics, re.MULTILINE)
            used_bytes = int((_GROUP / used).read_text()) - (int(cache[1]) if cache else 0)
            limits.append(float(int((_GROUP / limit).read_text()) - used_bytes))
    return max(min(limits), 0.0)


def free_on_device() -> float:
    """Bytes that are free where tensors live: of the fullest GPU; infinite where that is unknown."""
    if not on_gpu():
        return free()
    query = ["nvidia-smi", "--query-gpu=memory.free", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(query, capture_output=True, text=True, check=True, timeout=60).stdout
        return min(float(line) * 2**20 for line in said.split())
    except (OSError, ValueError, subprocess.SubprocessError):  # another kind of GPU
        return math.inf


def release() -> None:
    """Gives free memory back to the system; compiling a function leaves 100 MB that malloc would keep."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # not the GNU C library
        ctypes.CDLL(None).malloc_trim(0)


def peak(work: Callable[[], object]) -> float:
    """How many bytes of main memory TensorFlow needs at a time for a call; 0 where it doesn't count them."""
    try:
        tf.config.experimental.reset_memory_stats(_CPU)
    except ValueError:  # an allocator without statistics, as without oneDNN
        work()
        return 0.0
    before = tf.config.experimental.get_memory_info(_CPU)["current"]
    work()
    return float(tf.config.experimental.get_memory_info(_CPU)["peak"] - before)
