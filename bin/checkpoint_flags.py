"""Flags that name a trained model and prepared data, for each command that measures on it."""

from t2tlite import cli


def add_model(command: cli.Command) -> None:
    command.string("output_dir", None, "folder of the training run", required=True)
    command.string("checkpoint_path", None, "one of its checkpoints; the newest where this is not given")


def add_data_dir(command: cli.Command) -> None:
    command.string("data_dir", None, "folder of the prepared data; the run's own where this is not given")
