"""Teacher-forced and decoded metrics."""
