"""Decoding with incremental state, and trained models as Python objects."""
