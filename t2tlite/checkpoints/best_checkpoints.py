"""The best checkpoints of a run, by problem and by mean: `checkpoints/best/<problem>/step-<step>/`.

Their files are hard links to those of `checkpoints/step-<step>/`, which take no room as long as both are
there; where the file system has no links, they are copies. Training never goes on from them.
"""

import json
import math
import os
import pathlib
import shutil
from collections.abc import Mapping
from typing import Any

from t2tlite.errors import UserError
from t2tlite.objective import score

FOLDER = "best"
MEAN = "mean"


def scores(figures: Mapping[str, Mapping[str, float]], problems: Mapping[str, Any]) -> dict[str, float]:
    """What the checkpoints are compared by: the first figure of each problem's objective, see `score`.

    Args:
      figures: `{problem: {figure: value}}` of one evaluation; empty where there was none.
      problems: all that are trained, `{name: Problem}`.

    Returns:
      `{problem: score}` where it is finite, and under "mean" their mean if all are. Lower is better.
    """
    by_problem = {name: score(problems[name], one) for name, one in figures.items()}
    finite = {name: value for name, value in by_problem.items() if value is not None and math.isfinite(value)}
    if finite and finite.keys() == set(problems):
        finite[MEAN] = math.fsum(finite.values()) / len(finite)
    return finite


def meta(scores: Mapping[str, float] | None) -> dict[str, Any]:
    """What a checkpoint's meta data say of its scores; "score" is the mean."""
    if not scores:
        return {}
    return {"scores": dict(scores), **({"score": scores[MEAN]} if MEAN in scores else {})}


def is_better(folder: pathlib.Path, scores: Mapping[str, float]) -> bool:
    """Whether any of the scores is better than those of the folder's checkpoints so far."""
    return any(value < _best(folder / FOLDER / name, name) for name, value in scores.items())


def keep(path: pathlib.Path) -> None:
    """Keeps a checkpoint beside the others as the best of those problems for which it is.

    Raises:
      OSError: it can't be written.
    """
    for name, value in _scores(path).items():
        home = path.parent / FOLDER / name
        if not value < _best(home, name):
            continue
        shutil.rmtree(home / "tmp", ignore_errors=True)
        try:
            shutil.copytree(path, home / "tmp", copy_function=_link)
            shutil.rmtree(home / path.name, ignore_errors=True)
            (home / "tmp").rename(home / path.name)
        except (OSError, shutil.Error) as error:
            shutil.rmtree(home / "tmp", ignore_errors=True)
            raise error if isinstance(error, OSError) else OSError(str(error)) from None
        for old in _in(home):
            if old.name != path.name:
                shutil.rmtree(old, ignore_errors=True)


def all_in(folder: pathlib.Path) -> list[pathlib.Path]:
    """The best checkpoints of `RUN/checkpoints`, each step once."""
    paths = {path.name: path for home in sorted((folder / FOLDER).glob("*")) for path in _in(home)}
    return [paths[name] for name in sorted(paths)]


def check_begun_anew(folder: pathlib.Path) -> None:
    """A run from step 0 must not find the best checkpoints of an earlier one, nor replace them.

    Raises:
      UserError: there are some.
    """
    if all_in(folder):
        raise UserError(
            f"{folder} holds the best checkpoints of a run that is gone; use another --output_dir, where "
            f"--warm_start_from={folder / FOLDER / MEAN}/step-... can go on from one, or remove them"
        )


def _in(home: pathlib.Path) -> list[pathlib.Path]:
    return sorted(home.glob("step-*"))


def _best(home: pathlib.Path, name: str) -> float:
    return min((_scores(path).get(name, math.inf) for path in _in(home)), default=math.inf)


def _scores(path: pathlib.Path) -> dict[str, float]:
    try:
        meta = json.loads((path / "meta.json").read_text(encoding="utf-8"))
        return meta.get("scores") or {}
    except (OSError, ValueError, AttributeError):  # damaged: anything is better
        return {}


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
