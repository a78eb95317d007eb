"""The training loop, schedules, checkpoints and evaluation."""
