"""What the commands do, as functions with keyword arguments; `t2tlite` itself offers them."""
