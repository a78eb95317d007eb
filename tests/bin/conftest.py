"""Runs of t2t-train that several tests look at, and none changes."""

import pytest

from . import runs


@pytest.fixture(scope="package")
def whole(sample_data, tmp_path_factory, eager):
    """A run of an update on each of the eight problems, and a second one on two, that was never stopped."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    with eager():
        assert runs.train(folder, sample_data, "all", 10, keep_checkpoint_max=2) == 0
    return folder


@pytest.fixture(scope="package")
def short(sample_data, tmp_path_factory, eager):
    """A run of three updates on one problem, with checkpoints at 2, where it was evaluated, and at 3."""
    folder = tmp_path_factory.mktemp("short") / "run"
    with eager():
        assert runs.train(folder, sample_data, "wmt_ende", 3, log_steps=2, local_eval_frequency=2) == 0
    return folder
