"""Vocabularies: learned, imported, and in the graph."""
