"""Attention and the experts' choice for one example, as arrays and as plots."""
