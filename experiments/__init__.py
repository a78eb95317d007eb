"""The paper's experiments, a file each."""
