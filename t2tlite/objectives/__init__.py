"""Objectives that come with t2tlite, a file each."""
