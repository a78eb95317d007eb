"""Flags that name a trained model and prepared data, for each command that measures on it."""

import dataclasses
import pathlib
from collections.abc import Collection
from typing import TYPE_CHECKING

from absl.flags import FlagValues

from t2tlite import cli
from t2tlite.errors import UserError

if TYPE_CHECKING:
    from t2tlite.run import Run


def add_model(command: cli.Command) -> None:
    command.string("output_dir", None, "folder of the training run", required=True)
    command.string("checkpoint_path", None, "one of its checkpoints; the newest where this is not given")


def add_data_dir(command: cli.Command) -> None:
    command.string("data_dir", None, "folder of the prepared data; the run's own where this is not given")


def load_run(flags: FlagValues) -> "Run":
    """The run that the flags name, with the data that they name."""
    from t2tlite.run import Run

    run = Run.load(flags.output_dir)
    return dataclasses.replace(run, data_dir=flags.data_dir or run.data_dir)


def checkpoint(flags: FlagValues, run: "Run", problems: Collection[str]) -> pathlib.Path:
    """The path of the checkpoint, which a training that goes on may not change meanwhile.

    Raises:
      UserError: there is none, or the data of a problem is missing: now, and not when others were measured.
    """
    from t2tlite.checkpoints import CHECKPOINTS, checkpoint

    for name in problems:
        run.split(name, flags.split)
    folder = run.output_dir / CHECKPOINTS
    path = pathlib.Path(flags.checkpoint_path) if flags.checkpoint_path else checkpoint.newest(folder)
    if path is None:
        raise UserError(f"{run.output_dir} holds no checkpoint yet; train with t2t-train --output_dir=...")
    return path
