"""Making the runs of an experiment, and reporting what came of them."""
