"""Worker processes: do tasks side by side, and new ones as others finish.

They are plain subprocesses that are sent their tasks on stdin: unlike `multiprocessing` they don't run the
caller's main module again, so this works from a script without a guard and from a notebook.
"""

import contextlib
import functools
import importlib.machinery
import io
import os
import pickle
import queue
import signal
import struct
import subprocess
import sys
import threading
import traceback
import types
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import IO, Any

from t2tlite.errors import UserError

_LENGTH = struct.Struct("<Q")
Task = Callable[[Callable[[int], None]], None]


def run(
    tasks: Iterable[Task],
    finished: Callable[[Task], Sequence[Task]],
    progress: Callable[[Task, int], None],
    processes: int,
    keep_open: Sequence[int] = (),
) -> None:
    """Does tasks, in the order given as far as there are workers free.

    Args:
      tasks: callables, each given a function to report amounts of work with.
      finished: is told which task is done, and says which ones there are to be done now.
      progress: is told of a task's reports.
      processes: how many workers; 1: none, the tasks are done here. So are those that can't be sent.
      keep_open: file descriptors that workers hold: a lock is not free before they are gone, too.

    Raises:
      UserError: a task raised it. Tasks under way are finished first, the others are not begun.
      RuntimeError: a worker died, or a task raised something else.
    """
    waiting = deque(tasks)
    with contextlib.ExitStack() as stack:
        pool = _Pool(stack, keep_open)
        while waiting or pool.busy:
            while waiting and not pool.failure and (len(pool.busy) < processes or processes == 1):
                task = waiting.popleft()
                sent = None if processes == 1 else _pickled(task)
                if sent is None:
                    task(functools.partial(progress, task))
                    waiting.extendleft(reversed(finished(task)))
                else:
                    pool.start(task, sent)
            if pool.failure and not pool.busy:
                raise pool.failure
            if pool.busy:
                task, amount = pool.next_event()
                if amount is not None:
                    progress(task, amount)
                elif not pool.failure:
                    waiting.extendleft(reversed(finished(task)))


class _Pool:
    """Workers, of which those that have a task are busy."""

    def __init__(self, stack: contextlib.ExitStack, keep_open: Sequence[int]) -> None:
        self.busy: dict[subprocess.Popen, Task] = {}
        self.failure: Exception | None = None
        self._idle: list[subprocess.Popen] = []
        self._stack = stack
        self._keep_open = keep_open
        self._events: queue.SimpleQueue[tuple[subprocess.Popen, tuple[str, Any]]] = queue.SimpleQueue()

    def start(self, task: Task, sent: bytes) -> None:
        worker = self._idle.pop() if self._idle else self._new()
        self.busy[worker] = task
        with contextlib.suppress(BrokenPipeError):  # that it died is found by who listens to it
            stdin, _ = _pipes(worker)
            stdin.write(_LENGTH.pack(len(sent)) + sent)
            stdin.flush()

    def next_event(self) -> tuple[Task, int | None]:
        """A task, and how much of it was done; None when it is over."""
        worker, (kind, value) = self._events.get()
        if kind == "progress":
            return self.busy[worker], value
        task = self.busy.pop(worker)
        if kind == "done":
            self._idle.append(worker)
        elif not self.failure:
            self.failure = value
        return task, None

    def _new(self) -> subprocess.Popen:
        search_path = os.pathsep.join(path for path in sys.path if path)
        # -P: this process's modules and no others, whatever lies in the current folder (a checkout, say).
        worker = subprocess.Popen(
            [sys.executable, "-P", "-c", f"from {__name__} import work; work()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": search_path},
            pass_fds=self._keep_open,
        )
        threading.Thread(target=self._listen, args=(worker,), daemon=True).start()
        self._stack.callback(_end, worker)
        return worker

    def _listen(self, worker: subprocess.Popen) -> None:
        _, stdout = _pipes(worker)
        with contextlib.suppress(ValueError):  # it was closed
            while True:
                try:
                    answer = pickle.load(stdout)
                except (EOFError, pickle.UnpicklingError):
                    status = worker.wait()
                    died = RuntimeError(f"a worker process died with exit status {status}; see above")
                    self._events.put((worker, ("failed", died)))
                    return
                self._events.put((worker, answer))


def _pipes(worker: subprocess.Popen) -> tuple[IO[bytes], IO[bytes]]:
    """Its stdin and stdout."""
    assert worker.stdin is not None and worker.stdout is not None  # as it was started
    return worker.stdin, worker.stdout


def _end(worker: subprocess.Popen) -> None:
    stdin, stdout = _pipes(worker)
    with contextlib.suppress(BrokenPipeError):
        stdin.close()
    if worker.poll() is None:
        worker.terminate()  # it is idle, or the work is being stopped
    worker.wait()
    stdout.close()


def _pickled(task: Task) -> bytes | None:
    """The task for a worker; None where it needs what only this process has, as a function of a notebook."""
    buffer = io.BytesIO()
    try:
        _Pickler(buffer).dump(task)
    except (pickle.PicklingError, AttributeError, TypeError):
        return None
    return buffer.getvalue()


class _Pickler(pickle.Pickler):
    """Refuses classes and functions that a new process with the same search path doesn't find."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, type | types.FunctionType):
            top = value.__module__.partition(".")[0]
            if top == "__main__" or top not in sys.builtin_module_names and not _can_be_imported(top):
                raise pickle.PicklingError(f"{value.__module__} can't be imported elsewhere")
        return NotImplemented


@functools.cache
def _can_be_imported(top: str) -> bool:
    return top == __name__.partition(".")[0] or importlib.machinery.PathFinder.find_spec(top) is not None


def work() -> None:
    """A worker: does the tasks that it reads from stdin, and says on stdout how each goes."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a problem prints must not be taken for an answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that sent the tasks
    from t2tlite import quiet

    quiet.start_tensorflow()

    def answer(kind: str, value: Any = None) -> None:
        pickle.dump((kind, value), answers)
        answers.flush()

    while length := sys.stdin.buffer.read(_LENGTH.size):
        try:
            task = pickle.loads(sys.stdin.buffer.read(*_LENGTH.unpack(length)))
            task(functools.partial(answer, "progress"))
            answer("done")
        except UserError as error:
            answer("failed", UserError(str(error)))
        except OSError as error:
            answer("failed", error)
        except Exception as error:
            traceback.print_exc()
            answer("failed", RuntimeError(f"{type(error).__name__}: {error}"))
