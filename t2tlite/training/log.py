"""What a run tells: metrics.jsonl, TensorBoard, and a progress line."""

import json
import os
import pathlib
import sys
import time

import tensorflow as tf

from t2tlite.data.progress import duration

METRICS_FILE = "metrics.jsonl"


class MetricsLog:
    """Appends one JSON object a line to `metrics.jsonl`, and the same figures to TensorBoard.

    Args:
      folder: the run's folder.
      step: of the checkpoint that the run goes on from; what the file says of later steps is cut off, so
        that no step is ever told twice.
    """

    def __init__(self, folder: pathlib.Path, step: int):
        self._path = folder / METRICS_FILE
        self._cut(step)
        self._file = open(self._path, "a", encoding="utf-8")
        self._writers = {}
        self._folder = folder

    def write(self, step: int, problem: str, split: str, figures: dict[str, float]):
        line = {"step": step, "problem": problem, "split": split, **figures}
        self._file.write(json.dumps(line) + "\n")
        if split not in self._writers:
            self._writers[split] = tf.summary.create_file_writer(str(self._folder / "tensorboard" / split))
        with self._writers[split].as_default(step):
            for name, value in figures.items():
                tf.summary.scalar(f"{problem}/{name}", value)

    def flush(self):
        """Puts everything told so far on the disk, as a checkpoint of the same step is about to be."""
        self._file.flush()
        os.fsync(self._file.fileno())
        for writer in self._writers.values():
            writer.flush()

    def close(self):
        self.flush()
        self._file.close()
        for writer in self._writers.values():
            writer.close()

    def _cut(self, step):
        if not self._path.exists():
            return
        kept = []
        for line in self._path.read_text(encoding="utf-8").splitlines():
            try:
                if json.loads(line)["step"] <= step:
                    kept.append(line + "\n")
            except (ValueError, KeyError, TypeError):
                break  # the line that a killed process was writing
        part = self._path.with_suffix(".tmp")
        part.write_text("".join(kept), encoding="utf-8")
        part.replace(self._path)


class Progress:
    """A line on stderr now and then: step, losses, tokens/s, wait for data, time left.

    In a terminal the line is overwritten every second; elsewhere it is printed at each log interval. The
    first updates of each problem, which are compiled, don't count for the speed and the time left.

    Args:
      step, steps: where the run starts and ends.
    """

    def __init__(self, step: int, steps: int):
        self._steps = steps
        self._losses: dict[str, float] = {}
        self._terminal = sys.stderr.isatty()
        self._shown = time.monotonic()
        self._restart(step)

    def _restart(self, step):
        self._first = step
        self._start = time.monotonic()
        self._targets = self._waited = 0.0

    def update(self, step: int, problem: str, loss: float, targets: float, waited: float):
        """Takes in one update; `waited` is how long its batch was waited for, in seconds."""
        if problem not in self._losses:
            self._losses[problem] = loss
            self._restart(step)
            return
        self._losses[problem] = 0.9 * self._losses[problem] + 0.1 * loss
        self._targets += targets
        self._waited += waited
        if self._terminal and time.monotonic() - self._shown >= 1:
            self._shown = time.monotonic()
            width = os.get_terminal_size(sys.stderr.fileno()).columns
            print(f"\r{self.line(step)[: width - 1]:<{width - 1}}", end="", file=sys.stderr, flush=True)

    def line(self, step: int) -> str:
        elapsed = max(time.monotonic() - self._start, 1e-6)
        done = max(step - self._first, 1)
        left = (self._steps - step) * elapsed / done
        losses = " ".join(f"{name} {loss:.2f}" for name, loss in self._losses.items())
        return (
            f"step {step}/{self._steps}  {duration(left)} left  {losses}  "
            f"{self._targets / elapsed:,.0f} targets/s  {100 * self._waited / elapsed:.1f}% waiting for data"
        )

    def say(self, text: str):
        """Prints a line of its own."""
        print(f"\r\033[K{text}" if self._terminal else text, file=sys.stderr, flush=True)

    def log(self, step: int):
        if not self._terminal:
            print(self.line(step), file=sys.stderr, flush=True)
