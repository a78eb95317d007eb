"""Feature kinds, a file for each: how a value is stored, batched, decoded, served, exported and shown."""
