"""Several worker processes on this machine, as a cluster of their own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence

from t2tlite.errors import UserError

_POLL = 0.1  # seconds


def run(command: Sequence[str], number: int) -> int:
    """Runs a command in each of several processes, which find each other by TF_CONFIG.

    The cores are divided among them. Ctrl-C reaches them as it does every process of the terminal; SIGTERM is
    passed on.

    Args:
      command: program and arguments.
      number: how many processes.

    Returns:
      The exit status of the first that failed on its own account, or else 0.

    Raises:
      UserError: a process was killed. The others are stopped.
    """
    addresses = [f"localhost:{port}" for port in _free_ports(number)]
    threads = str(max(1, len(os.sched_getaffinity(0)) // number))
    workers = []
    before = {kind: signal.getsignal(kind) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        for index in range(number):
            config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
            environment = {"TF_NUM_INTRAOP_THREADS": threads, "OMP_NUM_THREADS": threads} | os.environ
            environment |= {"TF_CONFIG": json.dumps(config)}
            workers.append(subprocess.Popen(command, env=environment))
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # they save and leave; then so does this process
        signal.signal(signal.SIGTERM, lambda kind, frame: _terminate(workers))
        while True:
            ended = [worker.poll() for worker in workers]
            failed = [(index, status) for index, status in enumerate(ended) if status]
            if failed or None not in ended:
                break
            time.sleep(_POLL)
        if not failed:
            return 0
        index, status = failed[0]
        if status > 0:
            _wait_for_others(workers)
            return status
        raise UserError(
            f"worker {index} of {number} was killed (signal {-status}), and the others have been stopped; "
            "give the same command again: training goes on from its last checkpoint"
        )
    finally:
        for worker in workers:
            if worker.poll() is None:
                worker.kill()
            worker.wait()
        for kind, handler in before.items():
            signal.signal(kind, handler)


def _terminate(workers: Sequence[subprocess.Popen]) -> None:
    for worker in workers:
        worker.terminate()


def _wait_for_others(workers: Sequence[subprocess.Popen], seconds: float = 2.0) -> None:
    """Lets those that were interrupted along with the first end by themselves."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and any(worker.poll() is None for worker in workers):
        time.sleep(_POLL)


def command(module: str, argv: Sequence[str]) -> list[str]:
    """A command line that runs `main` of a module with arguments, in an interpreter like this one."""
    return [
        sys.executable,
        "-P",
        "-c",
        f"import sys; from {module} import main; sys.exit(main(sys.argv[1:]))",
        *argv,
    ]


def _free_ports(number: int) -> list[int]:
    sockets = []
    try:
        for _ in range(number):
            sockets.append(socket.socket())
            sockets[-1].bind(("localhost", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
