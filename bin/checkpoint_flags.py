"""Flags that name a trained model and prepared data, for each command that measures on it."""

import dataclasses
from typing import TYPE_CHECKING

from absl.flags import FlagValues

from t2tlite import cli

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
