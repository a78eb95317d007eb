"""Vocabulary, record files, batches and the mixing of problems."""
