"""Finding the checkpoint to decode with, and what identifies it. Needs no TensorFlow."""

import hashlib
import json
import pathlib
import re
from typing import Any

from t2tlite.checkpoints import CHECKPOINTS
from t2tlite.errors import UserError

_NAME = re.compile(r"step-(\d+)")
_INDEX = "state.index"
_DESCRIBES = ("problems", "hparams", "labels", "vocabulary")  # the parts of run.json on which outputs depend


def find(output_dir: str, checkpoint_path: str | None) -> pathlib.Path:
    """The checkpoint that was asked for, or the newest of the run.

    Args:
      checkpoint_path: a checkpoint's folder, or a folder of checkpoints, such as checkpoints/best/wmt_ende,
        of which the newest is taken.

    Raises:
      UserError: there is none.
    """
    if not checkpoint_path:
        newest = _newest(pathlib.Path(output_dir) / CHECKPOINTS)
        if newest is None:
            raise UserError(f"{output_dir} holds no checkpoint yet; train with t2t-train --output_dir=...")
        return newest
    path = pathlib.Path(checkpoint_path)
    if _is_checkpoint(path):
        return path
    newest = _newest(path)
    if newest is None:
        raise UserError(
            f"{path} is no checkpoint; expected a folder such as OUTPUT_DIR/checkpoints/step-00001000"
        )
    return newest


def identity(description: dict[str, Any], path: pathlib.Path) -> dict[str, str]:
    """What outputs depend on besides inputs and options.

    The index of a checkpoint holds a checksum of each tensor, so that its digest stands for the weights.

    Args:
      description: `run.read_description` of the run.
      path: of the checkpoint.

    Raises:
      UserError: the checkpoint can't be read.
    """
    try:
        index = (path / _INDEX).read_bytes()
    except OSError as error:
        raise UserError(f"can't read the checkpoint {path}: {error.strerror}") from None
    run = json.dumps([description.get(name) for name in _DESCRIBES], sort_keys=True).encode()
    return {
        "run": hashlib.sha256(run).hexdigest()[:12],
        "checkpoint": f"{path.name} ({hashlib.sha256(index).hexdigest()[:12]})",
    }


def _newest(folder: pathlib.Path) -> pathlib.Path | None:
    try:
        candidates = [path for path in folder.iterdir() if _step(path) >= 0 and _is_checkpoint(path)]
    except OSError:
        return None
    return max(candidates, key=_step, default=None)


def _step(path: pathlib.Path) -> int:
    """The step in a checkpoint's name; -1 where it is not the name of one."""
    match = _NAME.fullmatch(path.name)
    return int(match[1]) if match else -1


def _is_checkpoint(path: pathlib.Path) -> bool:
    return (path / _INDEX).is_file()
