"""Beam search, greedy decoding and sampling with incremental state, in the graph."""
