"""Data generation for several problems, in several processes.

The workers are plain subprocesses that are told their tasks on stdin: unlike `multiprocessing` they don't run
the caller's main module again, so this works from a script without a guard and from a notebook.
"""

import contextlib
import importlib
import importlib.machinery
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence

from t2tlite.errors import UserError
from t2tlite.problem import Problem


def generate_all(
    problems: Sequence[Problem],
    data_dir: str | os.PathLike,
    source: str,
    source_dir: str | None = None,
    tmp_dir: str | None = None,
    progress: bool = True,
    processes: int | None = None,
) -> None:
    """Prepares the data of some problems; what is complete is left as it is.

    Args:
      problems, data_dir, source, source_dir, tmp_dir, progress: as for `generate.generate`.
      processes: default: as many as there are cores.

    Raises:
      UserError: as `generate.generate` does.
    """
    from t2tlite.data import generate  # imports TensorFlow

    waiting = {}
    for problem in problems:
        problem.check_source(source)
        if not generate.is_complete(problem, data_dir, source):
            for split in generate.missing_splits(problem, data_dir):
                waiting.setdefault((problem.corpus or problem.name, split), (problem, split))
    shared = {"data_dir": str(data_dir), "source": source, "source_dir": source_dir, "tmp_dir": tmp_dir}
    # Training splits first: they take longest.
    tasks = [
        {"module": type(problem).__module__, "class": type(problem).__qualname__, "name": problem.name}
        | {"split": split, "progress": progress}
        | shared
        for problem, split in sorted(waiting.values(), key=lambda task: task[1] != "train")
        if _importable(type(problem))
    ]
    number = min(processes or len(os.sched_getaffinity(0)), len(tasks))
    if number > 1:
        _run(tasks, number)
    for problem in problems:  # writes the manifests, and does what can't be given to a worker
        generate.generate(problem, progress=progress, **shared)


def _importable(cls) -> bool:
    """Whether a new process with the same search path finds the class."""
    top = cls.__module__.partition(".")[0]
    if top == "__main__" or "<" in cls.__qualname__:
        return False
    return top == __name__.partition(".")[0] or importlib.machinery.PathFinder.find_spec(top) is not None


def _run(tasks, number):
    pending = queue.SimpleQueue()
    for task in tasks:
        pending.put(task)
    failures = []
    threads = [threading.Thread(target=_feed, args=(pending, failures)) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def _feed(pending, failures):
    """Gives a worker one task after another, until there are none or one has failed."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    # -P: this process's modules and no others, whatever lies in the current folder (a checkout, say).
    command = [sys.executable, "-P", "-c", f"from {__name__} import work; work()"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
    ) as worker:
        while not failures:
            try:
                task = pending.get_nowait()
            except queue.Empty:
                break
            with contextlib.suppress(BrokenPipeError):
                print(json.dumps(task), file=worker.stdin, flush=True)
            answer = worker.stdout.readline()
            if not answer:
                what = f"{task['name']} {task['split']}"
                failures.append(RuntimeError(f"preparing {what}: the worker process died; see above"))
            elif (error := json.loads(answer)["error"]) is not None:
                failures.append(UserError(error))
        with contextlib.suppress(BrokenPipeError):
            worker.stdin.close()


def work() -> None:
    """A worker: prepares the splits that it is told to on stdin, and says on stdout how each went."""
    answers, sys.stdout = sys.stdout, sys.stderr  # what a problem prints must not be taken for an answer
    from t2tlite import quiet

    quiet.start_tensorflow()
    from t2tlite.data import generate

    for line in sys.stdin:
        task = json.loads(line)
        split = task.pop("split")
        problem = getattr(importlib.import_module(task.pop("module")), task.pop("class"))()
        problem.name = task.pop("name")
        error = None
        try:
            generate.generate(problem, splits=[split], **task)
        except UserError as found:
            error = str(found)
        print(json.dumps({"error": error}), file=answers, flush=True)
