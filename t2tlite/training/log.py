"""What a run leaves behind to be read: metrics.jsonl and TensorBoard's events, each step told once."""

import json
import os
import pathlib

import numpy as np
import tensorflow as tf

METRICS_FILE = "metrics.jsonl"
TENSORBOARD = "tensorboard"


class MetricsLog:
    """Appends one JSON object a line to `metrics.jsonl`, and the same figures to TensorBoard.

    Args:
      folder: the run's folder.
      step: of the checkpoint that the run goes on from; what the file and TensorBoard's events say of later
        steps is cut off, so that no step is ever told twice.
    """

    def __init__(self, folder: pathlib.Path, step: int) -> None:
        self._path = folder / METRICS_FILE
        self._cut(step)
        for path in folder.glob(f"{TENSORBOARD}/*/events.out.tfevents.*"):
            cut_events(path, step)
        self._file = open(self._path, "a", encoding="utf-8")
        self._writers: dict[str, tf.summary.SummaryWriter] = {}
        self._folder = folder

    def write(self, step: int, problem: str, split: str, figures: dict[str, float]) -> None:
        line = {"step": step, "problem": problem, "split": split, **figures}
        self._file.write(json.dumps(line) + "\n")
        self.show(step, split, {f"{problem}/{name}": value for name, value in figures.items()})

    def show(
        self, step: int, split: str, figures: dict[str, float], images: dict[str, np.ndarray] | None = None
    ) -> None:
        """Figures and images (uint8 `[height, width, 3]`) for TensorBoard alone, as what depends on time."""
        if split not in self._writers:
            self._writers[split] = tf.summary.create_file_writer(str(self._folder / TENSORBOARD / split))
        with self._writers[split].as_default(step):
            for name, value in figures.items():
                tf.summary.scalar(name, value)
            for name, image in (images or {}).items():
                tf.summary.image(name, image[None])

    def flush(self) -> None:
        """Puts everything told so far on the disk, as a checkpoint of the same step is about to be."""
        self._file.flush()
        os.fsync(self._file.fileno())
        for writer in self._writers.values():
            writer.flush()

    def close(self) -> None:
        self.flush()
        self._file.close()
        for writer in self._writers.values():
            writer.close()

    def _cut(self, step: int) -> None:
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


class NoLog:
    """That of a worker that is not the chief."""

    def write(self, step: int, problem: str, split: str, figures: dict[str, float]) -> None:
        pass

    def show(
        self, step: int, split: str, figures: dict[str, float], images: dict[str, np.ndarray] | None = None
    ) -> None:
        pass

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


def cut_events(path: pathlib.Path, step: int) -> None:
    """Takes the events of later steps out of a file of TensorBoard's, and a killed process's half of one."""
    records, whole = [], True
    try:
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            records.append(record)
    except tf.errors.DataLossError:
        whole = False
    kept = [record for record in records if tf.compat.v1.Event.FromString(record).step <= step]
    if whole and len(kept) == len(records):
        return
    part = path.with_name(f"tmp.{path.name}")
    with tf.io.TFRecordWriter(str(part)) as writer:
        for record in kept:
            writer.write(record)
    part.replace(path)
