"""Averages of weights: of several checkpoints, and the moving average that a checkpoint may hold."""

import contextlib
import json
import os
import pathlib
import re
import shutil
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from t2tlite import shard_values
from t2tlite.checkpoints import checkpoint
from t2tlite.errors import UserError
from t2tlite.plural import counted

_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


class Stored:
    """The variables of a checkpoint, read without the model that they belong to.

    Attributes:
      names: `{path of a variable: key}` of the model's variables.
      averages: the same of their moving averages, by `path.replace("/", "_")`.
    """

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        if not checkpoint.is_checkpoint(path):
            raise UserError(
                f"{path} is no checkpoint; expected a folder such as OUTPUT_DIR/checkpoints/step-00001000"
            )
        try:
            self.meta = json.loads((path / checkpoint._META).read_text(encoding="utf-8"))
            self._reader = tf.train.load_checkpoint(str(path / checkpoint._STATE))
        except Exception as error:
            raise self._broken(error) from None
        self.shapes = self._reader.get_variable_to_shape_map()
        self.dtypes = self._reader.get_variable_to_dtype_map()
        self.names = self._of("model/")
        self.averages = {
            name.partition("/")[2].removesuffix("_average"): key
            for name, key in self._of("optimizer/").items()
            if name.endswith("_average")
        }

    def value(self, key: str) -> np.ndarray:
        try:
            return self._reader.get_tensor(key)
        except Exception as error:
            raise self._broken(error) from None

    def _of(self, part: str) -> dict[str, str]:
        keys = [key for key in self.shapes if key.startswith(part) and key.endswith(_VALUE)]
        return {_unescaped(key[len(part) : -len(_VALUE)]): key for key in keys}

    def _broken(self, error: Exception) -> UserError:
        return UserError(f"the checkpoint {self.path} is broken: {(str(error).splitlines() or [''])[0]}")


def _unescaped(name: str) -> str:
    """TensorFlow writes `.S` for the slash in the name of a variable, and `..` for the dot."""
    return re.sub(r"\.(.)", lambda match: "/" if match[1] == "S" else match[1], name)


def average(paths: Sequence[pathlib.Path], to: pathlib.Path) -> dict:
    """Writes the mean of the weights of several checkpoints as a checkpoint of weights alone.

    The means are taken in float64; what is not a float (a counter) comes from the newest.

    Args:
      paths: folders of checkpoints of one model.
      to: the folder to write, whole or not at all; an earlier average there is replaced.

    Returns:
      Its meta data: the newest step, and the names of what was averaged.

    Raises:
      UserError: a checkpoint is missing, broken or of another model, or `to` is there and no average.
    """
    if to.exists() and "averaged" not in Stored(to).meta:
        raise UserError(f"{to} is no average, and would be replaced; give another --to=FOLDER")
    stored = sorted((Stored(path) for path in paths), key=lambda each: each.meta["step"])
    for other in stored[:-1]:
        _check_same(stored[-1], other)
    meta = {"step": stored[-1].meta["step"], "averaged": [str(each.path) for each in stored]}
    means = {name: tf.Variable(_mean(stored, name)) for name in stored[-1].names}
    part = to.with_name(f"{to.name}.{os.getpid()}.part")  # not tmp-*, which a running t2t-train removes
    try:
        part.mkdir(parents=True)
        tf.train.Checkpoint(model=means).write(str(part / checkpoint._STATE))
        (part / checkpoint._META).write_text(json.dumps(meta), encoding="utf-8")
        shutil.rmtree(to, ignore_errors=True)
        part.rename(to)
    except (OSError, tf.errors.OpError) as error:
        shutil.rmtree(part, ignore_errors=True)
        raise UserError(f"can't write the checkpoint {to}: {str(error).splitlines()[0]}") from None
    return meta


def default_name(paths: Sequence[pathlib.Path]) -> str:
    """The name of the folder of an average: not one that a training would go on from."""
    return f"avg-{max(Stored(path).meta['step'] for path in paths):08d}-{len(paths)}"


def _mean(stored: Sequence[Stored], name: str) -> np.ndarray:
    newest = stored[-1]
    key = newest.names[name]
    if not newest.dtypes[key].is_floating:
        return newest.value(key)
    total = np.zeros(newest.shapes[key], np.float64)
    for each in stored:
        total += each.value(each.names[name])
    return (total / len(stored)).astype(newest.dtypes[key].as_numpy_dtype)


def _check_same(one: Stored, other: Stored) -> None:
    if different := sorted(one.names.keys() ^ other.names.keys()):
        raise UserError(
            f"{one.path} and {other.path} are of different models: only one of them has `{different[0]}`"
            f" ({counted(len(different), 'variable differs', 'variables differ')})"
        )
    for name, key in one.names.items():
        shapes = one.shapes[key], other.shapes[other.names[name]]
        if shapes[0] != shapes[1]:
            raise UserError(
                f"{one.path} and {other.path} are of different models: `{name}` is {shapes[0]} and"
                f" {shapes[1]}"
            )


def best(paths: Sequence[pathlib.Path], count: int) -> list[pathlib.Path]:
    """The checkpoints with the lowest `score` in their meta data.

    Raises:
      UserError: fewer than `count` have one.
    """
    scores = {path: Stored(path).meta.get("score") for path in paths}
    scored = [path for path in paths if scores[path] is not None]
    if len(scored) < count:
        raise UserError(
            f"{len(scored)} of {len(paths)} checkpoints hold a score, and --best={count} needs {count}; "
            f"use --last={count}, or --checkpoints=A,B"
        )
    return sorted(scored, key=scores.__getitem__)[:count]


def load_averages(model: Any, path: pathlib.Path) -> bool:
    """Gives a model the moving averages of its weights, where the checkpoint holds them.

    Returns:
      Whether it does, that is, whether the run had `ema_decay`.
    """
    stored = Stored(path)
    for variable in model.variables:
        key = stored.averages.get(variable.path.replace("/", "_"))
        if key is not None:
            variable.assign(stored.value(key))
    return bool(stored.averages)


@contextlib.contextmanager
def averaged(optimizer: Any) -> Iterator[None]:
    """Within, the weights are their moving averages, where the optimizer keeps them; afterwards as before."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    weights = optimizer.averaged_weights()
    before = [shard_values.here(weight) for weight in weights]
    optimizer.load_averages()
    try:
        yield
    finally:
        for weight, value in zip(weights, before, strict=True):
            shard_values.set_here(weight, value)
