"""Flags that say where examples come from, for each command that may prepare data."""

from t2tlite import cli


def add_fraction(command: cli.Command) -> None:
    command.string(
        "fraction",
        None,
        "train on a part of some problems' training data: wsj_parsing:0.1,imagenet:0.5. It is the same part "
        "each time, and a smaller one is part of a larger one",
    )


def add_source(command: cli.Command) -> None:
    command.string(
        "source",
        "files",
        "where examples come from: files (the corpus's own), tfds (TensorFlow Datasets), hf (Hugging Face "
        "datasets on this machine) or sample (the embedded sample world)",
    )
    command.string(
        "source_dir",
        None,
        "for --source=files the folder with the corpus's files, or with a folder for each corpus; for tfds "
        "its data_dir; for hf the folder or the name of a dataset",
    )
    command.string("tmp_dir", None, "for the intermediate files; default: beside the result")
