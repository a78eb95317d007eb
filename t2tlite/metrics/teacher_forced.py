"""Names of the teacher-forced figures, which no metric of decoded outputs may have."""

# Whether a higher value is the better one.
HIGHER_IS_BETTER = {
    "loss": False,
    "log_perplexity": False,
    "accuracy": True,
    "accuracy_top5": True,
    "sequence_accuracy": True,
}
