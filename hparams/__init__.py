"""Named sets of hyperparameters."""
