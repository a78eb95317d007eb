"""Checkpoints of a run: writing, restoring, averaging and finding them."""

CHECKPOINTS = "checkpoints"  # the folder of them in a run's folder
