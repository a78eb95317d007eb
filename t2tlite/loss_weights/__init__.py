"""By how much the problems' losses are weighted: kinds of it, and where one keeps what it has learned."""
