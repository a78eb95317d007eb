"""A batch kept for inspection: its arrays as .npz, and what a person can read of it as .txt."""

import io
import pathlib
from collections.abc import Mapping

import numpy as np

from t2tlite.features.encoding import GIVEN
from t2tlite.files import write_whole
from t2tlite.run import Run


def keep(
    path: pathlib.Path, batch: dict[str, np.ndarray], statistics: Mapping[str, float], run: Run, problem: str
) -> None:
    """Writes `path` (.npz) and, beside it, the same in words (.txt).

    Args:
      batch: arrays by feature, as the problem's pipeline yields them.
      statistics: figures of the update.
      run: the `Run`, for its vocabulary and labels.
      problem: its name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    packed = io.BytesIO()
    np.savez_compressed(packed, allow_pickle=False, **batch)
    write_whole(path, packed.getvalue())
    write_whole(path.with_suffix(".txt"), readable(batch, statistics, run, problem))


def readable(batch: dict[str, np.ndarray], statistics: Mapping[str, float], run: Run, problem: str) -> str:
    """The figures, the shape and the range of each array, and each example's texts and labels."""
    lines = [f"{name}: {value}" for name, value in statistics.items()]
    lines += [_described(name, array) for name, array in batch.items()]
    features = run.problems[problem].features()
    for row in range(len(next(iter(batch.values())))):
        lines += ["", f"example {row}"]
        for name, feature in features.items():
            if feature.optional and not batch[name + GIVEN][row]:
                lines.append(f"  {name}: (none)")
                continue
            description = feature.describe(batch[name][row], run.vocabulary, run.labels.get(problem, ()))
            if description is not None:
                lines.append(f"  {name}: {description}")
    return "\n".join(lines) + "\n"


def _described(name: str, array: np.ndarray) -> str:
    spread = ""
    if np.issubdtype(array.dtype, np.floating):
        bad = array.size - np.count_nonzero(np.isfinite(array))
        good = array[np.isfinite(array)]
        limits = f", {good.min():.4g} to {good.max():.4g}" if good.size else ""
        spread = f"{limits}, {bad} not finite"
    return f"{name}: {array.dtype} {list(array.shape)}{spread}"
