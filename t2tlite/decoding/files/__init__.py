"""Decoding and scoring the lines of files and streams."""
