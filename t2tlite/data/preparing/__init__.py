"""From the examples of problems to record files."""
