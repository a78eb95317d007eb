"""Checkpoints: a folder for each, written under a temporary name and then renamed, so whole or absent."""

import json
import os
import pathlib
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from t2tlite.checkpoints import best_checkpoints, slices
from t2tlite.errors import UserError

_NAME = re.compile(r"step-(\d+)")
_OPERATION = re.compile(r"\{\{.*?\}\}|\[Op:\w*\]")  # what TensorFlow puts around the message of a kernel
_STATE = "state"
_META = "meta.json"


class Damaged(UserError):
    """A checkpoint that is not what was written: files of it are missing, cut short or changed."""


def by_path(variables: Sequence[Any]) -> dict[str, Any]:
    """`{path: variable}`, with a `Slice` in the place of a shard.

    A flat map, since Keras layers inside lists and dictionaries are left out of object-based checkpoints
    without a word.
    """
    values = {variable.path: slices.trackable(variable) for variable in variables}
    if len(values) != len(variables):
        raise ValueError("two variables have the same path; give the layers different names")
    return values


def save(
    folder: pathlib.Path,
    step: int,
    model: Any,
    optimizer: Any,
    iterators: dict[str, Any],
    meta: dict,
    keep: int,
    scores: Mapping[str, float] | None = None,
    workers: slices.Workers | None = None,
) -> None:
    """Writes `folder/step-<step>/`, and then removes all but the newest `keep` checkpoints.

    Where it scores better than any before it, it is kept as the best, too.

    Args:
      iterators: `tf.data` iterators by problem.
      meta: what else a resumed run needs, as JSON.
      scores: `best_checkpoints.scores` of an evaluation at this step, if there was one.
      workers: of a model with shards, who all call this: the chief writes, and each its slices.

    Raises:
      UserError: it can't be written; the older ones are as they were.
    """
    final = folder / f"step-{step:08d}"
    part = folder / f"tmp-{step:08d}"
    if workers and workers.worker:
        _add_slices(part, model, optimizer, workers)
        return
    for left in folder.glob("tmp-*"):  # by a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    meta = {"step": step, **meta, **best_checkpoints.meta(scores)}
    try:
        part.mkdir(parents=True)
        if workers:
            _write_together(part, model, optimizer, iterators, workers)
        else:
            _state(model, optimizer, iterators).write(str(part / _STATE))
        (part / _META).write_text(json.dumps(meta), encoding="utf-8")
        for path in (*part.iterdir(), part):  # the name must not reach the disk before the content
            _sync(path)
    except (OSError, tf.errors.OpError) as error:
        shutil.rmtree(part, ignore_errors=True)
        raise _unwritable(final, error) from None
    shutil.rmtree(final, ignore_errors=True)
    part.rename(final)
    _sync(folder)
    try:
        best_checkpoints.keep(final)
    except OSError as error:
        raise _unwritable(folder / best_checkpoints.FOLDER, error) from None
    for old in all_in(folder)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)


def _write_together(
    part: pathlib.Path, model: Any, optimizer: Any, iterators: dict[str, Any], workers: slices.Workers
) -> None:
    """The chief's part of a checkpoint that all workers write."""
    own = part / "worker-0"
    _state(model, optimizer, iterators).write(str(own))
    workers.any(False)  # the folder is there
    workers.any(False)  # the others' slices, too
    slices.merge([own, *(part / f"worker-{number}" for number in range(1, workers.workers))], part / _STATE)


def _add_slices(part: pathlib.Path, model: Any, optimizer: Any, workers: slices.Workers) -> None:
    """What another worker than the chief does meanwhile."""
    variables = _variables(model, optimizer)
    workers.any(False)
    try:
        slices.write(part / f"worker-{workers.worker}", variables)
    except (OSError, tf.errors.OpError) as error:
        raise _unwritable(part, error) from None
    workers.any(False)


def all_in(folder: pathlib.Path) -> list[pathlib.Path]:
    """The checkpoints of a folder, oldest first."""
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if _step(path) >= 0), key=_step)


def _step(path: pathlib.Path) -> int:
    """The step in a checkpoint's name; -1 where it is not the name of one."""
    match = _NAME.fullmatch(path.name)
    return int(match[1]) if match else -1


def is_checkpoint(path: pathlib.Path) -> bool:
    """Whether a folder is a checkpoint, as far as its files' names go."""
    return (path / f"{_STATE}.index").exists()


def newest(folder: pathlib.Path) -> pathlib.Path | None:
    paths = all_in(folder)
    return paths[-1] if paths else None


def with_best(folder: pathlib.Path) -> list[pathlib.Path]:
    """The checkpoints of a folder and its best ones, each step once, oldest first."""
    by_name = {path.name: path for path in (*best_checkpoints.all_in(folder), *all_in(folder))}
    return [by_name[name] for name in sorted(by_name)]


def resume(
    folder: pathlib.Path, model: Any, optimizer: Any, iterators: dict[str, Any], say: Callable[[str], Any]
) -> tuple[pathlib.Path, dict] | None:
    """Restores the newest checkpoint that is whole; a damaged one is renamed, and told of.

    Args:
      say: told, in a line each, of the damaged ones.

    Returns:
      Where the checkpoint is, and its meta data; None if there is none.

    Raises:
      UserError: no checkpoint is whole, or they are of another model.
    """
    paths = all_in(folder)
    while paths:
        path = paths.pop()
        try:
            meta = restore(path, model, optimizer, iterators)
        except Damaged as error:
            if not paths:
                raise
            aside = _rename_aside(path)
            say(f"{error}; it is kept as {aside.name}, and {paths[-1].name} is tried")
            continue
        best_checkpoints.keep(path)  # a process that was killed may not have come to it
        return path, meta
    best_checkpoints.check_begun_anew(folder)
    return None


def _rename_aside(path: pathlib.Path) -> pathlib.Path:
    number = 1
    while (aside := path.with_name(f"damaged-{path.name}-{number}")).exists():
        number += 1
    try:
        path.rename(aside)
    except FileNotFoundError:  # another worker was quicker
        pass
    return aside


def restore(path: pathlib.Path, model: Any, optimizer: Any, iterators: dict[str, Any]) -> dict:
    """Restores everything that `save` wrote, in place, and returns its meta data.

    Raises:
      Damaged: the checkpoint is not as it was written.
      UserError: it is of another model.
    """
    try:
        _state(model, optimizer, iterators).read(str(path / _STATE)).assert_consumed()
        return json.loads((path / _META).read_text(encoding="utf-8"))
    except Exception as error:
        raise _unusable(path, error) from None


def restore_weights(model: Any, path: pathlib.Path) -> None:
    """Restores the model's weights alone.

    Raises:
      UserError: there is no such checkpoint, it is broken, or it is of another model.
    """
    if not is_checkpoint(path):
        raise UserError(
            f"{path} is no checkpoint; expected a folder such as OUTPUT_DIR/checkpoints/step-00001000"
        )
    try:
        status = tf.train.Checkpoint(model=by_path(model.variables)).read(str(path / _STATE))
        status.assert_existing_objects_matched().expect_partial()
    except Exception as error:
        raise _unusable(path, error) from None


def _state(model: Any, optimizer: Any, iterators: Mapping[str, Any]) -> tf.train.Checkpoint:
    return tf.train.Checkpoint(**_variables(model, optimizer), iterators=dict(iterators))


def _variables(model: Any, optimizer: Any) -> dict[str, dict[str, Any]]:
    return {"model": by_path(model.variables), "optimizer": by_path(optimizer.variables)}


def _sync(path: pathlib.Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritable(path: pathlib.Path, error: Exception) -> UserError:
    return UserError(f"can't write the checkpoint {path}: {_first_line(error)}; older ones are kept")


def _unusable(path: pathlib.Path, error: Exception) -> UserError:
    damage = _damage(path)
    if damage is None:
        return UserError(f"the checkpoint {path} is of another model: {_first_line(error)}")
    return Damaged(f"the checkpoint {path} is broken: {_first_line(damage)}")


def _damage(path: pathlib.Path) -> Exception | None:
    """What is wrong with a checkpoint's files: every tensor is read, and has a checksum.

    The error of a failed restore does not tell: that of another pipeline's iterator looks the same.
    """
    try:
        json.loads((path / _META).read_text(encoding="utf-8"))
        prefix = str(path / _STATE)
        for name, dtype in tf.train.load_checkpoint(prefix).get_variable_to_dtype_map().items():
            tf.raw_ops.RestoreV2(prefix=prefix, tensor_names=[name], shape_and_slices=[""], dtypes=[dtype])
    except Exception as error:
        return error
    return None


def _first_line(error: Exception) -> str:
    lines = _OPERATION.sub("", str(error)).strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__
