"""Checkpoints: a folder for each, written under a temporary name and then renamed, so whole or absent."""

import json
import pathlib
import re
import shutil
from typing import Any

import tensorflow as tf

from t2tlite.errors import UserError

_NAME = re.compile(r"step-(\d+)")
_STATE = "state"
_META = "meta.json"


def by_path(variables) -> dict[str, tf.Variable]:
    """`{path: variable}`.

    A flat map, since Keras layers inside lists and dictionaries are left out of object-based checkpoints
    without a word.
    """
    found = {variable.path: variable.value for variable in variables}
    if len(found) != len(variables):
        raise ValueError("two variables have the same path; give the layers different names")
    return found


def save(folder: pathlib.Path, step: int, model, optimizer, iterators: dict[str, Any], meta: dict, keep: int):
    """Writes `folder/step-<step>/`, and then removes all but the newest `keep` checkpoints.

    Args:
      iterators: `tf.data` iterators by problem.
      meta: what else a resumed run needs, as JSON.
    """
    final = folder / f"step-{step:08d}"
    part = folder / f"tmp-{step:08d}"
    for left in folder.glob("tmp-*"):  # by a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        state = tf.train.Checkpoint(
            model=by_path(model.variables), optimizer=by_path(optimizer.variables), iterators=dict(iterators)
        )
        state.write(str(part / _STATE))
        (part / _META).write_text(json.dumps({"step": step, **meta}), encoding="utf-8")
    except (OSError, tf.errors.ResourceExhaustedError, tf.errors.OpError) as error:
        shutil.rmtree(part, ignore_errors=True)
        raise UserError(
            f"can't write the checkpoint {final}: {_first_line(error)}; older ones are kept"
        ) from None
    shutil.rmtree(final, ignore_errors=True)
    part.rename(final)
    for old in all_in(folder)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)


def all_in(folder: pathlib.Path) -> list[pathlib.Path]:
    """The checkpoints of a folder, oldest first."""
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
    return sorted(found, key=lambda path: int(_NAME.fullmatch(path.name)[1]))


def newest(folder: pathlib.Path) -> pathlib.Path | None:
    found = all_in(folder)
    return found[-1] if found else None


def restore(path: pathlib.Path, model, optimizer, iterators: dict[str, Any]) -> dict:
    """Restores everything that `save` wrote, in place, and returns its meta data.

    Raises:
      UserError: the checkpoint is broken, or is of another model.
    """
    state = tf.train.Checkpoint(
        model=by_path(model.variables), optimizer=by_path(optimizer.variables), iterators=dict(iterators)
    )
    try:
        state.read(str(path / _STATE)).assert_consumed()
        return json.loads((path / _META).read_text(encoding="utf-8"))
    except Exception as error:
        raise _unusable(path, error) from None


def restore_weights(model, path: pathlib.Path):
    """Restores the model's weights alone.

    Raises:
      UserError: there is no such checkpoint, it is broken, or it is of another model.
    """
    if not (path / f"{_STATE}.index").exists():
        raise UserError(
            f"{path} is no checkpoint; expected a folder such as OUTPUT_DIR/checkpoints/step-00001000"
        )
    try:
        status = tf.train.Checkpoint(model=by_path(model.variables)).read(str(path / _STATE))
        status.assert_existing_objects_matched().expect_partial()
    except Exception as error:
        raise _unusable(path, error) from None


def _unusable(path, error):
    return UserError(f"the checkpoint {path} is broken or of another model: {_first_line(error)}")


def _first_line(error):
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
