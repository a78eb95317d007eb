"""What prepared data is like: lengths, the bounds that follow from them, distributions."""
