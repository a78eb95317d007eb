"""From record files to batches, and which problem comes next."""
